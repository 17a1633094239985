import type { WorkNumber, WorkOrder, WorkQueue, WorkSort } from '../../../core/workflow/work/queues.ts';
import type { KnownFact } from '../../../core/workflow/work/work-facts.ts';
import type { AskedWord } from '../../../core/workflow/work/words.ts';
import type { StoredRow, WorkFilter, WorkPosition, WorkReader } from '../../../core/workflow/work/work-row-store.ts';
import { priorities } from '../../../core/workflow/work/work-row.ts';
import { Problem } from '../../../core/problem.ts';
import { instantAt } from '../../../core/time-zone.ts';
import type { Sql } from '../connection.ts';
import { codeOf, sqlState } from '../database-problem.ts';
import { bindings, type Bindings } from '../records/search-values.ts';
import { visibleWork } from './work-narrowing.ts';

/** What references and days are read against. */
export interface WorkSite {
  baseUrl: string;
  timeZone: string;
  /** For tests: whether a list is read along an index, whatever there is. */
  alongIndexes?: boolean;
}

interface Row {
  rid: number;
  total: number;
  id: string;
  version: number;
  facts: string;
  value: string | null;
}

const conditions: Record<WorkQueue, string> = {
  pending: `w.status = 'PENDING_AI'`,
  'to-read': `w.open && '{physician-verification,report-amendment}'`,
  verified: `w.status in ('DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY')`,
  all: `w.status <> 'RETRACTED'`,
  ended: `w.status in ('REJECTED', 'CANCELLED', 'RETRACTED')`,
  'to-prescribe': `w.open && '{pharmacist-review}'`,
  prescribed: `w.status in ('PHARMACIST_COMPLETED', 'REPORT_READY')`,
  'to-approve': `w.open && '{release-approval}'`,
  released: `w.status = 'REPORT_READY'`,
};

const columnTypes: Record<WorkSort, string> = {
  scan: 'text collate "C"',
  patient: 'text collate "C"',
  status: 'smallint',
  finding: 'text collate "C"',
  confidence: 'real',
  uploaded: 'timestamptz',
  verified: 'timestamptz',
  priority: 'bigint',
  released: 'timestamptz',
  changed: 'timestamptz',
};

/** What a site has done: there, a list without a filter is nearly all that there is. */
const large = new Set<WorkQueue>(['verified', 'all', 'prescribed', 'released']);

/**
 * A page, and how many there are in all. What is filtered is found once and sorted then: the planner cannot know how rare the
 * begin of a word is, and would look for it along an order. A large list as it is, is counted and read along an index.
 */
export async function findWork(
  sql: Sql,
  site: WorkSite,
  reader: WorkReader,
  filter: WorkFilter,
  page: PageOf,
): Promise<{ rows: StoredRow[]; total: number; next?: WorkPosition }> {
  const bound = bindings(site.timeZone);
  const where = matching(reader, filter, bound, site);
  const { queue, ...narrower } = filter;
  const isLarge = site.alongIndexes ?? (large.has(queue) && Object.keys(narrower).length === 0);
  const counting = `select count(*) as total from work_row w where ${where}`;
  const [counted, found] = await Promise.all([
    isLarge ? sql.query<{ total: number }>(counting, [...bound.values]) : undefined,
    sql.query<Row>(isLarge ? stretchesSql(where, page, bound) : sortedSql(where, page, bound), bound.values),
  ]).catch(tooCostly);
  const rows = found.filter(({ rid }) => rid !== null);
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(stored),
    total: (counted?.[0] ?? found[0])!.total,
    ...(last && rows.length > page.limit && { next: { value: last.value, row: last.rid } }),
  };
}

export async function oneOfWork(sql: Sql, site: WorkSite, reader: WorkReader, review: string): Promise<StoredRow | undefined> {
  const bound = bindings(site.timeZone, [review]);
  const seen = visibleWork(reader, bound, site.baseUrl);
  const text = `select rid, id, version, facts, null as value from work_row w where id = $1 and version > 0 and ${seen}`;
  const [row] = await sql.query<Row>(text, bound.values);
  return row && stored(row);
} // prettier-ignore

export async function countWork(
  sql: Sql,
  site: WorkSite,
  reader: WorkReader,
  numbers: readonly WorkNumber[],
  filter: Omit<WorkFilter, 'queue'>,
): Promise<number[]> {
  const bound = bindings(site.timeZone);
  const columns = numbers.map((number, n) => {
    const [queue, condition, counted] = numberSql(number, reader, bound);
    const where = matching(reader, { ...filter, queue }, bound, site);
    return `(select count(${counted ?? '*'}) from work_row w where ${where} and ${condition}) as n${n}`;
  });
  if (columns.length === 0) return [];
  const [row] = await sql.query<Record<string, number>>(`select ${columns.join(', ')}`, bound.values).catch(tooCostly);
  return Object.values(row!);
}

/** Within which queue it is counted, what must hold beside it, and what is counted. */
function numberSql(number: WorkNumber, reader: WorkReader, bound: Bindings): [WorkQueue, string, string?] {
  const today = (column: string) =>
    `w.${column} >= ${bound.add(reader.today.from)} and w.${column} < ${bound.add(reader.today.to)}`;
  switch (number) {
    case 'verified-by-me':
      return ['all', `w.reader = ${bound.add(reader.self ?? '')}`];
    case 'claimed-by-me':
      return ['all', `w.holders @> array[${bound.add(reader.self ?? '')}]`];
    case 'completed-today':
      return ['all', today({ doctor: 'by_verified', pharmacist: 'prescribed', admin: 'by_released' }[reader.role])];
    case 'submitted-today':
      // To an administrator, who decides about the release.
      return ['all', today('prescribed')];
    case 'normal-due':
      return ['to-prescribe', `w.conclusion_kind = 'normal'`];
    case 'abnormal-due':
      return ['to-prescribe', `w.conclusion_kind is distinct from 'normal'`];
    case 'abnormal-awaiting':
      return ['to-approve', `w.conclusion_kind is distinct from 'normal'`];
    case 'patients-awaiting':
      return ['to-approve', 'true', 'distinct w.patient'];
    default:
      return [number, 'true'];
  }
}

function matching(reader: WorkReader, filter: WorkFilter, bound: Bindings, { baseUrl, timeZone }: WorkSite): string {
  const { words, statuses, modalities, findings, priorities: wanted, from, to, person } = filter;
  const parts = [
    conditions[filter.queue],
    visibleWork(reader, bound, baseUrl),
    ...(words ? wordsSql(words, timeZone, bound) : []),
  ];
  if (statuses) parts.push(`w.status = any(${bound.add(statuses)}::text[])`);
  if (modalities) parts.push(`w.modalities && ${bound.add(modalities)}::text[]`);
  if (findings) {
    const any = bound.add(findings);
    parts.push(`(w.finding = any(${any}::text[]) or w.finding_kind = any(${any}::text[]))`);
  }
  if (wanted) parts.push(`w.priority = any(${bound.add(wanted.map((one) => priorities.indexOf(one)))}::smallint[])`);
  if (from) parts.push(`w.by_uploaded >= ${bound.add(from)}`);
  if (to) parts.push(`w.by_uploaded < ${bound.add(to)}`);
  if (person !== undefined) parts.push(`w.people @> array[${bound.add(person)}]`);
  return parts.filter((part) => part !== 'true').join(' and ');
}

/** Without any word nothing is found. Words without a date are one look into the index; one that may be a day is looked for as that as well. */
function wordsSql(words: readonly AskedWord[], timeZone: string, bound: Bindings): string[] {
  if (words.length === 0) return ['false'];
  const query = (parts: readonly string[]) => parts.map((part) => `'${part.replaceAll("'", '')}':*`).join(' & ');
  const plain = words.filter(({ day }) => day === undefined).flatMap(({ parts }) => parts);
  const found = plain.length > 0 ? [`w.words @@ ${bound.add(query(plain))}::tsquery`] : [];
  for (const { parts, day } of words) {
    const range = day === undefined ? undefined : daysOf(day, timeZone);
    if (day === undefined) continue;
    const asWords = `w.words @@ ${bound.add(query(parts))}::tsquery`;
    found.push(
      range
        ? `(${asWords} or (w.by_uploaded >= ${bound.add(range.from)} and w.by_uploaded < ${bound.add(range.to)}))`
        : asWords,
    );
  }
  return found;
}

/** The time that a day (`2026-11-27`) or a month (`2026-11`) covers at the place. */
function daysOf(text: string, timeZone: string): { from: Date; to: Date } | undefined {
  const [year, month, day] = text.split('-').map(Number) as [number, number, number?];
  const wall = Date.UTC(year, month - 1, day ?? 1);
  if (month < 1 || month > 12 || (day !== undefined && new Date(wall).getUTCDate() !== day)) return undefined;
  const end = day === undefined ? Date.UTC(year, month, 1) : Date.UTC(year, month - 1, day + 1);
  return { from: new Date(instantAt(timeZone, wall)), to: new Date(instantAt(timeZone, end)) };
}

interface PageOf {
  order: WorkOrder;
  limit: number;
  after?: WorkPosition;
}

/** All that match, then their order. The outer join keeps the total of an empty page. */
function sortedSql(where: string, { order, limit, after }: PageOf, bound: Bindings): string {
  const { column, direction, beyond } = wayOf(order);
  const row = after && bound.add(after.row);
  const behind = !after
    ? 'true'
    : after.value === null
      ? `key is null and rid ${beyond} ${row}::bigint`
      : `((key, rid) ${beyond} (${bound.add(after.value)}::${columnTypes[order.by]}, ${row}::bigint) or key is null)`;
  return `
    with found as materialized (select w.rid, ${column} as key from work_row w where ${where}),
    page as (select * from found where ${behind} order by key ${direction} nulls last, rid ${direction} limit ${bound.add(limit + 1)})
    select totals.total, ${shownColumns}
      from (select count(*) as total from found) totals left join page p on true left join work_row w on w.rid = p.rid
     order by p.key ${direction} nulls last, p.rid ${direction}`;
}

/**
 * Along the index of the column from where the page before ended. Rows without a value come last whichever way the list
 * goes, so there are two stretches.
 */
function stretchesSql(where: string, { order, limit, after }: PageOf, bound: Bindings): string {
  const { column, direction, beyond } = wayOf(order);
  const most = bound.add(limit + 1);
  const stretch = (condition: string) =>
    `(select w.rid, ${column} as key from work_row w where ${where} and ${condition}
       order by ${column} ${direction}, w.rid ${direction} limit ${most})`;
  const row = after && bound.add(after.row);
  const parts: string[] = [];
  if (!after || after.value !== null) {
    const behind = after
      ? `(${column}, w.rid) ${beyond} (${bound.add(after.value)}::${columnTypes[order.by]}, ${row}::bigint)`
      : 'true';
    parts.push(stretch(`${column} is not null and ${behind}`));
  }
  parts.push(stretch(`${column} is null and ${after?.value === null ? `w.rid ${beyond} ${row}::bigint` : 'true'}`));
  return `
    select ${shownColumns}
      from (select * from (${parts.join(' union all ')}) both_stretches
             order by key ${direction} nulls last, rid ${direction} limit ${most}) p
      join work_row w on w.rid = p.rid order by p.key ${direction} nulls last, p.rid ${direction}`;
}

/** Keyset pages: where one ended is a value and a row, so one that comes or goes meanwhile neither repeats nor hides others. */
const shownColumns = 'p.rid, w.id, w.version, w.facts, p.key::text as value';

function wayOf({ by, descending }: WorkOrder): { column: string; direction: string; beyond: string } {
  return { column: `w.by_${by}`, direction: descending ? 'desc' : 'asc', beyond: descending ? '<' : '>' };
}

function stored({ id, version, facts }: Row): StoredRow {
  return { review: id, version, known: JSON.parse(facts) as KnownFact[] };
}

/** The statement ran into the connection's time limit. */
function tooCostly(error: unknown): never {
  if (codeOf(error) !== sqlState.queryCanceled) throw error;
  throw new Problem('too-costly', 'The list takes too long; narrow it by a date or a status.', { cause: error });
}

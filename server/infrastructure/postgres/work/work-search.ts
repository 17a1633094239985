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
  /** For tests: how many rows are sorted, instead of read along an index. */
  mostSorted?: number;
}

interface Row {
  rid: number;
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

/** Up to so many are found first and sorted then; of more, some stand near the place where the page begins. */
const usualMostSorted = 20_000;

/**
 * How many there are in all, and then a page: which way to it is the short one depends on that number, and the planner
 * cannot know how rare the begin of a word is.
 */
export async function findWork(
  sql: Sql,
  site: WorkSite,
  reader: WorkReader,
  filter: WorkFilter,
  page: { order: WorkOrder; limit: number; after?: WorkPosition },
): Promise<{ rows: StoredRow[]; total: number; next?: WorkPosition }> {
  const counted = bindings(site.timeZone);
  const countText = `select count(*) as total from work_row w where ${matching(reader, filter, counted, site)}`;
  const [found] = await sql.query<{ total: number }>(countText, counted.values).catch(tooCostly);
  const { total } = found!;
  if (total === 0) return { rows: [], total };
  const bound = bindings(site.timeZone);
  const where = matching(reader, filter, bound, site);
  const text =
    total <= (site.mostSorted ?? usualMostSorted) ? sortedSql(where, page, bound) : stretchesSql(where, page, bound);
  const rows = await sql.query<Row>(text, bound.values).catch(tooCostly);
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(stored),
    total,
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
  const { words = [], statuses, modalities, findings, priorities: wanted, from, to, person } = filter;
  const parts = [conditions[filter.queue], visibleWork(reader, bound, baseUrl), ...wordsSql(words, timeZone, bound)];
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

/** Words without a date are one look into the index; one that may be a day is looked for as that as well. */
function wordsSql(words: readonly AskedWord[], timeZone: string, bound: Bindings): string[] {
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

/** All that match, then their order: whatever the order is, no other row is looked at. */
function sortedSql(where: string, { order, limit, after }: PageOf, bound: Bindings): string {
  const { column, beyond } = wayOf(order);
  const row = after && bound.add(after.row);
  const behind = !after
    ? 'true'
    : after.value === null
      ? `${column} is null and w.rid ${beyond} ${row}::bigint`
      : `((${column}, w.rid) ${beyond} (${bound.add(after.value)}::${columnTypes[order.by]}, ${row}::bigint) or ${column} is null)`;
  const found = `select w.rid, ${column} as key from work_row w where ${where} and ${behind}`;
  return `with found as materialized (${found}) ${rowsOf('found', order, bound.add(limit + 1))}`;
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
  return `with found as (${parts.join(' union all ')}) ${rowsOf('found', order, most)}`;
}

/** Keyset pages: a row that comes or goes meanwhile neither repeats nor hides others. */
function rowsOf(found: string, order: WorkOrder, most: string): string {
  const { direction } = wayOf(order);
  const inOrder = (row: string) => `order by ${row}.key ${direction} nulls last, ${row}.rid ${direction}`;
  return `
    select p.rid, w.id, w.version, w.facts, p.key::text as value
      from (select * from ${found} f ${inOrder('f')} limit ${most}) p join work_row w on w.rid = p.rid ${inOrder('p')}`;
}

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

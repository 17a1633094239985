import type { SearchPage, StoredRecord } from '../../../core/records/record-store.ts';
import type { Site } from '../../../core/search/index-extraction.ts';
import type { SearchQuery } from '../../../core/search/search-query.ts';
import type { Sql } from '../connection.ts';
import { cursorOf, positionOf } from './search-cursor.ts';
import { conditionSql, type Scope } from './search-conditions.ts';
import { includeRecords } from './search-includes.ts';
import { longestPage, place } from './page.ts';
import { sortBy, type SortKey } from './search-sort.ts';
import { bindings, type Bindings } from './search-values.ts';
import { visible, type NarrowingOf } from './narrowing.ts';
import { recordColumns, storedRecord, type RecordRow } from './row.ts';

interface MatchRow extends RecordRow {
  rid: number;
  keys: (string | null)[] | null;
  /** Matches that the page could have, with the one behind it, whatever their length. */
  available: number;
  total?: number;
}

/**
 * Runs a search in one statement (one more for each round of includes). Pages are keyset pages: they go on behind the
 * last record given, so records that come or go meanwhile neither repeat nor hide others.
 *
 * @throws Problem `value` for a cursor that is not of this search.
 */
export async function searchRecords(
  sql: Sql,
  query: SearchQuery,
  narrowing: NarrowingOf,
  site: Site,
): Promise<SearchPage> {
  const { baseUrl } = site;
  const bound = bindings(site.timeZone);
  const scope: Scope = { bound, baseUrl, visible: (type, row) => visible(type, narrowing(type), row, bound, baseUrl) };
  const matching = [
    `r.type = ${bound.add(query.type)} and not r.deleted`,
    scope.visible(query.type, 'r'),
    ...query.conditions.map((condition) => conditionSql(query.type, condition, 'r', scope)),
  ].join(' and ');
  if (query.count === 0) return { matches: [], included: [], total: await count(sql, matching, bound.values) };

  const keys = sortBy(query, bound);
  const position = query.after === undefined ? 'true' : behind(query, keys, bound);
  const text = pageSql(query, keys, matching, position, bound);
  const kept = narrowing(query.type)?.kind === 'all' && byIdentifier(query);
  const rows = await (kept ? sql.prepared<MatchRow>(text, bound.values) : sql.query<MatchRow>(text, bound.values));
  const page = rows.filter((row) => row.rid !== null).slice(0, query.count);
  const last = page.at(-1);
  const more = last && last.available > page.length;
  const { included, truncated } = await includeRecords(sql, query, page, narrowing, site);
  return {
    matches: page.map(storedRecord),
    included: included.map((row): StoredRecord => storedRecord(row)),
    ...(query.total !== 'none' && { total: rows[0]?.total ?? 0 }),
    ...(more && { next: cursorOf(query, { keys: last.keys ?? [], rid: last.rid }) }),
    ...(truncated && { truncated }),
  };
}

async function count(sql: Sql, matching: string, values: unknown[]): Promise<number> {
  const [row] = await sql.query<{ total: number }>(`select count(*) as total from record r where ${matching}`, values);
  return row!.total;
}

/**
 * A search by one identifier finds a record or two whatever the value, so one plan is right for all of them. That is
 * not so for other searches: what is best for a rare value may take minutes for a frequent one.
 */
function byIdentifier({ conditions, sort, after, total }: SearchQuery): boolean {
  const [only, ...more] = conditions;
  if (!only || more.length > 0 || sort.length > 0 || after !== undefined || total !== 'none') return false;
  const { parameter, modifier, values, chain, has } = only;
  if (modifier !== undefined || chain || has || values.length !== 1) return false;
  return parameter === '_id' || (parameter === 'identifier' && !values[0]!.endsWith('|'));
}

/** One row more than the page tells whether there is a next one. The outer join keeps the total of an empty page. */
function pageSql(query: SearchQuery, keys: SortKey[], matching: string, position: string, bound: Bindings): string {
  const sorted = keys.length === 0 ? 'null::text[]' : `array[${keys.map(({ name }) => `${name}::text`).join(', ')}]`;
  const order = [...keys.map(({ order }) => order), 'rid'].join(', ');
  const found = `select r.rid, r.type, r.id, r.version${keys.map(({ sql, name }) => `, ${sql} as ${name}`).join('')}
                   from record r where ${matching}`;
  const page = `with page as (select * from (${found}) m where ${position} order by ${order} limit ${bound.add(query.count + 1)})`;
  const version = `join record_version v on v.rid = r.rid and v.version = r.version`;
  const inOrder = `order by ${order.replace(/rid$/, 'r.rid')}`;
  const columns = `r.rid, ${recordColumns}, ${sorted} as keys, ${place(inOrder)}`;
  const source =
    query.total === 'none'
      ? `select ${columns} from page r ${version}`
      : `select ${columns}, totals.total
           from (select count(*) as total from record r where ${matching}) totals
           left join page r on true
           left ${version}`;
  return `${page} select * from (${source}) placed where before is null or before < ${longestPage} order by place`;
}

/** The condition of being behind the cursor in the order of the search. */
function behind(query: SearchQuery, keys: SortKey[], bound: Bindings): string {
  const cursor = positionOf(query, query.after!);
  // (a, b, rid) > (x, y, z), each key in its own direction and with nothing as the last value.
  let sqlText = `rid > ${bound.add(cursor.rid)}`;
  for (let n = keys.length - 1; n >= 0; n--) {
    const { name, type, descending } = keys[n]!;
    const value = cursor.keys[n] ?? null;
    if (value === null) sqlText = `(${name} is null and ${sqlText})`;
    else {
      const at = `${bound.add(value)}::${type}`;
      sqlText = `(${name} ${descending ? '<' : '>'} ${at} or ${name} is null or (${name} = ${at} and ${sqlText}))`;
    }
  }
  return sqlText;
}

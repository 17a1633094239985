import type { ResourceType } from '@medplum/fhirtypes';
import { mostCounted } from '../../../core/records/refuse-referred.ts';
import type { Sql } from '../connection.ts';
import { visible, type NarrowingOf } from './narrowing.ts';
import { bindings } from './search-values.ts';

const mostNamed = 5;

/** What a Provenance is about: it tells of versions, which stay when the record goes. */
const ofProvenance = ['Provenance.target', 'Provenance.patient'];

/**
 * Records that refer to one by a search parameter; see `RecordStore.referrers`. One look-up in the index of references
 * where there are none; only what is refused costs more.
 */
export async function referrersOf(
  sql: Sql,
  type: ResourceType,
  id: string,
  narrowing: NarrowingOf,
  { baseUrl, timeZone }: { baseUrl: string; timeZone: string },
): Promise<{ count: number; seen: string[] }> {
  const rows = await sql.prepared<{ rid: number; type: ResourceType }>(
    `select distinct r.rid, r.type from search_reference l join record r on r.rid = l.rid
      where l.target_id = $2 and l.target_type = $1 and l.param <> all($3::text[])
        and not r.deleted and not (r.type = $1 and r.id = $2)
      limit ${mostCounted + 1}`,
    [type, id, ofProvenance],
  );
  if (rows.length === 0) return { count: 0, seen: [] };
  const bound = bindings(timeZone, [rows.map(({ rid }) => rid)]);
  const allowed = [...new Set(rows.map((row) => row.type))]
    .map((one) => ({ one, sql: visible(one, narrowing(one), 'r', bound, baseUrl) }))
    .filter((part) => part.sql !== 'false')
    .map((part) => `(r.type = ${bound.add(part.one)} and ${part.sql})`);
  if (allowed.length === 0) return { count: rows.length, seen: [] };
  const seen = await sql.query<{ name: string }>(
    `select r.type || '/' || r.id as name from record r
      where r.rid = any($1::bigint[]) and (${allowed.join(' or ')}) order by r.rid limit ${mostNamed}`,
    bound.values,
  );
  return { count: rows.length, seen: seen.map(({ name }) => name) };
}

/** See `RecordStore.isReferred`. @param targets `Type/id`. */
export async function isReferred(sql: Sql, targets: readonly string[], parameter: string): Promise<boolean> {
  const [types, ids] = [targets.map((one) => one.split('/')[0]!), targets.map((one) => one.split('/')[1] ?? '')];
  const rows = await sql.prepared(
    `select from unnest($1::text[], $2::text[]) as t(type, id)
       join search_reference l on l.target_id = t.id and l.target_type = t.type and l.param = $3 limit 1`,
    [types, ids, parameter],
  );
  return rows.length > 0;
}

import type { Resource } from '@medplum/fhirtypes';
import type { DataSource } from 'typeorm';
import { dateRowsOf, type IndexRows } from '../../../core/search/index-extraction.ts';
import { calendarParameters } from '../../../core/search/search-parameters.ts';
import { managerSql, type Sql } from '../connection.ts';

const batch = 500;

/**
 * Brings the search index to the site's zone. A date without a zone (`2026-03-10`) is indexed as the time that the day
 * covers at the site; so when SITE_TIME_ZONE is another one than before, those rows are made anew.
 *
 * One transaction: a start that is cut short leaves the old index whole. Other processes that start wait for it.
 *
 * @param onProgress called before the work if there is any.
 * @returns how many records had rows that changed.
 */
export async function indexDays(
  dataSource: DataSource,
  timeZone: string,
  onProgress: (step: string) => void = () => undefined,
): Promise<number> {
  return dataSource.transaction(async (manager) => {
    const sql = await managerSql(manager);
    await sql.query(`set local statement_timeout = 0; set local lock_timeout = 0`);
    const [kept] = await sql.query<{ zone: string }>(`select zone from search_zone for update`);
    if (kept!.zone === timeZone) return 0;
    onProgress(`indexing dates in the zone ${timeZone}`);
    let changed = 0;
    for (let after: number | undefined = 0; after !== undefined;) {
      const next = await indexBatch(sql, after, timeZone);
      changed += next.changed;
      after = next.last;
    }
    await sql.query(`update search_zone set zone = $1`, [timeZone]);
    return changed;
  });
}

/** The zone that dates are indexed for. */
export async function indexedZone(sql: Sql): Promise<string> {
  const [kept] = await sql.query<{ zone: string }>(`select zone from search_zone`);
  return kept!.zone;
}

type DateRow = IndexRows['date'][number] & { rid: number };

async function indexBatch(sql: Sql, after: number, timeZone: string): Promise<{ changed: number; last?: number }> {
  const records = await sql.query<{ rid: number; content: string }>(
    `select r.rid, v.content from record r join record_version v on v.rid = r.rid and v.version = r.version
      where r.rid > $1 and not r.deleted
        and exists (select from search_date d where d.rid = r.rid and d.param <> all($2::text[]))
      order by r.rid limit $3 for update of r`,
    [after, [...calendarParameters], batch],
  );
  const rows = records.flatMap(({ rid, content }) =>
    dateRowsOf(JSON.parse(content) as Resource, { baseUrl: '', timeZone }).map((row): DateRow => ({
      rid,
      ...row,
    })),
  );
  const [done] = await sql.query<{ changed: number }>(replaceRows, [
    records.map(({ rid }) => rid),
    JSON.stringify(rows),
  ]);
  const last = records.length === batch ? records.at(-1)?.rid : undefined;
  return { changed: done!.changed, ...(last !== undefined && { last }) };
}

const replaceRows = `
  with given as (
    select * from jsonb_to_recordset($2::jsonb)
      as given(rid bigint, param text, part smallint, low timestamptz, high timestamptz)),
  gone as (
    delete from search_date old
     where old.rid = any($1::bigint[])
       and (old.rid, old.param, old.part, old.low, old.high) not in (select rid, param, part, low, high from given)
    returning old.rid),
  added as (
    insert into search_date (rid, param, part, low, high)
    select rid, param, part, low, high from given
    except
    select rid, param, part, low, high from search_date where rid = any($1::bigint[])
    returning rid)
  select count(distinct rid) as changed from (select rid from gone union all select rid from added) touched`;

import { factsShape, type KnownFact } from '../../../core/workflow/work/work-facts.ts';
import { systems } from '../../../core/vocabulary/systems.ts';
import type { SourceVersion, WorkRowStore } from '../../../core/workflow/work/work-row-store.ts';
import { namesOf, sortValues } from './work-columns.ts';
import type { Sql } from '../connection.ts';
import { countWork, findWork, oneOfWork, type WorkSite } from './work-search.ts';

export function postgresWorkRows(sql: Sql, site: WorkSite): WorkRowStore {
  return {
    async hold(reviews, keys) {
      const [types, ids] = parted(keys);
      const held = await sql.query<{ id: string; facts: string }>(locking, [reviews, types, ids]);
      const found = new Set(held.map(({ id }) => id));
      const lacking = reviews.filter((review) => !found.has(review));
      if (lacking.length > 0) held.push(...(await sql.query<{ id: string; facts: string }>(making, [lacking])));
      return held.map(({ id, facts }) => ({ review: id, known: JSON.parse(facts) as KnownFact[] }));
    },

    async tasksOf(reviews, known) {
      const ids = known.map(({ key }) => key.slice('Task/'.length));
      const rows = await sql.prepared<SourceVersion & { review: string }>(tasks, [
        reviews,
        ids,
        known.map(({ version }) => version),
      ]);
      return rows.map(sourceVersion);
    },

    async versionsOf(keys, known) {
      const versions = new Map(known.map(({ key, version }) => [key, version]));
      const [types, ids] = parted(keys);
      const rows = await sql.prepared<SourceVersion>(others, [
        types,
        ids,
        keys.map((key) => versions.get(key) ?? null),
      ]);
      return rows.map(sourceVersion);
    },

    async keep(rows) {
      const gone = rows.filter(({ row }) => !row).map(({ review }) => review);
      if (gone.length > 0) await sql.query(`delete from work_row where id = any($1)`, [gone]);
      const values = rows.flatMap(({ review, row, words, known, reportStatus }) =>
        row
          ? [{ id: review, ...sortValues(row), words, reportStatus, ...namesOf(known), facts: JSON.stringify(known) }]
          : [],
      ); // prettier-ignore
      if (values.length > 0) await sql.prepared(keeping, [JSON.stringify(values)]);
    },

    find: (reader, filter, page) => findWork(sql, site, reader, filter, page),
    one: (reader, review) => oneOfWork(sql, site, reader, review),
    count: (reader, numbers, filter) => countWork(sql, site, reader, numbers, filter),

    async reviewsAfter(place, limit, lacking) {
      return sql.query<{ review: string; place: number }>(lacking ? reviewsWithoutRow : reviews, [place, limit]);
    },

    async stale(since, limit) {
      const rows = await sql.query<{ id: string }>(staleRows, [since, limit]);
      return rows.map(({ id }) => id);
    },

    async removeOrphans() {
      const rows = await sql.query(orphans);
      return rows.length;
    },
  };
}

/** `Type/id` as two lists. */
function parted(keys: readonly string[]): [types: string[], ids: string[]] {
  const pairs = keys.map((key) => key.split('/', 2));
  return [pairs.map(([type = '']) => type), pairs.map(([, id = '']) => id)];
}

function sourceVersion<T extends SourceVersion>({ content, ...row }: T & { content?: string | null }): T {
  return { ...row, ...(typeof content === 'string' && { content }) } as T;
}

const locking = `
  select id, case when shape = ${factsShape} then facts else '[]' end as facts from work_row
   where id = any($1::text[])
      or sources && array(select r.rid from unnest($2::text[], $3::text[]) as k(type, id) join record r on r.type = k.type and r.id = k.id)
   order by rid for update`;

const making = `
  insert into work_row (rid, id)
  select rid, id from record where type = 'Task' and id = any($1::text[]) and not deleted order by rid
  on conflict (rid) do update set id = excluded.id
  returning id, facts`;

/** Content is fetched, which is most of the cost, only where another version was known. */
const tasks = `
  with known as (select * from unnest($2::text[], $3::int[]) as known(id, version)),
  found as (
    select r.rid, r.id, r.version, r.id as review from record r where r.type = 'Task' and r.id = any($1::text[]) and not r.deleted
    union all
    select r.rid, r.id, r.version, l.target_id from search_reference l join record r on r.rid = l.rid
     where l.param = 'Task.part-of' and l.target_type = 'Task' and l.target_id = any($1::text[]) and not r.deleted)
  select 'Task/' || f.id as key, f.version, f.review,
         case when k.version is distinct from f.version then v.content end as content
    from found f join record_version v on v.rid = f.rid and v.version = f.version
    left join known k on k.id = f.id`;

const others = `
  select k.type || '/' || k.id as key, r.version,
         case when k.version is distinct from r.version then v.content end as content
    from unnest($1::text[], $2::text[], $3::int[]) as k(type, id, version)
    join record r on r.type = k.type and r.id = k.id and not r.deleted
    join record_version v on v.rid = r.rid and v.version = r.version`;

/** One that is the same as before stays as it is: its version says whether something changed. */
const keeping = `
  update work_row w
     set patients = r.patients, withheld = r.withheld, version = w.version + 1, shape = ${factsShape}, status = n.status, report_status = n."reportStatus",
         report = n.report, patient = n.patient, modalities = n.modalities, finding = n.finding, finding_kind = n."findingKind",
         conclusion_kind = n."conclusionKind", priority = n.priority, open = n.open, holders = n.holders, people = n.people,
         reader = n.reader, words = array_to_tsvector(n.words), sources = n.rids, prescribed = n.prescribed,
         by_scan = n."byScan", by_patient = n."byPatient", by_status = n."byStatus", by_finding = n."byFinding",
         by_confidence = n."byConfidence", by_uploaded = n."byUploaded", by_verified = n."byVerified",
         by_priority = n."byPriority", by_released = n."byReleased", by_changed = n."byChanged", facts = n.facts
    from (select one.*, array(select s.rid from unnest(one.sources) as key join record s
                                 on s.type = split_part(key, '/', 1) and s.id = split_part(key, '/', 2)) as rids
            from jsonb_to_recordset($1::jsonb) as one(
           id text, status text, "reportStatus" text, report text, patient text, modalities text[], finding text,
           "findingKind" text, "conclusionKind" text, priority smallint, open text[], holders text[], people text[], reader text,
           words text[], sources text[], prescribed timestamptz, "byScan" text, "byPatient" text, "byStatus" smallint,
           "byFinding" text, "byConfidence" real, "byUploaded" timestamptz, "byVerified" timestamptz, "byPriority" bigint,
           "byReleased" timestamptz, "byChanged" timestamptz, facts text)) n
    join record r on r.type = 'Task' and r.id = n.id
   where w.id = n.id and (w.facts is distinct from n.facts or w.shape <> ${factsShape})`;

/** From the statuses that coordination Tasks are found by: there are ten times as many Tasks. */
const reviewsFound = (lacking: string) => `
  select r.id as review, r.rid as place
    from (select distinct rid from search_token where param = 'Task.business-status' and system = '${systems.reviewStatus}') t
    join record r on r.rid = t.rid left join work_row w on w.rid = t.rid and w.shape = ${factsShape}
   where t.rid > $1 and not r.deleted ${lacking} order by r.rid limit $2`;

const reviews = reviewsFound('');
const reviewsWithoutRow = reviewsFound('and w.rid is null');

/** Facts name the version that they are of. */
const staleRows = `
  with changed as (
    select r.rid, r.type || '/' || r.id as key, r.version from record r
     where r.type = any('{Patient,ImagingStudy,Observation,DiagnosticReport,MedicationRequest}') and r.updated >= $1 and not r.deleted),
  tasks as (
    select coalesce(l.target_id, r.id) as review, 'Task/' || r.id as key, r.version
      from record r left join search_reference l on l.rid = r.rid and l.param = 'Task.part-of'
     where r.type = 'Task' and not r.deleted and r.updated >= $1)
  select w.id from changed c join work_row w on w.sources @> array[c.rid]
   where not exists (select from jsonb_array_elements(w.facts::jsonb) f where f ->> 'key' = c.key and (f ->> 'version')::int = c.version)
  union
  select w.id from tasks c join work_row w on w.id = c.review
   where not exists (select from jsonb_array_elements(w.facts::jsonb) f where f ->> 'key' = c.key and (f ->> 'version')::int = c.version)
  limit $2`;

const orphans = `
  delete from work_row w where not exists (select from record r where r.rid = w.rid and not r.deleted) returning rid`;

import type { Resource, ResourceType } from '@medplum/fhirtypes';
import type { Narrowing } from '../../../core/access/narrowing.ts';
import { patientsOf } from '../../../core/access/compartment.ts';
import { referenceKey } from '../../../core/r4/reference-key.ts';
import { isWithheld } from '../../../core/vocabulary/security-labels.ts';
import type { RecordChecker } from '../../../core/records/record-checker.ts';
import type { RecordStore, StoredRecord } from '../../../core/records/record-store.ts';
import { Problem } from '../../../core/problem.ts';
import { indexRowsOf, type Site } from '../../../core/search/index-extraction.ts';
import type { Sql } from '../connection.ts';
import { codeOf, sqlState } from '../database-problem.ts';
import { visible } from './narrowing.ts';
import { longestPage, place } from './page.ts';
import { recordColumns, storedRecord, type RecordRow } from './row.ts';
import { isReferred, referrersOf } from './referrers.ts';
import { searchRecords } from './search.ts';
import { bindings } from './search-values.ts';

const current = 'record r join record_version v on v.rid = r.rid and v.version = r.version';

/**
 * @param options what references and dates without a zone are read against.
 * @param options.checker extracts what a record is found by; without it that is done at once, however long the record.
 */
export function postgresRecords(
  sql: Sql,
  options: Partial<Site> & { checker?: Pick<RecordChecker, 'indexRows'> } = {},
): RecordStore {
  const { baseUrl = '', timeZone = 'UTC', checker } = options;
  const site: Site = { baseUrl, timeZone };
  const rowsOf = (content: string) =>
    checker?.indexRows(content) ?? JSON.stringify(indexRowsOf(JSON.parse(content) as Resource, site));
  const one = async (text: string, values: readonly unknown[]): Promise<StoredRecord | undefined> => {
    const [row] = await sql.prepared<RecordRow>(text, values); // all of them by a key
    return row && storedRecord(row);
  };

  return {
    async read(type, id, narrowing) {
      if (!isId(id)) return undefined;
      const bound = bindings(timeZone, [type, id]);
      const allowed = visible(type, narrowing, 'r', bound, baseUrl);
      return one(
        `select ${recordColumns} from ${current} where r.type = $1 and r.id = $2 and ${allowed}`,
        bound.values,
      );
    },

    async visibleAmong(type, ids, narrowing) {
      const bound = bindings(timeZone, [type, ids.filter(isId)]);
      const allowed = visible(type, narrowing, 'r', bound, baseUrl);
      const rows = await sql.query<{ id: string }>(
        `select r.id from record r where r.type = $1 and r.id = any($2::text[]) and ${allowed}`,
        bound.values,
      );
      return rows.map(({ id: seen }) => seen);
    },

    async readVersion(type, id, version, narrowing) {
      if (!isId(id)) return undefined;
      const bound = bindings(timeZone, [type, id, version]);
      const allowed = visibleVersion(type, narrowing, bound, baseUrl);
      return one(
        `select ${recordColumns} from record r join record_version v on v.rid = r.rid
          where r.type = $1 and r.id = $2 and v.version = $3 and ${allowed}`,
        bound.values,
      );
    },

    history: (of, page, narrowing) => history(sql, of, page, narrowing, site),

    async lock(type, id) {
      if (!isId(id)) return undefined;
      // Two statements: after a wait, the first still joins the version of its own old snapshot and would find nothing.
      const locked = await sql.prepared(`select 1 from record where type = $1 and id = $2 for update`, [type, id]);
      if (locked.length === 0) return undefined;
      return one(`select ${recordColumns} from ${current} where r.type = $1 and r.id = $2`, [type, id]);
    },

    async lockKey(key) {
      await sql.prepared(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [key]);
    },

    async put(record) {
      const { resource } = record;
      const content = resource === undefined ? null : JSON.stringify(resource);
      const rows = content === null ? noRows : await rowsOf(content);
      await sql.prepared(`select put_record($1, $2, $3, $4, $5, $6, $7, $8, $9)`, [
        record.resourceType,
        record.id,
        record.version,
        record.lastUpdated,
        record.method,
        content,
        resource === undefined ? [] : await patients(sql, resource, baseUrl),
        resource !== undefined && isWithheld(resource),
        rows,
      ]);
    },

    referrers: (type, id, narrowing) => referrersOf(sql, type, id, narrowing, site),
    async relatedTo(type, id, limit) {
      const rows = await sql.query<{ type: ResourceType; id: string; created: Date }>(relatedStatement, [
        type,
        id,
        limit,
      ]);
      return rows.map((row) => ({ resourceType: row.type, id: row.id, created: row.created }));
    },

    isReferred: (targets, by) => isReferred(sql, targets, `${by.type}.${by.parameter}`),
    async retiredWithRecords(limit) {
      const rows = await sql.query<{ id: string }>(retiredStatement, [limit]);
      return rows.map(({ id }) => id);
    },

    search: (query, narrowing) => searchRecords(sql, query, narrowing, site).catch(tooCostly),
  };
}

/** A Binary lies in the compartments of what it belongs to, a Patient in its own. */
const relatedStatement = `
  with related as (
    select r.rid from record r where $1 = 'Patient' and r.patients @> array[$2] and not r.deleted
    union
    select r.rid from search_reference s join record r on r.rid = s.rid
     where s.target_type = $1 and s.target_id = $2 and not r.deleted)
  select r.type, r.id, v.updated as created
    from related join record r using (rid) join record_version v on v.rid = r.rid and v.version = 1
   where not (r.type = $1 and r.id = $2)
   order by r.type, r.id limit $3`;

const retiredStatement = `
  select p.id from search_token t join record p on p.rid = t.rid
   where t.param = 'Patient.active' and t.code = 'false' and not p.deleted
     and exists (select from search_reference l where l.rid = p.rid and l.param = 'Patient.link')
     and exists (select from record r where r.patients @> array[p.id] and not r.deleted
                    and r.type <> all('{Patient,Provenance,AuditEvent}'))
   order by p.rid limit $1`;

/** The statement ran into the connection's time limit. */
function tooCostly(error: unknown): never {
  if (codeOf(error) !== sqlState.queryCanceled) throw error;
  throw new Problem('too-costly', 'The search takes too long; narrow it by patient, date or code.', { cause: error });
}

/** Anything else cannot be stored, and must not reach the database as a malformed string. */
const isId = (id: string) => /^[A-Za-z0-9\-.]{1,64}$/.test(id);

const noRows = JSON.stringify({ token: [], string: [], date: [], reference: [], quantity: [] });

/** Binary lies in the compartments of its security context, whatever type that is (FHIR binary.html). */
async function patients(sql: Sql, resource: Resource, baseUrl: string): Promise<string[]> {
  const own = patientsOf(resource, baseUrl);
  const context = resource.resourceType === 'Binary' ? resource.securityContext?.reference : undefined;
  if (own.length > 0 || context === undefined) return own;
  const { type, id } = referenceKey(context, baseUrl);
  const [row] = await sql.query<{ patients: string[] }>(`select patients from record where type = $1 and id = $2`, [
    type,
    id,
  ]);
  return row?.patients ?? [];
}

/**
 * Older versions: the caller must be allowed to see the record as it is now, and as it was. A grant with conditions
 * (a report once it is final) says nothing about older versions, so it shows the current one only. So it is with the
 * patient's own Patient: while two records were merged by mistake it named the other person.
 */
function visibleVersion(
  type: ResourceType,
  narrowing: Narrowing,
  bound: ReturnType<typeof bindings>,
  baseUrl: string,
): string {
  if (narrowing.kind === 'all') return 'true';
  const grants = narrowing.grants.map((grant) => {
    const now = visible(type, { kind: 'some', grants: [grant] }, 'r', bound, baseUrl);
    const isOwnPatient = type === 'Patient' && grant.released;
    if (grant.conditions?.length || grant.sharedBy || isOwnPatient) return `(${now} and v.version = r.version)`;
    const then = [now];
    if (grant.patient !== undefined) then.push(`v.patients @> array[${bound.add(grant.patient)}]`);
    if (grant.released) then.push('not v.withheld');
    if (grant.hidden) then.push(`not v.patients && ${bound.add(grant.hidden)}::text[]`);
    return `(${then.join(' and ')})`;
  });
  return grants.length === 0 ? 'false' : `(${grants.join(' or ')})`;
}

async function history(
  sql: Sql,
  of: { type?: ResourceType; id?: string },
  page: { count: number; since?: Date; at?: Date; before?: string },
  narrowing: (type: ResourceType) => Narrowing | undefined,
  { baseUrl, timeZone }: Site,
): Promise<{ entries: StoredRecord[]; next?: string }> {
  const bound = bindings(timeZone);
  const where = [await allowedTypes(sql, of, narrowing, bound, baseUrl)];
  if (of.type !== undefined) where.push(`v.type = ${bound.add(of.type)}`);
  if (of.id !== undefined) where.push(`r.type = ${bound.add(of.type)} and r.id = ${bound.add(of.id)}`);
  if (page.since) where.push(`v.updated >= ${bound.add(page.since)}`);
  if (page.at) {
    const at = bound.add(page.at);
    where.push(`v.updated <= ${at} and not exists (
      select from record_version later where later.rid = v.rid and later.version > v.version and later.updated <= ${at})`);
  }
  if (page.before !== undefined) where.push(`v.seq < ${bound.add(/^\d{1,18}$/.test(page.before) ? page.before : '0')}`);
  const rows = await sql.query<RecordRow & { seq: number; available: number }>(
    `select * from (
       select ${recordColumns}, v.seq, ${place('order by v.seq desc')} from record r join record_version v on v.rid = r.rid
         join (select v.rid, v.version from record r join record_version v on v.rid = r.rid
                where ${where.join(' and ')} order by v.seq desc limit ${bound.add(page.count + 1)}) chosen
           on chosen.rid = v.rid and chosen.version = v.version) placed
      where before is null or before < ${longestPage} order by place`,
    bound.values,
  );
  const entries = rows.slice(0, page.count);
  const last = entries.at(-1);
  return {
    entries: entries.map(storedRecord),
    ...(last && last.available > entries.length && { next: String(last.seq) }),
  };
}

/** `distinct` would read every row; this steps from type to type along the index. */
const storedTypes = `
  with recursive found(type) as (
    (select type from record order by type limit 1)
    union all
    select (select type from record where type > found.type order by type limit 1) from found where found.type is not null)
  select type from found where type is not null`;

/** System history asks the narrowing of every type that is stored at all. */
async function allowedTypes(
  sql: Sql,
  of: { type?: ResourceType },
  narrowing: (type: ResourceType) => Narrowing | undefined,
  bound: ReturnType<typeof bindings>,
  baseUrl: string,
): Promise<string> {
  const types = of.type ? [of.type] : (await sql.query<{ type: ResourceType }>(storedTypes)).map(({ type }) => type);
  const allowed = types.map((type) => {
    const part = narrowing(type);
    return part ? `(r.type = ${bound.add(type)} and ${visibleVersion(type, part, bound, baseUrl)})` : 'false';
  });
  return allowed.length === 0 ? 'false' : `(${allowed.join(' or ')})`;
}

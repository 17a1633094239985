/** AuditEvents: made of the audit trail when they are asked for, beside the records and behind the same port. */
import type { ResourceType } from '@medplum/fhirtypes';
import { auditEventOf, type AuditSite } from '../../../core/access/audit-event.ts';
import type { KeptAuditRecord } from '../../../core/access/audit-mark.ts';
import type { Narrowing } from '../../../core/access/narrowing.ts';
import { Problem } from '../../../core/problem.ts';
import type { RecordStore, SearchPage, StoredRecord } from '../../../core/records/record-store.ts';
import type { SearchCondition, SearchQuery } from '../../../core/search/search-query.ts';
import type { Sql } from '../connection.ts';
import { cursorOf, positionOf } from '../records/search-cursor.ts';
import { bindings } from '../records/search-values.ts';
import { auditColumns } from './audit-columns.ts';
import { auditConditionSql, auditNarrowingSql, type AuditSearch } from './audit-event-conditions.ts';

const type = 'AuditEvent' satisfies ResourceType;

export interface AuditEventSite extends AuditSite {
  timeZone: string;
}

/**
 * The record store, with the audit trail as the records of the type AuditEvent: they are read and searched like others, by
 * the same rights, and are never written.
 */
export function withAuditEvents(records: RecordStore, sql: Sql, site: AuditEventSite): RecordStore {
  const one = async (id: string, narrowing: Narrowing): Promise<StoredRecord | undefined> => {
    if (!/^[1-9]\d{0,15}$/.test(id)) return undefined;
    const search = searchIn(site);
    const where = `a.seq = ${search.bound.add(id)}::bigint and ${auditNarrowingSql(narrowing, search)}`;
    const [row] = await sql.query<KeptAuditRecord>(
      `select ${auditColumns('a')} from audit a where ${where}`,
      search.bound.values,
    );
    return row && recordOf(row, site);
  };
  return {
    ...records,
    read: (of, id, narrowing) => (of === type ? one(id, narrowing) : records.read(of, id, narrowing)),
    async readVersion(of, id, version, narrowing) {
      if (of !== type) return records.readVersion(of, id, version, narrowing);
      return version === 1 ? one(id, narrowing) : undefined;
    },
    async history(of, page, narrowing) {
      if (of.type === type) throw new Problem('not-supported', 'AuditEvents never change and have no history.');
      return records.history(of, page, narrowing);
    },
    async search(query, narrowing) {
      mustBeAnswerable(query);
      return query.type === type ? searchEvents(sql, query, narrowing(type), site) : records.search(query, narrowing);
    },
  };
}

const searchIn = (site: AuditEventSite): AuditSearch => ({ bound: bindings(site.timeZone), site });

function recordOf(row: KeptAuditRecord, site: AuditSite): StoredRecord {
  const resource = auditEventOf(row, site);
  return {
    resourceType: type,
    id: String(row.seq),
    version: 1,
    lastUpdated: new Date(row.at),
    method: 'POST',
    resource,
    json: JSON.stringify(resource),
    patients: row.patients,
  };
}

/** @throws Problem `not-supported` for ways between AuditEvents and records: they lie in different stores. */
function mustBeAnswerable(query: SearchQuery): void {
  const { conditions, include, revinclude, sort } = query;
  const reaches = ({ has, chain }: SearchCondition): boolean =>
    has?.type === type ||
    chain?.type === type ||
    [has, chain].some((step) => step !== undefined && reaches(step.condition));
  const refuse = (what: string): never => {
    throw new Problem('not-supported', `${what} AuditEvents: they are searched by their own parameters only.`);
  };
  if ([...include, ...revinclude].some((one) => one.type === type && one.parameter !== '*'))
    refuse('_include and _revinclude do not reach');
  if (conditions.some(reaches)) refuse('_has does not reach');
  if (query.type !== type) return;
  if (conditions.some(({ has, chain }) => has ?? chain)) refuse('Chains do not start at');
  if (revinclude.length > 0 || include.length > 0) refuse('_include and _revinclude do not start at');
  if (sort.length > 1 || sort.some(({ parameter }) => parameter !== 'date' && parameter !== '_lastUpdated'))
    throw new Problem('not-supported', 'AuditEvents are sorted by date or -date.');
}

/** Newest first unless it is asked otherwise. Pages are keyset pages: new rows move nothing. */
async function searchEvents(
  sql: Sql,
  query: SearchQuery,
  narrowing: Narrowing | undefined,
  site: AuditEventSite,
): Promise<SearchPage> {
  const search = searchIn(site);
  const { bound } = search;
  const matching = [
    narrowing ? auditNarrowingSql(narrowing, search) : 'false',
    ...query.conditions.map((condition) => auditConditionSql(condition, search)),
  ].join(' and ');
  if (query.count === 0) return { matches: [], included: [], total: await countOf(sql, matching, bound.values) };
  const counted = [...bound.values];
  const ascending = query.sort[0]?.descending === false;
  const [order, beyond] = ascending ? ['asc', '>'] : ['desc', '<'];
  let position = 'true';
  if (query.after !== undefined) {
    const { rid, keys } = positionOf(query, query.after);
    position = `(a.at, a.seq) ${beyond} (${bound.add(keys[0])}::timestamptz, ${bound.add(rid)}::bigint)`;
  }
  const rows = await sql.query<KeptAuditRecord>(
    `select ${auditColumns('a')} from audit a where ${matching} and ${position}
      order by a.at ${order}, a.seq ${order} limit ${bound.add(query.count + 1)}`,
    bound.values,
  );
  const page = rows.slice(0, query.count);
  const last = page.at(-1);
  return {
    matches: page.map((row) => recordOf(row, site)),
    included: [],
    ...(query.total !== 'none' && { total: await countOf(sql, matching, counted) }),
    ...(last && rows.length > page.length && { next: cursorOf(query, { rid: last.seq, keys: [last.at] }) }),
  };
}

async function countOf(sql: Sql, matching: string, values: readonly unknown[]): Promise<number> {
  const [row] = await sql.query<{ total: number }>(`select count(*) as total from audit a where ${matching}`, values);
  return row!.total;
}

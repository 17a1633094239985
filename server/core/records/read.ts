import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { narrow, tryNarrow, type Interaction } from '../access/policy.ts';
import { inCompartment, type Narrowing } from '../access/narrowing.ts';
import type { AuditRow } from '../access/audit-trail.ts';
import type { SearchPage, StoredRecord } from './record-store.ts';
import type { Reading, ReadsFrom, World, WriteContext } from '../world.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { traceOf, type Trace } from '../trace.ts';
import { mustMatchAttachments } from './attachment-check.ts';
import { auditRefusal } from './audit-refusal.ts';
import { refuseOtherPatients } from './other-patients.ts';
import type { SearchQuery } from '../search/search-query.ts';

/** What reading takes of the world. */
export type ReadWorld = Pick<World, 'settings'> & ReadsFrom<'records' | 'audit'>;

/** The world as a transaction reads it: what it has written itself is there. */
export function within({ world, stores }: WriteContext): ReadWorld {
  return { settings: world.settings, read: (work) => work(stores) };
}

export interface ReadOptions extends Trace {
  /** The query string as it came, for the audit trail. */
  queryString?: string;
  /** Searches: only what lies in this patient's compartment. */
  inCompartmentOf?: string;
}

/**
 * The current version (FHIR http.html#read). The audit row is on disk before this resolves.
 *
 * @throws Problem `forbidden` when no scope covers the type; `not-found`, also for a record that the caller may not
 *   see; `deleted`.
 */
export async function read(
  world: ReadWorld,
  principal: Principal,
  type: ResourceType,
  id: string,
  options: ReadOptions = {},
): Promise<StoredRecord> {
  return audited(world, principal, 'R', 'fhir:read', `${type}/${id}`, options, async ({ records }) => {
    return existing(await records.read(type, id, narrow(principal, type, 'read')), `${type}/${id}`);
  });
}

/** One version (FHIR http.html#vread). @throws Problem as `read`; `deleted` when that version is a deletion. */
export async function readVersion(
  world: ReadWorld,
  principal: Principal,
  type: ResourceType,
  id: string,
  version: number,
  options: ReadOptions = {},
): Promise<StoredRecord> {
  return audited(
    world,
    principal,
    'R',
    'fhir:vread',
    `${type}/${id}/_history/${version}`,
    options,
    async ({ records }) => {
      if (!Number.isSafeInteger(version) || version < 1 || version > 2 ** 31 - 1)
        throw new Problem('not-found', `${type}/${id} has no such version.`);
      return existing(
        await records.readVersion(type, id, version, narrow(principal, type, 'read')),
        `${type}/${id}/_history/${version}`,
      );
    },
  );
}

function existing(record: StoredRecord | undefined, name: string): StoredRecord {
  if (!record) throw new Problem('not-found', `${name} does not exist.`);
  if (record.method === 'DELETE') throw new Problem('deleted', `${name} was deleted.`);
  return record;
}

/**
 * History of an instance, a type or the whole server, newest first (FHIR http.html#history).
 *
 * @param page `count` entries; `before` is the `next` of the page before.
 * @throws Problem `forbidden`; `not-found` for the history of an instance that the caller cannot see.
 */
export async function history(
  world: ReadWorld,
  principal: Principal,
  of: { type?: ResourceType; id?: string },
  page: { count: number; since?: Date; at?: Date; before?: string },
  options: ReadOptions = {},
): Promise<{ entries: StoredRecord[]; next?: string }> {
  const interaction: Interaction = of.id === undefined ? 'search' : 'read';
  const name = [of.type, of.id].filter(Boolean).join('/') || 'system';
  return audited(
    world,
    principal,
    of.id === undefined ? 'E' : 'R',
    'fhir:history',
    name,
    options,
    async ({ records }) => {
      if (of.type) narrow(principal, of.type, interaction);
      const found = await records.history(of, page, (type) => tryNarrow(principal, type, interaction));
      if (of.type && of.id !== undefined && found.entries.length === 0)
        await mustExist(records, principal, of.type, of.id);
      return found;
    },
  );
}

/** No entries may mean a window without changes; of a record that is not there it means not found. */
async function mustExist(
  records: Reading['records'],
  principal: Principal,
  type: ResourceType,
  id: string,
): Promise<void> {
  const record = await records.read(type, id, narrow(principal, type, 'read'));
  if (!record) throw new Problem('not-found', `${type}/${id} does not exist.`);
}

/**
 * Runs a search (FHIR search.html) as the caller may see it.
 *
 * @throws Problem `forbidden` when no scope covers searching the type, or when the query names a patient other than
 *   the one that the token is limited to (SMART Imaging Access: 403, not an empty Bundle).
 */
export async function search(
  world: ReadWorld,
  principal: Principal,
  query: SearchQuery,
  options: ReadOptions = {},
): Promise<SearchPage> {
  return audited(world, principal, 'E', 'fhir:search', query.type, options, async ({ records }) => {
    const all = narrow(principal, query.type, 'search');
    const own = options.inCompartmentOf === undefined ? all : inCompartment(all, options.inCompartmentOf);
    refuseOtherPatients(query, all, world.settings.fhirBaseUrl);
    const narrowings = new Map<ResourceType, Narrowing | undefined>([[query.type, own]]);
    return records.search(query, (type) => {
      if (!narrowings.has(type))
        narrowings.set(type, tryNarrow(principal, type, 'search') ?? tryNarrow(principal, type, 'read'));
      return narrowings.get(type);
    });
  });
}

type Found = StoredRecord | SearchPage | { entries: StoredRecord[]; next?: string };

/** Runs an access and writes its audit row, refused or not, before the answer leaves. */
async function audited<T extends Found>(
  world: ReadWorld,
  principal: Principal,
  action: AuditRow['action'],
  event: string,
  entity: string,
  options: ReadOptions,
  access: (stores: Pick<Reading, 'records' | 'audit'>) => Promise<T>,
): Promise<T> {
  return world.read(async (stores) => {
    const query = options.queryString !== undefined && options.queryString !== '' ? { query: options.queryString } : {};
    try {
      const found = await access(stores);
      const given = recordsIn(found);
      await mustMatchAttachments(stores, binariesAmong(given));
      await stores.audit.append({
        action,
        event,
        outcome: 'success',
        principal,
        ...query,
        patients: [...new Set(given.flatMap(({ patients }) => patients ?? []))],
        entities: given.map(({ resourceType, id, version }) => `${resourceType}/${id}/_history/${version}`),
        ...traceOf(options),
      });
      return found;
    } catch (error) {
      await auditRefusal({ stores, principal, ...traceOf(options) }, error, {
        action,
        event,
        entities: [entity],
        ...query,
      });
      throw error;
    }
  });
}

/** Only they are parsed: most answers are passed on as the text they are. */
function binariesAmong(records: StoredRecord[]): (Resource | undefined)[] {
  return records.filter(({ resourceType }) => resourceType === 'Binary').map(({ resource }) => resource);
}

function recordsIn(found: Found): StoredRecord[] {
  if ('matches' in found) return [...found.matches, ...found.included];
  return 'entries' in found ? found.entries : [found];
}

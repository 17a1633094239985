/** Batch and transaction Bundles (FHIR http.html#transaction). */
import { inOneTransaction } from './write.ts';
import type { Bundle, BundleEntry, BundleEntryResponse, OperationOutcome, Resource } from '@medplum/fhirtypes';
import { inTurns } from '../in-turns.ts';
import { newId } from '../identifier.ts';
import type { StoredRecord } from './record-store.ts';
import type { World } from '../world.ts';
import type { Settings } from '../settings.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { atEntry, entriesOf, parseEntry, type BundleRequest, type Entry } from './bundle-entries.ts';
import { change, type Change, type Changed } from './change.ts';
import { findOne, lockKeys } from './conditional.ts';
import { traceOf, type Trace } from '../trace.ts';
import { entityTag } from './entity-tag.ts';
import { parseCriteria } from '../search/parse-search.ts';
import { parseQueryString } from '../search/query-string.ts';
import { within, type ReadWorld } from './read.ts';
import { conditionalReferences, rewriteReferences } from './rewrite-references.ts';
import type { WriteContext } from '../world.ts';

/** What a Bundle needs of the face that received it. */
export interface BundleFace extends Trace {
  principal: Principal;
  /** The caller is gone: what is not done yet is not done, and a transaction is undone. */
  signal?: AbortSignal;
  /** Answers a GET or an operation, reading from `world`: for a transaction, as that sees it. */
  respond(
    world: ReadWorld,
    request: BundleRequest,
  ): Promise<{ status: number; resource?: Resource; record?: StoredRecord }>;
  refused(error: unknown): { status: number; outcome: OperationOutcome };
}

/** Each entry by itself: the failure of one is its own answer. */
export async function applyBatch(world: World, bundle: Record<string, unknown>, face: BundleFace): Promise<Bundle> {
  const entry: BundleEntry[] = [];
  for (const [index, value] of entriesOf(bundle).entries()) {
    face.signal?.throwIfAborted();
    try {
      const { action } = parseEntry(value, index, world.settings.fhirBaseUrl);
      if ('request' in action) entry.push(answered(world.settings, await face.respond(world, action.request)));
      else
        entry.push(
          changedEntry(
            world.settings,
            await inOneTransaction(world, callerOf(face), (context) => change(context, action.change)),
          ),
        );
    } catch (error) {
      const { status, outcome } = face.refused(error);
      entry.push({ response: { status: String(status), outcome } });
    }
  }
  return { resourceType: 'Bundle', type: 'batch-response', entry };
}

/**
 * All entries or none, in the order that FHIR prescribes whatever their order in the Bundle: DELETE, POST, PUT
 * and PATCH, then GET. Answers come in the order of the request.
 *
 * @throws Problem of the entry that failed, with `Bundle.entry[n]`; `value` when two entries are one record.
 */
export async function applyTransaction(
  world: World,
  bundle: Record<string, unknown>,
  face: BundleFace,
): Promise<Bundle> {
  const entries = entriesOf(bundle).map((value, index) => parseEntry(value, index, world.settings.fhirBaseUrl));
  return inOneTransaction(world, callerOf(face), async (context) => {
    const answers = new Map<number, BundleEntry>();
    await lockCriteria(context, entries);
    const met = new Map<string, number>();
    const atEnd: (() => Promise<void>)[] = [];
    const perform = async (entry: ChangeEntry) => {
      face.signal?.throwIfAborted();
      const asked: (() => Promise<void>)[] = [];
      await answer({ ...context, atEnd: asked }, entry, answers, met);
      atEnd.push(...asked.map((check) => () => at(entry.index, check)));
    };
    for (const entry of inOrder(entries, ['delete'])) await perform(entry);
    const resolved = await resolve(context, entries, answers);
    for (const entry of inOrder(resolved, ['create', 'update', 'patch'])) await perform(entry);
    for (const check of atEnd) await check();
    for (const entry of resolved) {
      face.signal?.throwIfAborted();
      const { action, index } = entry;
      if ('request' in action)
        answers.set(
          index,
          await at(index, async () => answered(world.settings, await face.respond(within(context), action.request))),
        );
    }
    const ordered = entries.map(({ index }) => answers.get(index)!);
    return { resourceType: 'Bundle', type: 'transaction-response', entry: ordered };
  });
}

const callerOf = (face: BundleFace) => ({ principal: face.principal, ...traceOf(face) });

type ChangeEntry = Entry & { action: { change: Change } };

/** Entries of the given kinds, records in one order, so that two transactions over the same records do not deadlock. */
function inOrder(entries: readonly Entry[], kinds: Change['kind'][]): ChangeEntry[] {
  const chosen = entries.filter(
    (entry): entry is ChangeEntry => 'change' in entry.action && kinds.includes(entry.action.change.kind),
  );
  const rank = ({ action: { change } }: ChangeEntry): string => {
    const id = 'target' in change ? ('id' in change.target ? change.target.id : '') : '';
    return `${kinds.indexOf(change.kind === 'patch' ? 'update' : change.kind)} ${change.type}/${id}`;
  };
  return chosen.sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : a.index - b.index));
}

/** All locks of all criteria at once, sorted: see `lockKeys`. */
async function lockCriteria({ stores }: WriteContext, entries: readonly Entry[]): Promise<void> {
  const keys = entries.flatMap((entry) => {
    const criteria = criteriaOf(entry);
    if (criteria === undefined || !('change' in entry.action)) return [];
    const { type } = entry.action.change;
    return inEntry(entry.index, () => lockKeys(type, parseCriteria(type, parseQueryString(criteria))));
  });
  for (const key of [...new Set(keys)].sort()) await stores.records.lockKey(key);
}

function criteriaOf({ action }: Entry): string | undefined {
  if (!('change' in action)) return undefined;
  const { change } = action;
  if (change.kind === 'create') return change.ifNoneExist;
  return 'criteria' in change.target ? change.target.criteria : undefined;
}

/**
 * Decides which record each entry is, then makes all links name those records. Conditional creates that found
 * their record are answered here and write nothing.
 */
async function resolve(
  context: WriteContext,
  entries: readonly Entry[],
  answers: Map<number, BundleEntry>,
): Promise<Entry[]> {
  const byFullUrl = new Map<string, string>();
  const pending: Entry[] = [];
  for (const entry of entries) {
    if (answers.has(entry.index)) continue;
    const settled = await at(entry.index, () => settle(context, entry, answers));
    const name = settled.name;
    if (entry.fullUrl !== undefined && name !== undefined) {
      if (byFullUrl.has(entry.fullUrl))
        throw new Problem('value', 'Two entries have one fullUrl', {
          expression: `Bundle.entry[${entry.index}].fullUrl`,
        });
      byFullUrl.set(entry.fullUrl, name);
    }
    if (settled.entry) pending.push(settled.entry);
  }
  const byCriteria = await resolveReferences(context, pending);
  return inTurns(pending, (entry) => {
    const { action, index } = entry;
    if (!('change' in action) || !('resource' in action.change)) return entry;
    const written = action.change;
    return {
      ...entry,
      action: {
        change: {
          ...written,
          resource: inEntry(index, () => rewriteReferences(written.resource, { byFullUrl, byCriteria })),
        },
      },
    };
  });
}

async function settle(
  context: WriteContext,
  entry: Entry,
  answers: Map<number, BundleEntry>,
): Promise<{ name?: string; entry?: Entry }> {
  if (!('change' in entry.action)) return { entry };
  const { change } = entry.action;
  if (change.kind === 'create') {
    const standing =
      change.ifNoneExist === undefined ? undefined : await findOne(context, change.type, change.ifNoneExist);
    if (standing) {
      answers.set(entry.index, changedEntry(context.world.settings, { status: 200, record: standing }));
      return { name: `${change.type}/${standing.id}` };
    }
    const { ifNoneExist: _resolved, ...rest } = change;
    const id = newId();
    return { name: `${change.type}/${id}`, entry: { ...entry, action: { change: { ...rest, id } } } };
  }
  if ('id' in change.target) return { name: `${change.type}/${change.target.id}`, entry };
  const standing = await findOne(context, change.type, change.target.criteria);
  if (standing)
    return {
      name: `${change.type}/${standing.id}`,
      entry: { ...entry, action: { change: withId(change, standing.id) } },
    };
  if (change.kind !== 'update') return { entry };
  const own = change.resource['id'];
  if (typeof own === 'string')
    return {
      name: `${change.type}/${own}`,
      entry: { ...entry, action: { change: { ...change, target: { id: own } } } },
    };
  const id = newId();
  return {
    name: `${change.type}/${id}`,
    entry: { ...entry, action: { change: { kind: 'create', type: change.type, resource: change.resource, id } } },
  };
}

/** A conditional update that found its record: the body takes that id, unless it names another. */
function withId(change: Extract<Change, { kind: 'update' | 'patch' | 'delete' }>, id: string): Change {
  if (change.kind !== 'update') return { ...change, target: { id } };
  return { ...change, target: { id }, resource: { ...change.resource, id: change.resource['id'] ?? id } };
}

/** Conditional references: each must match exactly one record that the caller may see. */
async function resolveReferences(context: WriteContext, entries: readonly Entry[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const references = await inTurns(entries, ({ action }) =>
    'change' in action && 'resource' in action.change ? conditionalReferences(action.change.resource) : [],
  );
  for (const [place, { index }] of entries.entries()) {
    for (const { type, criteria, written } of references[place]!) {
      if (found.has(written)) continue;
      const record = await at(index, () => findOne(context, type, criteria));
      if (!record) throw atEntry(new Problem('lock-error', `A conditional reference matches no ${type}`), index);
      found.set(written, `${type}/${record.id}`);
    }
  }
  return found;
}

async function answer(
  context: WriteContext,
  { index, action }: ChangeEntry,
  answers: Map<number, BundleEntry>,
  met: Map<string, number>,
): Promise<void> {
  const changed = await at(index, () => change(context, action.change));
  const { record } = changed;
  if (record) {
    const name = `${record.resourceType}/${record.id}`;
    if (met.has(name))
      throw new Problem('value', `Entries ${met.get(name)} and ${index} change the same record`, {
        expression: `Bundle.entry[${index}]`,
      });
    met.set(name, index);
  }
  answers.set(index, changedEntry(context.world.settings, changed));
}

async function at<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Problem ? atEntry(error, index) : error;
  }
}

function inEntry<T>(index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Problem ? atEntry(error, index) : error;
  }
}

const reasons: Record<number, string> = {
  200: '200 OK',
  201: '201 Created',
  204: '204 No Content',
  304: '304 Not Modified',
};

function changedEntry({ fhirBaseUrl }: Settings, { status, record }: Changed): BundleEntry {
  const response: BundleEntryResponse = { status: reasons[status]!, ...versionOf(record) };
  if (!record?.resource) return { response };
  const name = `${record.resourceType}/${record.id}`;
  response.location = `${fhirBaseUrl}/${name}/_history/${record.version}`;
  return { fullUrl: `${fhirBaseUrl}/${name}`, resource: record.resource, response };
}

function answered(
  { fhirBaseUrl }: Settings,
  { status, resource, record }: Awaited<ReturnType<BundleFace['respond']>>,
): BundleEntry {
  const response: BundleEntryResponse = { status: reasons[status] ?? String(status), ...versionOf(record) };
  const fullUrl = record ? { fullUrl: `${fhirBaseUrl}/${record.resourceType}/${record.id}` } : {};
  return { ...fullUrl, ...(resource && { resource }), response };
}

const versionOf = (record: StoredRecord | undefined): Pick<BundleEntryResponse, 'etag' | 'lastModified'> =>
  record ? { etag: entityTag(record.version), lastModified: record.lastUpdated.toISOString() } : {};

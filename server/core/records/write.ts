import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { patientsOf } from '../access/compartment.ts';
import { narrow } from '../access/policy.ts';
import type { Narrowing } from '../access/narrowing.ts';
import { newId } from '../identifier.ts';
import type { StoredRecord } from './record-store.ts';
import type { World, WriteContext } from '../world.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { traceOf, type Trace } from '../trace.ts';
import { auditRefusal } from './audit-refusal.ts';
import { refuseReferred } from './refuse-referred.ts';
import { sameJson } from '../r4/same-json.ts';
import type { ValidationIssue } from '../validation/validate-issue.ts';

export type WriteRequest =
  /** `id`: only the server's own work chooses one. */
  | { method: 'create'; resource: Resource; id?: string }
  /** `patch`: the resource is the outcome of a PATCH, which history must say. */
  | { method: 'update'; resource: Resource; id: string; ifMatch?: number; patch?: boolean }
  | { method: 'delete'; type: ResourceType; id: string; ifMatch?: number };

export interface WriteOutcome {
  record: StoredRecord;
  /** A new record, or a deleted one back again: 201. */
  created: boolean;
  /** The content was the same as before, or already deleted: no new version was made. */
  unchanged: boolean;
}

/**
 * The one way in for FHIR writes: REST, Bundle, operations, the worker. One order for all of them:
 * authorise, lock, If-Match, identity, validate, rights of clients, rule of the type, put, audit.
 *
 * @throws Problem `forbidden`; `not-found` (also for a record that the caller may not see); `deleted`; `lock-error`
 *   (If-Match names another version); `value` (ids differ); whatever validation and the type's rule say.
 */
export async function write(context: WriteContext, request: WriteRequest): Promise<WriteOutcome> {
  const type = request.method === 'delete' ? request.type : request.resource?.resourceType;
  if (typeof type !== 'string')
    throw new Problem('structure', 'The resource has no resourceType.', { expression: 'resourceType' });
  try {
    const narrowing = narrow(context.principal, type, request.method);
    return request.method === 'delete'
      ? await remove(context, request, narrowing)
      : await store(context, request, narrowing);
  } catch (error) {
    const entity = `${type}${'id' in request && request.id !== undefined ? `/${request.id}` : ''}`;
    await auditRefusal(context, error, {
      action: actions[request.method],
      event: `fhir:${request.method}`,
      entities: [entity],
    });
    throw error;
  }
}

/** Runs `work` in one transaction in somebody's name; the database may run it again after a deadlock. */
export function inOneTransaction<T>(
  world: World,
  { principal, ...trace }: { principal: Principal } & Trace,
  work: (context: WriteContext) => Promise<T>,
): Promise<T> {
  return world.transaction((stores) => work({ world, stores, principal, ...traceOf(trace) }));
}

/** `write` in a transaction of its own. */
export async function writeInTransaction(
  world: World,
  principal: Principal,
  request: WriteRequest,
  trace: Trace = {},
): Promise<WriteOutcome> {
  return inOneTransaction(world, { principal, ...trace }, (context) => write(context, request));
}

const actions = { create: 'C', update: 'U', delete: 'D' } as const;

async function store(
  context: WriteContext,
  request: Exclude<WriteRequest, { method: 'delete' }>,
  narrowing: Narrowing,
): Promise<WriteOutcome> {
  const { resource } = request;
  const type = resource.resourceType;
  const id = request.id ?? newId();
  const before = request.id === undefined ? undefined : await lock(context, type, id);
  if (before?.resource) await mustBeVisible(context, before, narrowing);
  if (request.method === 'update') {
    checkMatch(before, request.ifMatch);
    checkIdentity(context, before, request);
  } else if (before?.resource) throw new Problem('duplicate', `${type}/${id} exists already.`);

  const named = { ...resource, id };
  refuseFaulty(await context.world.checker.issues(named));
  const { rules } = context.world;
  const isClient = context.principal.kind !== 'system';
  const asked = isClient ? await rules.ofClients.change(context, before?.resource, named) : named;
  const ruled = await rules.change[type]?.({ context, before: before?.resource, after: asked });
  const after = ruled?.resource ?? asked;
  if (before?.resource && sameContent(before.resource, after)) {
    await audit(context, request.method, before, 'unchanged');
    return { record: before, created: false, unchanged: true };
  }
  const record = nextVersion(context, before, after, request);
  await context.stores.records.put(record);
  if (narrowing.kind === 'some') await mustLieWithin(context, record, narrowing);
  await ruled?.afterwards?.();
  await audit(context, request.method, record);
  return { record, created: !before?.resource, unchanged: false };
}

async function remove(
  context: WriteContext,
  request: Extract<WriteRequest, { method: 'delete' }>,
  narrowing: Narrowing,
): Promise<WriteOutcome> {
  await context.world.rules.lockFirst[request.type]?.(context, request.id);
  const before = await context.stores.records.lock(request.type, request.id);
  if (!before) throw new Problem('not-found', `${request.type}/${request.id} does not exist.`);
  if (!before.resource) {
    if (narrowing.kind === 'some') throw new Problem('not-found', `${request.type}/${request.id} does not exist.`);
    return { record: before, created: false, unchanged: true };
  }
  await mustBeVisible(context, before, narrowing);
  checkMatch(before, request.ifMatch);
  if (context.principal.kind !== 'system') {
    await context.world.rules.ofClients.removal(context, before.resource);
    await refuseReferred(context, request.type, request.id);
  }
  const record: StoredRecord = {
    resourceType: request.type,
    id: request.id,
    version: before.version + 1,
    lastUpdated: timeAfter(context, before),
    method: 'DELETE',
    resource: undefined,
  };
  await context.stores.records.put(record);
  await audit(context, 'delete', { ...record, patients: patientsFor(context, before) });
  return { record, created: false, unchanged: false };
}

/** A row that is not there cannot be locked, so the first writers of an id agree on a key instead. */
async function lock(context: WriteContext, type: ResourceType, id: string): Promise<StoredRecord | undefined> {
  const { stores } = context;
  await context.world.rules.lockFirst[type]?.(context, id);
  const standing = await stores.records.lock(type, id);
  if (standing) return standing;
  await stores.records.lockKey(`${type}/${id}`);
  return stores.records.lock(type, id);
}

/** What the caller may not touch does not exist for them: no difference that tells ids apart. */
async function mustBeVisible(
  { stores }: WriteContext,
  { resourceType, id }: StoredRecord,
  narrowing: Narrowing,
): Promise<void> {
  if (narrowing.kind === 'all') return;
  const seen = await stores.records.read(resourceType, id, narrowing);
  if (!seen) throw new Problem('not-found', `${resourceType}/${id} does not exist.`);
}

/** Writing must not be a way to put records where the caller may not (another patient's compartment). */
async function mustLieWithin(
  { stores }: WriteContext,
  { resourceType, id }: StoredRecord,
  narrowing: Narrowing,
): Promise<void> {
  const seen = await stores.records.read(resourceType, id, narrowing);
  if (!seen)
    throw new Problem(
      'forbidden',
      `The token does not allow to write this ${resourceType}: it lies outside what you may change.`,
    );
}

function checkMatch(before: StoredRecord | undefined, ifMatch: number | undefined): void {
  if (ifMatch === undefined || (before?.resource && before.version === ifMatch)) return;
  throw new Problem(
    'lock-error',
    before?.resource
      ? `The current version is ${before.version}, not ${ifMatch}.`
      : 'There is no current version to match.',
  );
}

function checkIdentity(
  { principal, world }: WriteContext,
  before: StoredRecord | undefined,
  { resource, id }: Extract<WriteRequest, { method: 'update' }>,
): void {
  const type = resource.resourceType;
  if (resource.id !== id) {
    throw new Problem('value', `The resource's id must be ${id}, as in the address.`, { expression: `${type}.id` });
  }
  if (before || principal.kind === 'system') return;
  if (world.rules.serverIds.has(type))
    throw new Problem('not-found', `${type}/${id} does not exist, and the server chooses the ids of this type.`);
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id))
    throw new Problem('value', 'An id has 1 to 64 of A-Z a-z 0-9 - .', { expression: `${type}.id` });
}

function nextVersion(
  context: WriteContext,
  before: StoredRecord | undefined,
  after: Resource,
  request: Exclude<WriteRequest, { method: 'delete' }>,
): StoredRecord {
  const version = (before?.version ?? 0) + 1;
  const lastUpdated = timeAfter(context, before);
  const { resourceType, id, meta, ...content } = after as Resource & { id: string };
  const stamped = { ...meta, versionId: String(version), lastUpdated: lastUpdated.toISOString() };
  const resource = { resourceType, id, meta: stamped, ...content } as Resource;
  const method = request.method === 'create' ? 'POST' : request.patch ? 'PATCH' : 'PUT';
  return { resourceType, id, version, lastUpdated, method, resource, patients: patientsFor(context, { resource }) };
}

/** Never earlier than the version before, whatever this machine's clock says. */
function timeAfter({ world }: WriteContext, before: StoredRecord | undefined): Date {
  return new Date(Math.max(world.now().getTime(), before?.lastUpdated.getTime() ?? 0));
}

/** Whether two versions say the same: all but the stamps that the server sets. */
export function sameContent(before: Resource, after: Resource): boolean {
  return sameJson(withoutStamps(before), withoutStamps(after));
}

function withoutStamps(resource: Resource): unknown {
  const { versionId: _version, lastUpdated: _updated, ...meta } = resource.meta ?? {};
  const { meta: _meta, ...content } = resource;
  return { ...content, ...(Object.keys(meta).length > 0 && { meta }) };
}

/** @throws Problem of the first fault. */
export function refuseFaulty([first]: readonly ValidationIssue[]): void {
  if (first) throw new Problem(first.code, `${first.expression}: ${first.message}`, { expression: first.expression });
}

function patientsFor({ world }: WriteContext, { resource }: Pick<StoredRecord, 'resource'>): string[] {
  return resource === undefined ? [] : patientsOf(resource, world.settings.fhirBaseUrl);
}

async function audit(
  context: WriteContext,
  method: WriteRequest['method'],
  record: StoredRecord,
  note?: 'unchanged',
): Promise<void> {
  await context.stores.audit.append({
    action: actions[method],
    event: `fhir:${method}${note ? `:${note}` : ''}`,
    outcome: 'success',
    principal: context.principal,
    patients: [...(record.patients ?? [])],
    entities: [`${record.resourceType}/${record.id}/_history/${record.version}`],
    ...traceOf(context),
  });
}

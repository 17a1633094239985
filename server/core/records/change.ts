/**
 * A change that a client asks for, by id or by criteria (FHIR http.html#create, #update, #patch, #delete and
 * their conditional forms). REST, batch and transaction all come through here and so cannot differ.
 */
import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { narrow } from '../access/policy.ts';
import type { StoredRecord } from './record-store.ts';
import { Problem } from '../problem.ts';
import { auditRefusal } from './audit-refusal.ts';
import { findOne } from './conditional.ts';
import { applyPatch, type Patch } from '../patch/patch.ts';
import { refuseFaulty, write, type WriteRequest } from './write.ts';
import type { WriteContext } from '../world.ts';

/** Which record: by id, or the one that matches a query string. */
export type Target = { id: string } | { criteria: string };

export type Change =
  /** `id`: chosen beforehand by a transaction, whose other entries refer to it. */
  | { kind: 'create'; type: ResourceType; resource: Record<string, unknown>; ifNoneExist?: string; id?: string }
  | {
      kind: 'update';
      type: ResourceType;
      target: Target;
      resource: Record<string, unknown>;
      ifMatch?: number;
      mustBeNew?: boolean;
    }
  | { kind: 'patch'; type: ResourceType; target: Target; patch: Patch; ifMatch?: number }
  | { kind: 'delete'; type: ResourceType; target: Target; ifMatch?: number };

export interface Changed {
  status: 200 | 201 | 204;
  /** The version that stands now; undefined when there was nothing to delete. */
  record?: StoredRecord;
}

/**
 * Must run inside a transaction: `context` is that of `inOneTransaction`.
 * @throws Problem as `write`; `multiple-matches`; `not-found` for a patch of nothing; `value` when body and address disagree.
 */
export async function change(context: WriteContext, asked: Change): Promise<Changed> {
  switch (asked.kind) {
    case 'create':
      return create(context, asked);
    case 'update':
      return update(context, asked);
    case 'patch':
      return patch(context, asked);
    case 'delete':
      return remove(context, asked);
  }
}

/** @throws Problem `value` when the body is not of the type that the address names. */
export function requireType(resource: Record<string, unknown>, type: ResourceType): Resource {
  if (resource['resourceType'] !== type) {
    throw new Problem('value', `The body must be a ${type}, as in the address`, { expression: 'resourceType' });
  }
  return resource as unknown as Resource;
}

async function create(context: WriteContext, asked: Extract<Change, { kind: 'create' }>): Promise<Changed> {
  const resource = requireType(asked.resource, asked.type);
  if (asked.ifNoneExist !== undefined) {
    const standing = await findOne(context, asked.type, asked.ifNoneExist);
    if (standing) return { status: 200, record: standing };
  }
  const { id: _ignored, ...content } = resource as Resource & { id?: string };
  const request: WriteRequest = {
    method: 'create',
    resource: content as Resource,
    ...(asked.id !== undefined && { id: asked.id }),
  };
  return { status: 201, record: (await write(context, request)).record };
}

async function update(context: WriteContext, asked: Extract<Change, { kind: 'update' }>): Promise<Changed> {
  const resource = requireType(asked.resource, asked.type);
  const expression = `${asked.type}.id`;
  let id = 'id' in asked.target ? asked.target.id : undefined;
  if ('criteria' in asked.target) {
    const standing = await findOne(context, asked.type, asked.target.criteria);
    if (standing && resource.id !== undefined && resource.id !== standing.id) {
      throw new Problem('value', 'The criteria match another record than the id in the body names', { expression });
    }
    id = standing?.id ?? resource.id;
    if (id === undefined) {
      if (asked.ifMatch !== undefined) throw new Problem('lock-error', 'There is no current version to match.');
      return create(context, { kind: 'create', type: asked.type, resource: asked.resource });
    }
  } else if (resource.id === undefined) {
    throw new Problem('value', 'The body must have the id of the address', { expression });
  } else if (resource.id !== id) {
    throw new Problem('value', 'The body has another id than the address', { expression });
  }
  if (asked.mustBeNew) await refuseExisting(context, asked.type, id!);
  const outcome = await write(context, {
    method: 'update',
    id: id!,
    resource: { ...resource, id: id! } as Resource,
    ...(asked.ifMatch !== undefined && { ifMatch: asked.ifMatch }),
  });
  return { status: outcome.created ? 201 : 200, record: outcome.record };
}

/** `If-None-Match: *`: only to create (RFC 9110 13.1.2). The key is the one under which `write` creates. */
async function refuseExisting(context: WriteContext, type: ResourceType, id: string): Promise<void> {
  const { world, stores } = context;
  await world.rules.lockFirst[type]?.(context, id);
  await stores.records.lockKey(`${type}/${id}`);
  if ((await stores.records.lock(type, id))?.resource) throw new Problem('lock-error', `${type}/${id} exists already.`);
}

async function patch(context: WriteContext, asked: Extract<Change, { kind: 'patch' }>): Promise<Changed> {
  const { id, resource } = await refusalsAudited(context, asked, () => patched(context, asked));
  const outcome = await write(context, { method: 'update', id, resource, patch: true });
  return { status: 200, record: outcome.record };
}

async function patched(
  context: WriteContext,
  { type, target, patch, ifMatch }: Extract<Change, { kind: 'patch' }>,
): Promise<{ id: string; resource: Resource }> {
  const narrowing = narrow(context.principal, type, 'update');
  const id = await idOf(context, type, target);
  if (id === undefined) throw new Problem('not-found', `No ${type} matches the criteria`);
  // Locked before it is read, so that no other change slips between the reading and the writing; and in the order of
  // `write`, or a patch and an update of one step would wait for each other.
  await context.world.rules.lockFirst[type]?.(context, id);
  const locked = await context.stores.records.lock(type, id);
  const standing = locked && (await context.stores.records.read(type, id, narrowing));
  if (!standing) throw new Problem('not-found', `${type}/${id} does not exist.`);
  if (!standing.resource) throw new Problem('deleted', `${type}/${id} was deleted.`);
  if (ifMatch !== undefined && ifMatch !== standing.version) {
    throw new Problem('lock-error', `The current version is ${standing.version}, not the one that If-Match names.`);
  }
  // What is no Parameters resource has no operations.
  if (patch.kind === 'fhirpath') refuseFaulty(await context.world.checker.issues(patch.parameters));
  return { id, resource: applyPatch(standing.resource, patch) };
}

/** What is refused before `write` is asked leaves its row too. */
async function refusalsAudited<T>(
  context: WriteContext,
  { kind, type, target }: Extract<Change, { kind: 'patch' | 'delete' }>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const entities = ['id' in target ? `${type}/${target.id}` : type];
    await auditRefusal(context, error, { action: kind === 'delete' ? 'D' : 'U', event: `fhir:${kind}`, entities });
    throw error;
  }
}

/** What is not there is deleted already (FHIR http.html#delete: 204 either way). */
async function remove(context: WriteContext, asked: Extract<Change, { kind: 'delete' }>): Promise<Changed> {
  await refusalsAudited(context, asked, async () => narrow(context.principal, asked.type, 'delete'));
  const id = await idOf(context, asked.type, asked.target);
  if (id === undefined) return { status: 204 };
  try {
    const outcome = await write(context, {
      method: 'delete',
      type: asked.type,
      id,
      ...(asked.ifMatch !== undefined && { ifMatch: asked.ifMatch }),
    });
    return { status: 204, record: outcome.record };
  } catch (error) {
    if (error instanceof Problem && error.code === 'not-found' && asked.ifMatch === undefined) return { status: 204 };
    throw error;
  }
}

async function idOf(context: WriteContext, type: ResourceType, target: Target): Promise<string | undefined> {
  return 'id' in target ? target.id : (await findOne(context, type, target.criteria))?.id;
}

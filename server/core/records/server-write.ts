import type { Reference, Resource, ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { systemPrincipal } from '../principal.ts';
import { write } from './write.ts';
import type { WriteContext } from '../world.ts';
import { idIn } from '../r4/pointer.ts';

export type Kept<Type extends ResourceType> = Extract<Resource, { resourceType: Type }> & { id: string };

/** The same transaction and request, with the server acting for itself: the consequences of a step are its own writes. */
export function asServer(context: WriteContext): WriteContext {
  const { causedBy = context.principal } = context;
  return { ...context, causedBy, principal: systemPrincipal('workflow') };
}

/**
 * The current version of what a reference names, locked until the transaction ends.
 *
 * @throws Problem `conflict` if it is gone: a review without its parts cannot go on.
 */
export async function locked<Type extends ResourceType>(
  context: WriteContext,
  type: Type,
  reference: Reference | undefined,
): Promise<Kept<Type>> {
  const id = idIn(reference, type);
  const record = id === undefined ? undefined : await context.stores.records.lock(type, id);
  if (!record?.resource) throw new Problem('conflict', `The review refers to a ${type} that is not there.`);
  return record.resource as Kept<Type>;
}

/** Writes a version; returns it as stored. */
export async function put<Type extends ResourceType>(context: WriteContext, resource: Kept<Type>): Promise<Kept<Type>> {
  const { record } = await write(asServer(context), {
    method: 'update',
    resource: resource as Resource,
    id: resource.id,
  });
  return record.resource as Kept<Type>;
}

/** Creates a resource under an id that the caller chose; returns it as stored. */
export async function create<Type extends ResourceType>(
  context: WriteContext,
  resource: Kept<Type>,
): Promise<Kept<Type>> {
  const { record } = await write(asServer(context), {
    method: 'create',
    resource: resource as Resource,
    id: resource.id,
  });
  return record.resource as Kept<Type>;
}

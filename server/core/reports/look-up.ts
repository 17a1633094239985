import type { Reference, ResourceType } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Reading } from '../world.ts';
import { Problem } from '../problem.ts';
import type { Kept } from '../records/server-write.ts';

/** What a relative reference to that type names, as it is now; undefined if it is another type or not there. */
export async function found<Type extends ResourceType>(
  stores: Pick<Reading, 'records'>,
  type: Type,
  reference: Reference | undefined,
): Promise<Kept<Type> | undefined> {
  const [kind, id] = reference?.reference?.split('/') ?? [];
  if (kind !== type || id === undefined) return undefined;
  return (await stores.records.read(type, id, everything))?.resource as Kept<Type> | undefined;
}

/** @throws Problem `conflict` if it is not there. */
export async function needed<Type extends ResourceType>(
  stores: Pick<Reading, 'records'>,
  type: Type,
  reference: Reference | undefined,
): Promise<Kept<Type>> {
  const resource = await found(stores, type, reference);
  if (!resource) throw new Problem('conflict', `The review refers to a ${type} that is not there.`);
  return resource;
}

/**
 * The definitions that this release brings along (fhir-profiles/): profiles, code systems, value sets, search parameters,
 * operations. They are records like any other, so that they are read, searched and have a history; nobody but the server
 * writes them, because they say what the server does.
 */
import type { Resource } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { systemPrincipal } from '../principal.ts';
import { sameJson } from '../r4/same-json.ts';
import { canonical } from '../vocabulary/systems.ts';
import type { Reading, World, WriteContext } from '../world.ts';
import { put } from './server-write.ts';
import { inOneTransaction } from './write.ts';

/** With an id and an address of ours; sound by R4's rules (a test holds that, so that no start has to). */
export type Definition = Resource & { id: string };

/**
 * Stores those that are new or differ from what is stored; several processes may do it at once. One that a release
 * defines no more stays as it was: records of then refer to it.
 *
 * @returns how many were written.
 */
export async function keepDefinitions(world: World, definitions: readonly Definition[]): Promise<number> {
  if ((await world.read((stores) => differing(stores, definitions))).length === 0) return 0;
  const sound = { ...world, checker: { ...world.checker, issues: () => Promise.resolve([]) } };
  return inOneTransaction(sound, { principal: systemPrincipal('definitions') }, async (context) => {
    await context.stores.records.lockKey('own definitions');
    const changed = await differing(context.stores, definitions);
    for (const definition of changed) await put(context, definition);
    return changed.length;
  });
}

async function differing(
  { records }: Pick<Reading, 'records'>,
  definitions: readonly Definition[],
): Promise<Definition[]> {
  const changed: Definition[] = [];
  for (const definition of definitions) {
    const standing = (await records.read(definition.resourceType, definition.id, everything))?.resource;
    if (!standing || !sameJson({ ...standing, meta: undefined }, { ...definition, meta: undefined }))
      changed.push(definition);
  }
  return changed;
}

/** @throws Problem `forbidden` when a client writes or deletes what has an address of ours. */
export function mustNotBeOwnDefinition({ principal }: WriteContext, resource: Resource): void {
  const { url } = resource as { url?: string };
  if (principal.kind === 'system' || url === undefined || !url.startsWith(`${canonical}/`)) return;
  throw new Problem(
    'forbidden',
    `Definitions below ${canonical} are the server's: they change with its release. Give your own an address of yours.`,
    { expression: `${resource.resourceType}.url` },
  );
}

/** Compartment search (FHIR search.html#compartment): `Patient/[id]/[type]`. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Narrowing } from '../core/access/narrowing.ts';
import { tryNarrow } from '../core/access/policy.ts';
import type { World } from '../core/ports.ts';
import { Problem } from '../core/problem.ts';
import type { Exchange } from './exchange.ts';

/**
 * The world narrowed to one patient: searches of `type` find only what lies in the compartment, by the same
 * predicate that limits tokens, so Task and Binary (which R4 leaves out) are found too.
 *
 * @throws Problem `not-found` for a patient that the caller cannot see; `forbidden` for one that the token excludes.
 */
export async function compartmentWorld(
  { world, principal }: Exchange,
  patient: string,
  type: ResourceType,
): Promise<World> {
  const mayReadPatient = tryNarrow(principal, 'Patient', 'read');
  if (mayReadPatient && !(await world.records.read('Patient', patient, mayReadPatient))?.resource) {
    throw new Problem('not-found', `Patient/${patient} does not exist.`);
  }
  const own = tryNarrow(principal, type, 'search');
  if (own && isEmpty(intersect(own, patient))) throw new Problem('forbidden', 'The token does not reach this patient.');
  const records = Object.create(world.records) as World['records'];
  records.search = (query, narrowing) =>
    world.records.search(query, (asked) => {
      const narrowed = narrowing(asked);
      return asked === type && narrowed ? intersect(narrowed, patient) : narrowed;
    });
  return Object.assign(Object.create(world) as World, { records });
}

const isEmpty = (narrowing: Narrowing): boolean => narrowing.kind === 'some' && narrowing.grants.length === 0;

function intersect(narrowing: Narrowing, patient: string): Narrowing {
  if (narrowing.kind === 'all') return { kind: 'some', grants: [{ patient }] };
  // Shared records (`sharedBy`) are visible because something refers to them; they lie in no compartment.
  const reaching = narrowing.grants.filter(
    (grant) => !grant.sharedBy && (grant.patient === undefined || grant.patient === patient),
  );
  return { kind: 'some', grants: reaching.map((grant) => ({ ...grant, patient })) };
}

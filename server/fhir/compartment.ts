/** The patient compartment (FHIR search.html#compartment): what is about one patient, by our own rule for Task and Binary. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { Narrowing } from '../core/access/narrowing.ts';
import { tryNarrow } from '../core/access/policy.ts';
import type { World } from '../core/ports.ts';
import { Problem } from '../core/problem.ts';
import { compartmentParameters } from '../core/records/search-parameters.ts';
import { offeredTypes, typeIn, type Exchange } from './exchange.ts';

/** Types that R4's compartment leaves out and ours holds. */
const ours = new Set<ResourceType>(['Patient', 'Task', 'Binary']);

/**
 * The types that a compartment search goes through.
 * @param written a type, or `*` for all that the caller may search
 * @throws Problem `forbidden` when that is none, or none that reaches this patient.
 */
export function compartmentTypes(
  { principal }: Exchange,
  patient: string,
  written: string | undefined,
): ResourceType[] {
  const asked =
    written === '*'
      ? offeredTypes.filter((type) => ours.has(type) || compartmentParameters(type).length > 0)
      : [typeIn(written)];
  const reached = asked.filter((type) => {
    const own = tryNarrow(principal, type, 'search');
    return own === undefined ? false : !isEmpty(intersect(own, patient));
  });
  if (reached.length === 0)
    throw new Problem('forbidden', 'The token does not reach this in the compartment of this patient.');
  return reached;
}

/** @throws Problem `not-found` for a patient that the caller may see if it were there. */
export async function requirePatient({ world, principal }: Exchange, patient: string): Promise<void> {
  const narrowing = tryNarrow(principal, 'Patient', 'read');
  if (narrowing && !(await world.records.read('Patient', patient, narrowing))?.resource) {
    throw new Problem('not-found', `Patient/${patient} does not exist.`);
  }
}

/** The world in which searches of `type` find only what lies in the compartment, by the predicate that limits tokens. */
export function compartmentWorld(world: World, patient: string, type: ResourceType): World {
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

/** The patient compartment (FHIR search.html#compartment): what is about one patient, by our own rule for Task and Binary. */
import type { ResourceType } from '@medplum/fhirtypes';
import { inCompartment, isEmpty } from '../core/access/narrowing.ts';
import { tryNarrow } from '../core/access/policy.ts';
import { Problem } from '../core/problem.ts';
import { compartmentParameters, servedElsewhere } from '../core/search/search-parameters.ts';
import { offeredTypes, typeIn, type ReadExchange } from './exchange.ts';

/** Types that R4's compartment leaves out and ours holds. */
const ours = new Set<ResourceType>(['Patient', 'Task', 'Binary']);

/**
 * The types that a compartment search goes through.
 * @param written a type, or `*` for all that the caller may search: the record, not who looked at it
 * @throws Problem `forbidden` when that is none, or none that reaches this patient.
 */
export function compartmentTypes(
  { principal }: ReadExchange,
  patient: string,
  written: string | undefined,
): ResourceType[] {
  const asked =
    written === '*'
      ? offeredTypes.filter(
          (type) => ours.has(type) || (compartmentParameters(type).length > 0 && !servedElsewhere.has(type)),
        )
      : [typeIn(written)];
  const reached = asked.filter((type) => {
    const own = tryNarrow(principal, type, 'search');
    return own === undefined ? false : !isEmpty(inCompartment(own, patient));
  });
  if (reached.length === 0)
    throw new Problem('forbidden', 'The token does not reach this in the compartment of this patient.');
  return reached;
}

/** @throws Problem `not-found` for a patient that the caller may see if it were there. */
export async function requirePatient({ world, principal }: ReadExchange, patient: string): Promise<void> {
  const narrowing = tryNarrow(principal, 'Patient', 'read');
  if (!narrowing) return;
  const standing = await world.read(({ records }) => records.read('Patient', patient, narrowing));
  if (!standing?.resource) {
    throw new Problem('not-found', `Patient/${patient} does not exist.`);
  }
}

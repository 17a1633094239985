import type { Narrowing } from '../access/narrowing.ts';
import { Problem } from '../problem.ts';
import { referenceKey } from '../r4/reference-key.ts';
import type { SearchCondition, SearchQuery } from '../search/search-query.ts';

/**
 * Refuses a search that names a patient other than those that the token is limited to. Leaving the others out would be
 * as safe, but an app would take an empty Bundle for "has no images" (SMART Imaging Access 0.1.0).
 *
 * @throws Problem `forbidden`.
 */
export function refuseOtherPatients(query: SearchQuery, narrowing: Narrowing, baseUrl: string): void {
  if (narrowing.kind === 'all') return;
  const own = new Set<string>();
  for (const { patient, sharedBy } of narrowing.grants) {
    const limited = patient ?? sharedBy?.patient;
    if (limited === undefined) return; // some grant reaches beyond one patient
    own.add(limited);
  }
  const named = query.conditions.flatMap((condition) => patientsNamed(query, condition, baseUrl));
  if (named.some((id) => !own.has(id))) {
    throw new Problem('forbidden', 'The token is limited to one patient, and the search names another.');
  }
}

function patientsNamed({ type }: SearchQuery, condition: SearchCondition, baseUrl: string): string[] {
  const { parameter, modifier, values, chain, has } = condition;
  if (has) return [];
  if (chain)
    return (parameter === 'patient' || parameter === 'subject') && chain.condition.parameter === '_id'
      ? chain.condition.values
      : [];
  if (type === 'Patient') return parameter === '_id' && modifier === undefined ? values : [];
  if ((parameter !== 'patient' && parameter !== 'subject') || (modifier !== undefined && modifier !== 'Patient'))
    return [];
  return values.flatMap((value) => {
    const key = referenceKey(value, baseUrl);
    if (key.type === 'Patient') return [key.id];
    return key.type === '' && /^[A-Za-z0-9\-.]{1,64}$/.test(value) ? [value] : [];
  });
}

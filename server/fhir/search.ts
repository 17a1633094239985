/** search-system, search-type and compartment search (FHIR http.html#search): GET [base], [base]/[type], [base]/Patient/[id]/[type]. */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../core/problem.ts';
import { compartmentTypes } from './compartment.ts';
import { typeIn, type Answer, type ReadExchange } from './exchange.ts';
import { pageParameter, searchPages } from './search-pages.ts';

/** @throws Problem `too-costly` without `_type`: everything of everything is no question. */
export async function searchSystem(
  exchange: ReadExchange,
  parameters: [string, string][],
  strict: boolean,
): Promise<Answer> {
  const written = parameters.filter(([name]) => name === '_type').flatMap(([, value]) => value.split(','));
  const isPage = parameters.some(([name]) => name === pageParameter); // which knows its types
  if (written.length === 0 && !isPage) throw new Problem('too-costly', 'A search of all types needs _type');
  const types = [...new Set(written)].map((type) => typeIn(type));
  const rest = parameters.filter(([name]) => name !== '_type');
  return searchPages(exchange, { types, parameters: rest }, '', strict);
}

export async function searchType(
  exchange: ReadExchange,
  type: ResourceType,
  parameters: [string, string][],
  strict: boolean,
): Promise<Answer> {
  return searchPages(exchange, { types: [type], parameters }, type, strict);
}

/** @param written a type, or `*` for all of the compartment */
export async function searchCompartment(
  exchange: ReadExchange,
  patient: string,
  written: string | undefined,
  parameters: [string, string][],
  strict: boolean,
): Promise<Answer> {
  const types = compartmentTypes(exchange, patient, written);
  return searchPages(exchange, { types, parameters, patient }, `Patient/${patient}/${written}`, strict);
}

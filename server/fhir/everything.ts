/** Patient/[id]/$everything (FHIR patient-operation-everything.html): the compartment and what it refers to. */
import { Problem } from '../core/problem.ts';
import { compartmentTypes } from './compartment.ts';
import { typeIn, type Answer, type ReadExchange } from './exchange.ts';
import { pageParameter, searchPages } from './search-pages.ts';

/**
 * Care dates (`start`, `end`) are refused rather than ignored: an answer with more than was asked would look complete.
 * @throws Problem `not-supported`, `not-found`, `forbidden`.
 */
export async function everything(
  exchange: ReadExchange,
  patient: string,
  parameters: [string, string][],
): Promise<Answer> {
  const asked = new Map(parameters);
  const known = new Set(['_since', '_type', '_count', pageParameter, '_format', '_pretty']);
  if (parameters.some(([name]) => !known.has(name))) {
    throw new Problem('not-supported', '$everything takes _since, _type and _count only');
  }
  const all = compartmentTypes(exchange, patient, '*');
  const wanted = asked
    .get('_type')
    ?.split(',')
    .map((type) => typeIn(type));
  const types = ['Patient' as const, ...all.filter((type) => type !== 'Patient')].filter(
    (type) => all.includes(type) && (wanted === undefined || wanted.includes(type)),
  );
  if (types.length === 0) throw new Problem('forbidden', 'The token does not reach these types in the compartment.');
  const since = asked.get('_since');
  const page = asked.get(pageParameter);
  const request = {
    types,
    patient,
    everything: true,
    parameters: [
      ['_count', asked.get('_count') ?? '100'],
      ...(since === undefined ? [] : [['_lastUpdated', `ge${since}`]]),
      ...(page === undefined ? [] : [[pageParameter, page]]),
    ] as [string, string][],
  };
  return searchPages(exchange, request, `Patient/${patient}/$everything`, true);
}

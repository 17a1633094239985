/** Conditional interactions (FHIR http.html#ccreate, #cond-update): criteria to the one record that they name. */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { parseCriteria } from '../search/parse-search.ts';
import { parseQueryString } from '../search/query-string.ts';
import { search, within } from './read.ts';
import { plainQuery, type SearchCondition } from '../search/search-query.ts';
import { splitUnescaped } from '../search/search-values.ts';
import type { StoredRecord } from './record-store.ts';
import type { WriteContext } from '../world.ts';

/**
 * Finds the record and keeps others from creating one that would match, until the transaction ends: of
 * several conditional creates at once, one creates and the others find.
 *
 * @param criteria a query string, such as `identifier=http://hospital|42`
 * @throws Problem `multiple-matches`; `not-supported` or `value` for criteria that do not say what they mean.
 */
export async function findOne(
  context: WriteContext,
  type: ResourceType,
  criteria: string,
): Promise<StoredRecord | undefined> {
  const conditions = parseCriteria(type, parseQueryString(criteria));
  for (const key of lockKeys(type, conditions)) await context.stores.records.lockKey(key);
  const { matches } = await search(within(context), context.principal, plainQuery(type, conditions, 2));
  if (matches.length > 1) throw new Problem('multiple-matches', `The criteria match several ${type} records`);
  return matches[0];
}

/**
 * What to lock: each identifier by its value, since `sys|1` and `1` may mean the same record; else the
 * criteria as a whole. Sorted, so that two transactions never wait for each other.
 */
export function lockKeys(type: ResourceType, conditions: readonly SearchCondition[]): string[] {
  const identifiers = conditions.filter(
    (one) => one.parameter === 'identifier' && one.modifier === undefined && !one.chain,
  );
  const values = identifiers.flatMap((one) => one.values.map((value) => splitUnescaped(value, '|').at(-1) ?? ''));
  if (values.length > 0) return [...new Set(values)].sort().map((value) => `${type}?identifier=${value}`);
  return [
    `${type}?${conditions
      .map((one) => JSON.stringify(one))
      .sort()
      .join('&')}`,
  ];
}

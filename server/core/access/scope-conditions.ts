import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { parseCondition } from '../search/parse-condition.ts';
import type { SearchCondition } from '../search/search-query.ts';

/**
 * The granular part of a scope (`category=laboratory&status=final`) as search conditions.
 *
 * Chains, `_has` and modifiers are experimental in SMART 2.2 and refused here.
 * @returns undefined for anything that cannot be read in full: such a scope grants nothing.
 */
export function scopeConditions(type: ResourceType, query: string): SearchCondition[] | undefined {
  const conditions: SearchCondition[] = [];
  for (const [name, value] of new URLSearchParams(query)) {
    if (!/^[a-z_][A-Za-z-]*$/.test(name) || value === '') return undefined;
    try {
      const condition = parseCondition(type, name, value);
      if (!condition || condition.values.length === 0) return undefined;
      conditions.push(condition);
    } catch (error) {
      if (error instanceof Problem) return undefined;
      throw error;
    }
  }
  return conditions.length === 0 ? undefined : conditions;
}

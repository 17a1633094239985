import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { searchParameter } from './search-parameters.ts';
import type { SearchCondition, SearchQuery } from './search-query.ts';

/**
 * What one search may ask for. Parameters and values cost the database little each, joins and includes a lot, and the
 * planner's work grows with all of them: within these a search is planned in some tens of milliseconds.
 */
export const searchLimits = {
  /** Parameters of all kinds. */
  parameters: 100,
  /** Values of one parameter, with commas between them. */
  values: 500,
  /** Values of all parameters together. */
  allValues: 1000,
  /** Steps of one chain or `_has`: deeper ones are joins that no index makes cheap. */
  depth: 4,
  /** Steps of all chains and `_has` together, each counted once for every type that it may lead to. */
  joins: 16,
  /** `_include` and `_revinclude`: each is a join in every round. */
  includes: 30,
  /** Keys of `_sort`: each is a subquery for every match. */
  sortKeys: 5,
};

/** @throws Problem `too-costly` for a search that asks for more than that. */
export function mustBeAffordable({ type, conditions, include, revinclude, sort }: SearchQuery): void {
  const asked: [number, number, string][] = [
    [conditions.reduce((sum, condition) => sum + valuesOf(condition), 0), searchLimits.allValues, 'values'],
    [conditions.reduce((sum, one) => sum + joinsOf(type, one), 0), searchLimits.joins, 'steps of chains and _has'],
    [include.length + revinclude.length, searchLimits.includes, 'includes'],
    [sort.length, searchLimits.sortKeys, 'keys of _sort'],
  ];
  const over = asked.find(([number, limit]) => number > limit);
  if (over) throw new Problem('too-costly', `A search may have ${over[1]} ${over[2]} at most; ask in several.`);
}

function valuesOf({ values, chain, has }: SearchCondition): number {
  const inner = chain ?? has;
  return values.length + (inner ? valuesOf(inner.condition) : 0);
}

function joinsOf(type: ResourceType, { parameter, chain, has }: SearchCondition): number {
  if (has) return 1 + joinsOf(has.type, has.condition);
  if (!chain) return 0;
  const targets = chain.type ? [chain.type] : (searchParameter(type, parameter)?.target ?? []);
  return targets.reduce((sum, target) => sum + 1 + joinsOf(target as ResourceType, chain.condition), 0);
}

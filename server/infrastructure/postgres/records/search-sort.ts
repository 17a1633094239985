import { Problem } from '../../../core/problem.ts';
import { searchParameter, type SearchParameterType } from '../../../core/search/search-parameters.ts';
import type { SearchQuery } from '../../../core/search/search-query.ts';
import type { Bindings } from './search-values.ts';

export interface SortKey {
  /** Column of the inner select. */
  name: string;
  /** The value of `record r` that is sorted by. */
  sql: string;
  /** PostgreSQL type of the value. */
  type: 'text collate "C"' | 'timestamptz' | 'numeric';
  descending: boolean;
  order: string;
}

/** The column that sorts, for each type of parameter: by its low end upwards, by its high end downwards. */
const columns: Record<SearchParameterType, { low: string; high: string; table: string; type: SortKey['type'] }> = {
  string: { low: 'folded', high: 'folded', table: 'search_string', type: 'text collate "C"' },
  token: { low: 'code', high: 'code', table: 'search_token', type: 'text collate "C"' },
  uri: { low: 'code', high: 'code', table: 'search_token', type: 'text collate "C"' },
  reference: { low: 'target_id', high: 'target_id', table: 'search_reference', type: 'text collate "C"' },
  date: { low: 'low', high: 'high', table: 'search_date', type: 'timestamptz' },
  quantity: { low: 'low', high: 'high', table: 'search_quantity', type: 'numeric' },
  number: { low: 'low', high: 'high', table: 'search_quantity', type: 'numeric' },
};

/** FHIR request-priority from the least to the most urgent: by the alphabet `asap` would come before `routine`. */
const priorities = ['routine', 'urgent', 'asap', 'stat'];

/** Keys of `_sort` in order (FHIR search.html#sort): of several values the least upwards, the greatest downwards; none comes last. */
export function sortBy(query: SearchQuery, bound: Bindings): SortKey[] {
  return query.sort.map(({ parameter: code, descending }, n) => {
    const name = `k${n}`;
    const order = `${name} ${descending ? 'desc' : 'asc'} nulls last`;
    if (code === '_id') return { name, sql: 'r.id', type: 'text collate "C"', descending, order };
    if (code === '_lastUpdated') return { name, sql: 'r.updated', type: 'timestamptz', descending, order };
    const parameter = searchParameter(query.type, code);
    if (!parameter || parameter.type === 'composite')
      throw new Problem('not-supported', `${query.type} cannot be sorted by this parameter.`);
    const { low, high, table, type: plain } = columns[parameter.type];
    const isPriority = code === 'priority' && parameter.type === 'token';
    const column = isPriority
      ? `array_position(${bound.add(priorities)}::text[], s.code::text)`
      : `s.${descending ? high : low}`;
    const type = isPriority ? 'numeric' : plain;
    const value = `${descending ? 'max' : 'min'}(${column})`;
    const sql = `(select ${value} from ${table} s where s.rid = r.rid and s.param = ${bound.add(parameter.key)})`;
    return { name, sql, type, descending, order };
  });
}

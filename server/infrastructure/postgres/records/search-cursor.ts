import { Problem } from '../../../core/problem.ts';
import type { SearchQuery } from '../../../core/search/search-query.ts';

/** Where a page ended: the sort values of its last record as text, and the record. */
export interface Position {
  keys: (string | null)[];
  rid: number;
}

/**
 * A position as text, with the type and order that it stands in. It holds a name or a birth date if that is what a search
 * sorts by, so no face gives it out as it is: `http/page-token` seals it with the search that it belongs to.
 */
export function cursorOf(query: SearchQuery, { rid, keys }: Position): string {
  return JSON.stringify([orderOf(query), rid, ...keys]);
}

/** @throws Problem `value` for what `cursorOf` did not write for this order. */
export function positionOf(query: SearchQuery, cursor: string): Position {
  const [order, rid, ...keys] = parsed(cursor);
  const isPosition = Number.isSafeInteger(rid) && keys.every((key) => key === null || typeof key === 'string');
  if (order !== orderOf(query) || !isPosition)
    throw new Problem('value', 'The page is not one of this search; start again at its first page.');
  return { rid: rid as number, keys: keys as (string | null)[] };
}

function parsed(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(cursor);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function orderOf({ type, sort }: SearchQuery): string {
  return [type, ...sort.map(({ parameter, descending }) => `${descending ? '-' : ''}${parameter}`)].join(',');
}

import type { Resource, ResourceType } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { plainQuery, type SearchCondition, type SearchQuery } from '../search/search-query.ts';
import type { RecordStore } from './record-store.ts';
import type { Kept } from './server-write.ts';

/** A search of the server for its own work: it sees everything, and leaves no audit row. */
export async function searchOwn<Type extends ResourceType>(
  { records }: { records: Pick<RecordStore, 'search'> },
  type: Type,
  conditions: SearchCondition[],
  { count, ...more }: Pick<SearchQuery, 'count'> & Partial<Pick<SearchQuery, 'sort' | 'after'>>,
): Promise<{ found: Kept<Type>[]; next?: string }> {
  const query: SearchQuery = { ...plainQuery(type, conditions, count), ...more };
  const { matches, next } = await records.search(query, () => everything);
  const found = matches.flatMap(({ resource }) => (resource ? [resource as Resource as Kept<Type>] : []));
  return { found, ...(next !== undefined && { next }) };
}

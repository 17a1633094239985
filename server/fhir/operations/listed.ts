import type { RelatedRecord } from '../../core/records/record-store.ts';

/** So many are named; of more, how many there are. */
const mostNamed = 50;

/** Records by type and id, for a person who must look at them. */
export function listed(records: readonly RelatedRecord[]): string {
  const named = records.slice(0, mostNamed).map(({ resourceType, id }) => `${resourceType}/${id}`);
  const more = records.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

/** The Bundle of a search (FHIR search.html#return): entries by mode, links, what was left out. */
import type { Bundle, BundleEntry } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/ports.ts';
import { subset } from '../core/records/subset.ts';
import { outcomeOf, warning } from './outcome.ts';
import type { Found } from './search.ts';

export function searchBundle(base: string, found: Found, self: string, next: string | undefined): Bundle {
  const { parsed } = found;
  const entryOf = (record: StoredRecord, mode: 'match' | 'include'): BundleEntry => ({
    fullUrl: `${base}/${record.resourceType}/${record.id}`,
    resource: subset(record.resource!, parsed.summary, mode === 'match' ? parsed.elements : undefined),
    search: { mode },
  });
  const issues = parsed.warnings.map((words) => warning(words));
  if (found.truncated) issues.push(warning('Not all included resources are here: there are too many', 'incomplete'));
  const entry: BundleEntry[] = parsed.countOnly
    ? []
    : [...found.matches.map((one) => entryOf(one, 'match')), ...found.included.map((one) => entryOf(one, 'include'))];
  if (issues.length > 0) entry.push({ resource: outcomeOf(issues), search: { mode: 'outcome' } });
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(found.total !== undefined && { total: found.total }),
    link: [{ relation: 'self', url: self }, ...(next === undefined ? [] : [{ relation: 'next', url: next }])],
    ...(entry.length > 0 && { entry }),
  };
}

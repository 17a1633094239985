/** The Bundle of a search (FHIR search.html#return): entries by mode, links, what was left out. */
import type { Bundle } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/records/record-store.ts';
import { inTurns } from '../core/in-turns.ts';
import { isWhole, subset } from '../core/search/subset.ts';
import type { ParsedSearch } from '../core/search/parse-search.ts';
import { bundleText } from './bundle-text.ts';
import { outcomeOf, warning } from './outcome.ts';

/** What a page of a search holds. */
export interface FoundPage {
  matches: StoredRecord[];
  included: StoredRecord[];
  total?: number;
  truncated: boolean;
  parsed: ParsedSearch;
}

/** @returns the Bundle as JSON text, in which whole records are the text that is stored: a page of them is never parsed. */
export async function searchBundle(
  base: string,
  found: FoundPage,
  self: string,
  next: string | undefined,
): Promise<string> {
  const { parsed } = found;
  const entryOf = (record: StoredRecord, mode: 'match' | 'include'): string => {
    const elements = mode === 'match' ? parsed.elements : undefined;
    const resource =
      record.json !== undefined && isWhole(parsed.summary, elements)
        ? record.json
        : JSON.stringify(subset(record.resource!, parsed.summary, elements));
    const fullUrl = JSON.stringify(`${base}/${record.resourceType}/${record.id}`);
    return `{"fullUrl":${fullUrl},"resource":${resource},"search":{"mode":"${mode}"}}`;
  };
  const issues = parsed.warnings.map((words) => warning(words));
  if (found.truncated) issues.push(warning('Not all included resources are here: there are too many', 'incomplete'));
  const entries = parsed.countOnly
    ? []
    : [
        ...(await inTurns(found.matches, (one) => entryOf(one, 'match'))),
        ...(await inTurns(found.included, (one) => entryOf(one, 'include'))),
      ];
  if (issues.length > 0) entries.push(JSON.stringify({ resource: outcomeOf(issues), search: { mode: 'outcome' } }));
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(found.total !== undefined && { total: found.total }),
    link: [{ relation: 'self', url: self }, ...(next === undefined ? [] : [{ relation: 'next' as const, url: next }])],
  };
  return bundleText(bundle, entries);
}

/** history of an instance, a type, the system (FHIR http.html#history): newest first, with `request` and `response`. */
import type { Bundle, BundleEntry, ResourceType } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { dateInterval } from '../core/search/date-interval.ts';
import { entityTag } from '../core/records/entity-tag.ts';
import type { Parameters } from '../core/search/parse-search.ts';
import { history as historyOf } from '../core/records/read.ts';
import { readOptions, type Answer, type ReadExchange } from './exchange.ts';
import { bundleAnswer, bundleText } from './bundle-text.ts';
import { inTurns } from '../core/in-turns.ts';

const defaultCount = 50;
const maxCount = 500;
const known = new Set(['_count', '_since', '_at', '_page', '_format', '_pretty', '_sort', '_summary', '_elements']);

export async function history(
  exchange: ReadExchange,
  of: { type?: ResourceType; id?: string },
  parameters: Parameters,
): Promise<Answer> {
  const value = (name: string): string | undefined => parameters.find(([one]) => one === name)?.[1];
  const unknown = parameters.find(([name]) => !known.has(name));
  if (unknown) throw new Problem('not-supported', 'History takes _count, _since and _at only');
  const { timeZone } = exchange.world.settings;
  const since = instant('_since', value('_since'), timeZone);
  const at = instant('_at', value('_at'), timeZone);
  const token = value('_page');
  const { pages, principal } = exchange;
  const list = `history ${of.type ?? ''}/${of.id ?? ''}`;
  const before = token === undefined ? undefined : (pages.open(list, token, principal) as string);
  const page = {
    count: countIn(value('_count')),
    ...(since && { since }),
    ...(at && { at }),
    ...(before !== undefined && { before }),
  };
  const found = await historyOf(exchange.world, principal, of, page, readOptions(exchange));
  const base = exchange.world.settings.fhirBaseUrl;
  const path = [base, of.type, of.id, '_history'].filter(Boolean).join('/');
  const kept: [string, string][] = parameters
    .filter(([name]) => /^_(count|since|at)$/.test(name))
    .map(([name, one]) => [name, one]);
  const linked = (page: string | undefined): string => {
    const query = new URLSearchParams(page === undefined ? kept : [...kept, ['_page', page]]).toString();
    return query === '' ? path : `${path}?${query}`;
  };
  const bundle: Bundle = {
    resourceType: 'Bundle',
    type: 'history',
    link: [{ relation: 'self', url: linked(token) }],
  };
  if (found.next !== undefined) {
    bundle.link!.push({ relation: 'next', url: linked(pages.seal(list, found.next, principal)) });
  }
  return bundleAnswer(bundleText(bundle, await inTurns(found.entries, (record) => entryOf(record, base))));
}

/** As JSON text; the resource is the text that is stored. */
function entryOf(record: StoredRecord, base: string): string {
  const { resourceType, id, version, method } = record;
  const status = method === 'DELETE' ? '204 No Content' : method === 'POST' || version === 1 ? '201 Created' : '200 OK';
  const fullUrl = JSON.stringify(`${base}/${resourceType}/${id}`);
  const rest: BundleEntry = {
    request: { method, url: method === 'POST' ? resourceType : `${resourceType}/${id}` },
    response: { status, etag: entityTag(version), lastModified: record.lastUpdated.toISOString() },
  };
  const resource = record.json === undefined ? '' : `"resource":${record.json},`;
  return `{"fullUrl":${fullUrl},${resource}${JSON.stringify(rest).slice(1)}`;
}

function countIn(written: string | undefined): number {
  if (written === undefined || written === '') return defaultCount;
  if (!/^\d{1,9}$/.test(written)) throw new Problem('value', '_count must be a whole number');
  return Math.max(1, Math.min(Number(written), maxCount));
}

/** A FHIR instant, or the beginning of a partial date at the site (FHIR http.html#history). */
function instant(name: string, written: string | undefined, timeZone: string): Date | undefined {
  if (written === undefined || written === '') return undefined;
  const covered = dateInterval(written, timeZone);
  if (!covered) throw new Problem('value', `${name} must be an instant`);
  return new Date(covered.low);
}

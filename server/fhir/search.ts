/** search-type, search-system and compartment search (FHIR search.html): the Bundle and its links. */
import type { Bundle, BundleEntry, ResourceType } from '@medplum/fhirtypes';
import type { SearchPage, StoredRecord } from '../core/ports.ts';
import { Problem } from '../core/problem.ts';
import { parseSearch, type ParsedSearch } from '../core/records/parse-search.ts';
import { search as searchRecords } from '../core/records/read.ts';
import { subset } from '../core/records/subset.ts';
import { compartmentWorld } from './compartment.ts';
import { readOptions, typeIn, type Answer, type Exchange } from './exchange.ts';
import { outcomeOf, warning } from './outcome.ts';
import type { PageTokens } from './page-token.ts';

export interface SearchRequest {
  /** One type; several for a search of the system, which gives them one after another. */
  types: ResourceType[];
  parameters: [name: string, value: string][];
  /** Only what lies in this patient's compartment. */
  patient?: string;
  /** Where the page starts: index into `types`, and the store's cursor in that type. */
  from?: { type: number; after?: string };
}

const pageParameter = '_page';

/**
 * @param path relative to the base: `Patient`, `Patient/1/Observation`, or empty for the system
 */
export async function search(
  exchange: Exchange,
  asked: SearchRequest,
  path: string,
  strict: boolean,
  tokens: PageTokens,
): Promise<Answer> {
  const token = asked.parameters.find(([name]) => name === pageParameter)?.[1];
  const request = token === undefined ? asked : continued(tokens.open(token, exchange.principal), asked);
  const at = request.from?.type ?? 0;
  const type = request.types[at] ?? request.types[0]!;
  const parsed = parseSearch(type, request.parameters, { strict });
  if (request.from?.after !== undefined) parsed.query.after = request.from.after;
  const world =
    request.patient === undefined ? exchange.world : await compartmentWorld(exchange, request.patient, type);
  const queryString = new URLSearchParams(request.parameters).toString();
  const page = await searchRecords(world, exchange.principal, parsed.query, readOptions(exchange, queryString));
  const next = nextPage(request, at, page);
  const more = parsed.countOnly && request.types.length > 1 ? await countRest(exchange, request, strict) : 0;
  const bundle = bundleOf(exchange, parsed, { ...page, ...(page.total !== undefined && { total: page.total + more }) });
  const base = `${exchange.world.settings.fhirBaseUrl}${path === '' ? '/' : `/${path}`}`;
  bundle.link = [{ relation: 'self', url: address(base, selfParameters(request, parsed, token)) }];
  if (next && !parsed.countOnly) {
    bundle.link.push({
      relation: 'next',
      url: address(base, [[pageParameter, tokens.seal(next, exchange.principal)]]),
    });
  }
  return { status: 200, resource: bundle, headers: { 'Cache-Control': 'no-store' } };
}

/** Types of a system search. @throws Problem `too-costly` without `_type`: everything of everything is no question. */
export function typesIn(parameters: [string, string][]): { types: ResourceType[]; rest: [string, string][] } {
  const written = parameters.filter(([name]) => name === '_type').flatMap(([, value]) => value.split(','));
  if (written.length === 0 && parameters.some(([name]) => name === pageParameter))
    return { types: ['Patient'], rest: parameters };
  if (written.length === 0) throw new Problem('too-costly', 'A search of all types needs _type');
  return {
    types: [...new Set(written)].map((type) => typeIn(type)),
    rest: parameters.filter(([name]) => name !== '_type'),
  };
}

function continued(opened: unknown, asked: SearchRequest): SearchRequest {
  const request = opened as SearchRequest;
  const samePlace =
    asked.patient === request.patient &&
    (asked.types.length !== 1 || request.types.length > 1 || asked.types[0] === request.types[0]);
  if (!samePlace) throw new Problem('value', 'The page belongs to another search');
  return request;
}

function nextPage(request: SearchRequest, at: number, page: SearchPage): SearchRequest | undefined {
  if (page.next !== undefined) return { ...request, from: { type: at, after: page.next } };
  return at + 1 < request.types.length ? { ...request, from: { type: at + 1 } } : undefined;
}

async function countRest(exchange: Exchange, request: SearchRequest, strict: boolean): Promise<number> {
  let total = 0;
  for (const type of request.types.slice(1)) {
    const { query } = parseSearch(type, request.parameters, { strict });
    total += (await searchRecords(exchange.world, exchange.principal, query, readOptions(exchange))).total ?? 0;
  }
  return total;
}

function bundleOf(exchange: Exchange, parsed: ParsedSearch, page: SearchPage): Bundle {
  const base = exchange.world.settings.fhirBaseUrl;
  const entryOf = (record: StoredRecord, mode: 'match' | 'include'): BundleEntry => ({
    fullUrl: `${base}/${record.resourceType}/${record.id}`,
    resource: subset(record.resource!, parsed.summary, mode === 'match' ? parsed.elements : undefined),
    search: { mode },
  });
  const issues = parsed.warnings.map((words) => warning(words));
  if (page.truncated) issues.push(warning('Not all included resources are here: there are too many', 'incomplete'));
  const entry: BundleEntry[] = parsed.countOnly
    ? []
    : [...page.matches.map((one) => entryOf(one, 'match')), ...page.included.map((one) => entryOf(one, 'include'))];
  if (issues.length > 0) entry.push({ resource: outcomeOf(issues), search: { mode: 'outcome' } });
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(page.total !== undefined && { total: page.total }),
    ...(entry.length > 0 && { entry }),
  };
}

function selfParameters(request: SearchRequest, parsed: ParsedSearch, token: string | undefined): [string, string][] {
  const types: [string, string][] = request.types.length > 1 ? [['_type', request.types.join(',')]] : [];
  return [
    ...types,
    ...parsed.applied,
    ...(token === undefined ? [] : ([[pageParameter, token]] as [string, string][])),
  ];
}

function address(base: string, parameters: [string, string][]): string {
  return parameters.length === 0 ? base : `${base}?${new URLSearchParams(parameters).toString()}`;
}

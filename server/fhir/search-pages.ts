/** What all searches do (FHIR search.html): which records, type by type and page by page. */
import type { ResourceType } from '@medplum/fhirtypes';
import type { StoredRecord } from '../core/records/record-store.ts';
import { Problem } from '../core/problem.ts';
import { parseSearch } from '../core/search/parse-search.ts';
import { search as searchRecords } from '../core/records/read.ts';
import { bundleAnswer } from './bundle-text.ts';
import { requirePatient } from './compartment.ts';
import { readOptions, type Answer, type ReadExchange } from './exchange.ts';
import { searchBundle, type FoundPage } from './search-bundle.ts';

export interface SearchRequest {
  /** One type; several are given one after another. */
  types: ResourceType[];
  parameters: [name: string, value: string][];
  /** Only what lies in this patient's compartment. */
  patient?: string;
  /** With what the compartment refers to: devices, endpoints, practitioners (`$everything`). */
  everything?: boolean;
  /** Where the page starts: index into `types`, and the store's cursor in that type. */
  from?: { type: number; after?: string };
}

interface Found extends FoundPage {
  /** Where the next page starts. */
  next?: SearchRequest['from'];
}

export const pageParameter = '_page';

/**
 * One page, the first or that of a token.
 * @param path relative to the base: `Patient`, `Patient/1/Observation`, or empty for the system
 * @throws Problem `value` for the page of another search, and whatever parsing and reading say.
 */
export async function searchPages(
  exchange: ReadExchange,
  asked: SearchRequest,
  path: string,
  strict: boolean,
): Promise<Answer> {
  const { pages, principal } = exchange;
  const list = `search ${path}`;
  const token = asked.parameters.find(([name]) => name === pageParameter)?.[1];
  const request = token === undefined ? asked : (pages.open(list, token, principal) as SearchRequest);
  if (request.patient !== undefined) await requirePatient(exchange, request.patient);
  const found = await gather(exchange, request, strict);
  const base = `${exchange.world.settings.fhirBaseUrl}${path === '' ? '/' : `/${path}`}`;
  const types: [string, string][] =
    request.types.length > 1 && request.patient === undefined ? [['_type', request.types.join(',')]] : [];
  const page: [string, string][] = token === undefined ? [] : [[pageParameter, token]];
  const self = address(base, [...types, ...found.parsed.applied, ...page]);
  const next =
    found.next && address(base, [[pageParameter, pages.seal(list, { ...request, from: found.next }, principal)]]);
  return bundleAnswer(await searchBundle(exchange.world.settings.fhirBaseUrl, found, self, next));
}

/** Goes through the types until the page is full. */
async function gather(exchange: ReadExchange, request: SearchRequest, strict: boolean): Promise<Found> {
  const queryString = new URLSearchParams(request.parameters).toString();
  const start = request.from?.type ?? 0;
  let after = request.from?.after;
  let found: Found | undefined;
  for (let at = start; at < request.types.length; at++) {
    const type = request.types[at]!;
    const parsed = parseSearch(type, request.parameters, { strict });
    const query = { ...parsed.query, ...(after !== undefined && { after }) };
    if (!parsed.countOnly) query.count -= found?.matches.length ?? 0;
    if (request.everything) query.include = [{ type, parameter: '*', iterate: false }];
    const page = await searchRecords(exchange.world, exchange.principal, query, {
      ...readOptions(exchange, queryString),
      ...(request.patient !== undefined && { inCompartmentOf: request.patient }),
    });
    found ??= { matches: [], included: [], truncated: false, parsed };
    found.matches.push(...page.matches);
    found.included.push(...page.included);
    found.truncated ||= page.truncated ?? false;
    if (page.total !== undefined && (request.types.length === 1 || parsed.countOnly))
      found.total = (found.total ?? 0) + page.total;
    if (page.next !== undefined) return finished(request, { ...found, next: { type: at, after: page.next } });
    if (!parsed.countOnly && found.matches.length >= parsed.query.count && at + 1 < request.types.length) {
      return finished(request, { ...found, next: { type: at + 1 } });
    }
    after = undefined;
  }
  if (!found) throw new Problem('value', 'The page is not known; start the search again');
  return finished(request, found);
}

/** Each record once; of a patient's everything, nothing that is about somebody else. */
function finished({ patient, everything }: SearchRequest, found: Found): Found {
  const met = new Set(found.matches.map(nameOf));
  const included = found.included.filter((record) => {
    if (everything && record.patients?.length && !record.patients.includes(patient ?? '')) return false;
    if (met.has(nameOf(record))) return false;
    met.add(nameOf(record));
    return true;
  });
  return { ...found, included };
}

const nameOf = ({ resourceType, id }: StoredRecord): string => `${resourceType}/${id}`;

function address(base: string, parameters: [string, string][]): string {
  return parameters.length === 0 ? base : `${base}?${new URLSearchParams(parameters).toString()}`;
}

/** Bundles posted to the base, and how their GET entries are answered (FHIR http.html#transaction). */
import type { BundleEntry } from '@medplum/fhirtypes';
import { Problem } from '../core/problem.ts';
import { applyBatch, applyTransaction, type BundleFace } from '../core/records/apply-bundle.ts';
import type { BundleRequest } from '../core/records/bundle-entries.ts';
import { parseQueryString } from '../core/search/query-string.ts';
import { traceOf } from '../core/trace.ts';
import { everything } from './everything.ts';
import { idIn, typeIn, type Answer, type Preferences, type Exchange, type ReadExchange } from './exchange.ts';
import { history } from './history.ts';
import { information, outcomeOf, refusal } from './outcome.ts';
import { read, vread } from './read.ts';
import { searchCompartment, searchSystem, searchType } from './search.ts';
import { validateOperation } from './validate-operation.ts';

/** Characters of JSON that the reads of one Bundle may give: a thousand searches of a thousand records would be gigabytes. */
const longestReads = 4 << 20;
const tooMuchRead = (): Problem =>
  new Problem('too-costly', 'The reads of this Bundle give more than one answer may hold; ask in several requests.');

/** @throws Problem `value` for a Bundle of another type; for a transaction, whatever made it fail. */
export async function applyBundle(
  exchange: Exchange,
  bundle: Record<string, unknown>,
  preferences: Preferences,
  onRefused: (error: unknown, status: number) => void,
): Promise<Answer> {
  if (bundle['resourceType'] !== 'Bundle') {
    throw new Problem('structure', 'Only a Bundle may be posted to the base', { expression: 'resourceType' });
  }
  const { world, principal } = exchange;
  let left = longestReads;
  const face: BundleFace = {
    principal,
    ...traceOf(exchange),
    ...(exchange.signal && { signal: exchange.signal }),
    respond: async (inside, request) => {
      if (left < 0) throw tooMuchRead();
      const answer = await respond({ ...exchange, world: { ...inside, checker: world.checker } }, request);
      left -= answer.json?.length ?? 0;
      if (left < 0) throw tooMuchRead();
      return answer;
    },
    refused: (error) => {
      const refused = refusal(error);
      onRefused(error, refused.status);
      return refused;
    },
  };
  const apply =
    bundle['type'] === 'batch' ? applyBatch : bundle['type'] === 'transaction' ? applyTransaction : undefined;
  if (!apply)
    throw new Problem('value', 'The Bundle must be of type batch or transaction', { expression: 'Bundle.type' });
  const answered = await apply(world, bundle, face);
  return {
    status: 200,
    resource: { ...answered, entry: answered.entry!.map((entry) => preferredEntry(entry, preferences)) },
  };
}

/** `Prefer: return=...` for the changes of a Bundle; what was read is always given. */
function preferredEntry(entry: BundleEntry, preferences: Preferences): BundleEntry {
  const changed = entry.response?.location !== undefined;
  if (!changed || preferences.return === 'representation') return entry;
  const { resource: _left, ...rest } = entry;
  if (preferences.return === 'minimal') return rest;
  return { ...rest, response: { ...entry.response!, outcome: outcomeOf([information('Done.')]) } };
}

/** The addresses that a GET entry may name: those of the face, relative to its base. */
async function respond(exchange: ReadExchange, request: BundleRequest): Promise<Answer> {
  const [path = '', query = ''] = split(request.url);
  const parameters = parseQueryString(query);
  const [type, id, third, fourth, ...more] = path === '' ? [] : path.split('/');
  if (more.length > 0) throw noSuchAddress();
  if (request.method === 'POST') {
    const operation = [id, third].find((part) => part?.startsWith('$')) ?? type;
    if (operation !== '$validate' || !request.resource) throw noSuchAddress();
    return validateOperation(
      exchange,
      type === '$validate' ? undefined : typeIn(type),
      third === '$validate' ? idIn(id) : undefined,
      request.resource,
      parameters,
    );
  }
  if (type === undefined) return searchSystem(exchange, parameters, false);
  if (type === '_history' && id === undefined) return history(exchange, {}, parameters);
  const known = typeIn(type);
  if (id === undefined) return searchType(exchange, known, parameters, false);
  if (id === '_history' && third === undefined) return history(exchange, { type: known }, parameters);
  const record = idIn(id);
  const conditions = {
    ...(request.ifNoneMatch && { ifNoneMatch: request.ifNoneMatch }),
    ...(request.ifModifiedSince && { ifModifiedSince: request.ifModifiedSince }),
  };
  if (third === undefined) return read(exchange, known, record, parameters, conditions);
  if (third !== '_history') {
    if (known !== 'Patient' || fourth !== undefined) throw noSuchAddress();
    if (third === '$everything') return everything(exchange, record, parameters);
    return searchCompartment(exchange, record, third, parameters, false);
  }
  return fourth === undefined
    ? history(exchange, { type: known, id: record }, parameters)
    : vread(exchange, known, record, fourth, conditions);
}

function split(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

const noSuchAddress = (): Problem => new Problem('not-found', 'The server has no such address');

/** The entries of a batch or transaction Bundle, read and checked (FHIR http.html#transaction). */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Change, Target } from './change.ts';
import { ifMatchVersion } from './entity-tag.ts';
import { parseJson } from '../r4/parse-json.ts';
import type { Patch } from '../patch/patch.ts';
import { resourceTypes } from '../r4/structure.ts';

type Node = Record<string, unknown>;

/** A read-like entry (GET, HEAD, an operation), answered by the face that knows addresses. */
export interface BundleRequest {
  method: 'GET' | 'HEAD' | 'POST';
  /** Relative to the base: `Patient/1?_elements=name`. */
  url: string;
  resource?: Node;
  ifNoneMatch?: string;
  ifModifiedSince?: string;
}

export interface Entry {
  index: number;
  fullUrl: string | undefined;
  action: { change: Change } | { request: BundleRequest };
}

const maxEntries = 1000;

/** @throws Problem `structure` when the Bundle has no list of entries, `too-costly` when it is too long. */
export function entriesOf(bundle: Node): unknown[] {
  const entries = bundle['entry'] ?? [];
  if (!Array.isArray(entries))
    throw new Problem('structure', 'The entries must be an array', { expression: 'Bundle.entry' });
  if (entries.length > maxEntries) throw new Problem('too-costly', `A Bundle may have ${maxEntries} entries at most`);
  return entries as unknown[];
}

/** @throws Problem `structure`, `required`, `value` naming the entry. */
export function parseEntry(value: unknown, index: number, baseUrl: string): Entry {
  const expression = `Bundle.entry[${index}]`;
  if (!isNode(value)) throw new Problem('structure', 'An entry must be an object', { expression });
  const request = value['request'];
  if (!isNode(request))
    throw new Problem('required', 'The entry needs a request', { expression: `${expression}.request` });
  const { method, url: written } = request;
  if (typeof method !== 'string' || !methods.has(method)) {
    throw new Problem('value', 'The method must be GET, HEAD, POST, PUT, PATCH or DELETE', {
      expression: `${expression}.request.method`,
    });
  }
  if (typeof written !== 'string')
    throw new Problem('required', 'The request needs a url', { expression: `${expression}.request.url` });
  const url = written.startsWith(`${baseUrl}/`) ? written.slice(baseUrl.length + 1) : written.replace(/^\//, '');
  const fullUrl = typeof value['fullUrl'] === 'string' ? value['fullUrl'] : undefined;
  try {
    return { index, fullUrl, action: actionOf(method, url, value['resource'], request) };
  } catch (error) {
    throw error instanceof Problem ? atEntry(error, index) : error;
  }
}

/** The same problem, told from the Bundle's side. */
export function atEntry(problem: Problem, index: number): Problem {
  if (problem.expression?.startsWith('Bundle.entry[')) return problem;
  return new Problem(problem.code, `Entry ${index}: ${problem.message}`, {
    expression: `Bundle.entry[${index}]`,
    cause: problem,
    ...(problem.retryAfter !== undefined && { retryAfter: problem.retryAfter }),
  });
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function actionOf(method: string, url: string, resource: unknown, request: Node): Entry['action'] {
  const [path = '', ...queries] = url.split('?');
  const query = queries.join('?');
  const [type = '', id, ...more] = path.split('/');
  if (method === 'GET' || method === 'HEAD' || (method === 'POST' && /(^|\/)[$_]/.test(path))) {
    return { request: readLike(method, url, resource, request) };
  }
  if (!resourceTypes.has(type)) throw new Problem('not-supported', 'The url does not name an R4 resource type');
  if (more.length > 0 || (method === 'POST' && id !== undefined))
    throw new Problem('not-supported', `The url does not fit the method ${method}`);
  const known = type as ResourceType;
  const version = ifMatchVersion(text(request['ifMatch']));
  const match = version === undefined ? {} : { ifMatch: version };
  if (method === 'POST') {
    const ifNoneExist = text(request['ifNoneExist']);
    return {
      change: {
        kind: 'create',
        type: known,
        resource: needed(resource),
        ...(ifNoneExist !== undefined && { ifNoneExist: bare(ifNoneExist) }),
      },
    };
  }
  const target = targetOf(id, query);
  if (method === 'DELETE') return { change: { kind: 'delete', type: known, target, ...match } };
  if (method === 'PUT')
    return {
      change: {
        kind: 'update',
        type: known,
        target,
        resource: needed(resource),
        ...match,
        ...(text(request['ifNoneMatch']) === '*' && { mustBeNew: true }),
      },
    };
  return { change: { kind: 'patch', type: known, target, patch: patchOf(needed(resource)), ...match } };
}

function readLike(method: string, url: string, resource: unknown, request: Node): BundleRequest {
  const ifNoneMatch = text(request['ifNoneMatch']);
  const ifModifiedSince = text(request['ifModifiedSince']);
  return {
    method: method as BundleRequest['method'],
    url,
    ...(isNode(resource) && { resource }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(ifModifiedSince !== undefined && { ifModifiedSince }),
  };
}

function targetOf(id: string | undefined, query: string): Target {
  if (id !== undefined && id !== '') return { id };
  if (query === '') throw new Problem('value', 'The url needs an id or criteria');
  return { criteria: query };
}

/** `ifNoneExist` is the query alone, but `Patient?identifier=x` and `?identifier=x` are often sent. */
const bare = (criteria: string): string => criteria.slice(criteria.indexOf('?') + 1);

function needed(resource: unknown): Node {
  if (!isNode(resource)) throw new Problem('required', 'The entry needs a resource');
  return resource;
}

/** Of base64. It is parsed in one go, and no sensible patch is as long. */
const longestPatch = 1 << 20;

/** JSON Patch travels as a Binary (FHIR http.html#patch), FHIRPath Patch as Parameters. */
function patchOf(resource: Node): Patch {
  if (resource['resourceType'] === 'Parameters') return { kind: 'fhirpath', parameters: resource as never };
  const data = resource['data'];
  if (
    resource['resourceType'] !== 'Binary' ||
    typeof data !== 'string' ||
    !/^application\/json-patch\+json/.test(String(resource['contentType']))
  ) {
    throw new Problem('value', 'A PATCH entry carries Parameters, or a Binary of application/json-patch+json');
  }
  if (data.length > longestPatch) throw new Problem('too-long', 'The patch of an entry is too long');
  try {
    return {
      kind: 'json',
      operations: parseJson(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(data, 'base64'))),
    };
  } catch (error) {
    throw new Problem('structure', 'The patch in the Binary is not JSON', { cause: error });
  }
}

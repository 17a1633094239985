/** A thin, typed FHIR R4 client (FHIR http.html): exactly the interactions that the pages use. */
import type { Bundle, ParametersParameter, Resource, ResourceType } from '@medplum/fhirtypes';
import { jsonOf, type AuthorizedFetch } from './http.ts';

export type SearchParameters = Record<string, string | number | readonly string[] | undefined>;

/** RFC 6902; only the operations that this client sends. */
export type PatchOperation =
  { op: 'add' | 'replace' | 'test'; path: string; value: unknown } | { op: 'remove'; path: string };

export interface FhirClient {
  search(type: ResourceType, parameters: SearchParameters, signal?: AbortSignal): Promise<Bundle>;
  /** Follows a Bundle's `next` link. */
  page(link: string, signal?: AbortSignal): Promise<Bundle>;
  /** How many match, by `_summary=count`; nothing else is transferred. */
  count(type: ResourceType, parameters: SearchParameters, signal?: AbortSignal): Promise<number>;
  read<T extends Resource>(type: T['resourceType'], id: string, signal?: AbortSignal): Promise<T>;
  /** Changes one version: `version` becomes If-Match. @throws RequestFailure `changed-elsewhere` if it is not current. */
  patch<T extends Resource>(resource: T, operations: PatchOperation[]): Promise<T>;
  /** An operation of the server (FHIR operations.html) on one record; gives what it answers. */
  operation<T extends Resource>(
    on: { type: ResourceType; id: string },
    name: string,
    parameters: ParametersParameter[],
  ): Promise<T>;
  /** All versions, newest first. */
  history(type: ResourceType, id: string, signal?: AbortSignal): Promise<Bundle>;
  /** A Binary's bytes, in its own content type. `url` may be absolute or `Binary/id`. */
  binary(url: string, contentType: string): Promise<Blob>;
}

export const fhirJson = 'application/fhir+json';

export function fhirClient(send: AuthorizedFetch, base: string): FhirClient {
  const get = async <T>(url: string, signal?: AbortSignal): Promise<T> =>
    jsonOf<T>(await send(url, { headers: { Accept: fhirJson }, signal }));

  return {
    search: (type, parameters, signal) => get(`${base}/${type}?${queryString(parameters)}`, signal),
    page: (link, signal) => get(withinBase(link, base), signal),
    async count(type, parameters, signal) {
      const bundle = await get<Bundle>(`${base}/${type}?${queryString({ ...parameters, _summary: 'count' })}`, signal);
      return bundle.total ?? 0;
    },
    read: (type, id, signal) => get(`${base}/${type}/${encodeURIComponent(id)}`, signal),
    async patch(resource, operations) {
      const response = await send(`${base}/${resource.resourceType}/${encodeURIComponent(resource.id ?? '')}`, {
        method: 'PATCH',
        headers: {
          Accept: fhirJson,
          'Content-Type': 'application/json-patch+json',
          Prefer: 'return=representation',
          'If-Match': `W/"${resource.meta?.versionId ?? ''}"`,
        },
        body: JSON.stringify(operations),
      });
      return jsonOf(response);
    },
    async operation({ type, id }, name, parameter) {
      const response = await send(`${base}/${type}/${encodeURIComponent(id)}/$${name}`, {
        method: 'POST',
        headers: { Accept: fhirJson, 'Content-Type': fhirJson },
        body: JSON.stringify({ resourceType: 'Parameters', parameter }),
      });
      return jsonOf(response);
    },
    history: (type, id, signal) => get(`${base}/${type}/${encodeURIComponent(id)}/_history?_count=100`, signal),
    async binary(url, contentType) {
      const response = await send(withinBase(url, base), { headers: { Accept: contentType }, timeout: 60_000 });
      return response.blob();
    },
  };
}

/** FHIR search parameters in a stable order; a list repeats the parameter (AND), undefined is left out. */
export function queryString(parameters: SearchParameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    const values = typeof value === 'object' ? value : [String(value)];
    for (const each of values) query.append(name, each);
  }
  return query.toString();
}

/**
 * Resolves a link that the server gave us, and refuses to send the token anywhere but our own FHIR base:
 * a stored reference may name any host.
 */
export function withinBase(link: string, base: string): string {
  const root = new URL(`${base}/`, globalThis.location?.href);
  const target = new URL(link, root);
  // Page links of whole-system searches are the base itself with a query.
  if (target.origin !== root.origin || !`${target.pathname}/`.startsWith(root.pathname)) {
    throw new TypeError('The link leads outside this server.');
  }
  return target.href;
}

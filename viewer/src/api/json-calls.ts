/** JSON in, JSON out: how the pages talk to the routes that are only ours (`/portal`). */
import { queryString, type SearchParameters } from './fhir.ts';
import { jsonOf, type AuthorizedFetch, type RequestOptions } from './http.ts';

export interface JsonCalls {
  get<T>(path: string, parameters?: SearchParameters, signal?: AbortSignal): Promise<T>;
  /** Sends a change; what comes back without a body is undefined. */
  send<T = void>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T>;
}

export function jsonCalls(fetch: AuthorizedFetch, base: string): JsonCalls {
  const accept = { Accept: 'application/json' };
  return {
    async get(path, parameters = {}, signal) {
      const query = queryString(parameters);
      return jsonOf(await fetch(`${base}${path}${query === '' ? '' : `?${query}`}`, { headers: accept, signal }));
    },
    async send<T>(method: NonNullable<RequestOptions['method']>, path: string, body?: object) {
      const response = await fetch(base + path, {
        method,
        headers: { ...accept, ...(body && { 'Content-Type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) }),
      });
      return (response.status === 204 ? undefined : await jsonOf<T>(response)) as T;
    },
  };
}

/** An id as one part of a path. */
export const part = (id: string): string => encodeURIComponent(id);

/** Application entities that speak DIMSE with the server (`/portal/remote-aes`). */
import { useConnection } from './connection.ts';
import { authorizedFetch, type AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export const aePermissions = ['echo', 'store', 'find', 'move', 'get'] as const;
export type AePermission = (typeof aePermissions)[number];

/** What somebody enters. */
export interface RemoteAeFacts {
  title: string;
  name: string;
  /** Addresses and ranges that it calls from. */
  addresses: string[];
  /** Where it listens. */
  host?: string;
  port?: number;
  tls: boolean;
  /** SHA-256 of its certificate. */
  fingerprint?: string;
  may: AePermission[];
  disabled: boolean;
}

export interface RemoteAe extends RemoteAeFacts {
  id: string;
  /** Goes up with each change. */
  version: number;
  createdAt: string;
  lastContactAt?: string;
  registeredBy?: string;
}

export interface RemoteAesClient {
  list(signal?: AbortSignal): Promise<{ aes: RemoteAe[]; total: number }>;
  register(facts: RemoteAeFacts): Promise<RemoteAe>;
  /** @throws RequestFailure `conflict` if it has another version by now. */
  change(id: string, facts: RemoteAeFacts, version: number): Promise<RemoteAe>;
  remove(id: string): Promise<unknown>;
  /** Sends C-ECHO to it; what came of it in a sentence. */
  echo(id: string): Promise<{ ok: boolean; text: string; ms?: number }>;
}

function remoteAesClient(fetch: AuthorizedFetch, origin: string): RemoteAesClient {
  const { get, send } = jsonCalls(fetch, origin);
  const base = '/portal/remote-aes';
  return {
    list: (signal) => get(base, {}, signal),
    register: (facts) => send('POST', base, facts),
    change: (id, facts, version) => send('PUT', `${base}/${part(id)}`, { ...facts, version }),
    remove: (id) => send('DELETE', `${base}/${part(id)}`),
    echo: (id) => send('POST', `${base}/${part(id)}/echo`),
  };
}

/** For its one page: what everybody loads has no room for it. */
export function useRemoteAes(): RemoteAesClient {
  return remoteAesClient(authorizedFetch(useConnection().tokens), location.origin);
}

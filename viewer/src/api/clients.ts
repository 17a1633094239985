/** Other systems: the registry of SMART clients (`/portal/clients`), and the apps that can be launched from here. */
import type { AuthorizedFetch } from './http.ts';
import { jsonCalls, part } from './json-calls.ts';

export const clientKinds = ['public-app', 'confidential-app', 'backend', 'sender'] as const;
export type ClientKind = (typeof clientKinds)[number];
export type ClientMethod = 'none' | 'client_secret_basic' | 'private_key_jwt';
export interface KeySet {
  keys: Record<string, unknown>[];
}

/** What somebody enters. */
export interface ClientFacts {
  name: string;
  kind: ClientKind;
  method: ClientMethod;
  redirectUris: string[];
  launchUri?: string;
  logoUri?: string;
  scope: string;
  jwks?: KeySet;
  jwksUri?: string;
  mayIntrospect: boolean;
}

export interface Client extends ClientFacts {
  id: string;
  disabled: boolean;
  /** Part of this server: nothing of it can be changed here. */
  ours: boolean;
  /** Goes up with each change. */
  version: number;
  createdAt: string;
  lastUsedAt?: string;
  registeredBy?: string;
}

export interface CheckedKey {
  kid?: string;
  /** `RSA 3072`, `EC P-384`. */
  kind: string;
  alg?: string;
  /** What is wrong with it. */
  fault?: string;
}

export interface KeysCheck {
  ok: boolean;
  /** The result in a sentence. */
  text: string;
  keys: CheckedKey[];
}

export interface InitialToken {
  id: string;
  name: string;
  scope: string;
  createdAt: string;
  endsAt: string;
  usesLeft: number;
  createdBy?: string;
}

export interface NewInitialToken {
  name: string;
  scope: string;
  days: number;
  uses: number;
}

export interface LaunchableApp {
  id: string;
  name: string;
  logoUri?: string;
}

export interface LaunchContext {
  patient?: string;
  encounter?: string;
  imagingStudy?: string;
}

export interface ClientsClient {
  list(signal?: AbortSignal): Promise<{ clients: Client[]; total: number }>;
  /** @param facts.id what the server's settings name it by; made by the server without one. */
  register(facts: ClientFacts & { id?: string }): Promise<{ client: Client; secret?: string }>;
  /** @throws RequestFailure `conflict` if it has another version by now. */
  change(id: string, facts: ClientFacts, version: number): Promise<Client>;
  turn(id: string, to: 'disable' | 'enable'): Promise<unknown>;
  /** A new secret, shown once; the one before is good for a day, or ends at once. */
  newSecret(id: string, atOnce: boolean): Promise<{ secret: string }>;
  checkKeys(id: string): Promise<KeysCheck>;
  remove(id: string): Promise<unknown>;
  tokens(signal?: AbortSignal): Promise<{ tokens: InitialToken[]; total: number }>;
  issueToken(token: NewInitialToken): Promise<{ token: string }>;
  revokeToken(id: string): Promise<unknown>;
  apps(signal?: AbortSignal): Promise<{ apps: LaunchableApp[] }>;
  /** Prepares a launch; the address is good once and for some minutes. */
  launch(client: string, context: LaunchContext): Promise<{ url: string }>;
}

export function clientsClient(fetch: AuthorizedFetch, origin: string): ClientsClient {
  const { get, send } = jsonCalls(fetch, origin);
  const clients = '/portal/clients';
  return {
    list: (signal) => get(clients, {}, signal),
    register: (facts) => send('POST', clients, facts),
    change: (id, facts, version) => send('PUT', `${clients}/${part(id)}`, { ...facts, version }),
    turn: (id, to) => send('POST', `${clients}/${part(id)}/${to}`),
    newSecret: (id, atOnce) => send('POST', `${clients}/${part(id)}/secret?atOnce=${String(atOnce)}`),
    checkKeys: (id) => send('POST', `${clients}/${part(id)}/check-keys`),
    remove: (id) => send('DELETE', `${clients}/${part(id)}`),
    tokens: (signal) => get(`${clients}/tokens`, {}, signal),
    issueToken: (token) => send('POST', `${clients}/tokens`, token),
    revokeToken: (id) => send('DELETE', `${clients}/tokens/${part(id)}`),
    apps: (signal) => get('/portal/apps', {}, signal),
    launch: (client, context) => send('POST', '/smart/launch', { client, ...context }),
  };
}

/** What is entered about a system, which of it its kind needs, and what is wrong with it before the server is asked. */
import type { Client, ClientFacts, ClientKind, ClientMethod, KeySet } from '../../api/clients.ts';
import { usualScope, wordsOf } from './scope-words.ts';

export interface ClientDraft {
  kind: ClientKind;
  /** Of a service or sender: what the server's settings name it by. */
  id: string;
  name: string;
  method: ClientMethod;
  /** One address a line. */
  redirects: string;
  launchUri: string;
  logoUri: string;
  scope: string;
  keysFrom: 'jwks' | 'jwksUri';
  jwks: string;
  jwksUri: string;
  mayIntrospect: boolean;
}

/** Keys under `clients.wrong`. */
export type Fault =
  | 'required'
  | 'id'
  | 'address'
  | 'addressEach'
  | 'redirectRequired'
  | 'scopeRequired'
  | 'keysRequired'
  | 'noJson'
  | 'noKeySet'
  | 'privateKey'
  | 'noKeyId'
  | 'https';
export type DraftFaults = Partial<
  Record<'name' | 'id' | 'redirects' | 'launchUri' | 'logoUri' | 'scope' | 'jwks' | 'jwksUri', Fault>
>;

export function emptyDraft(kind: ClientKind): ClientDraft {
  return {
    kind,
    id: '',
    name: '',
    method: methodsOf(kind)[0]!,
    redirects: '',
    launchUri: '',
    logoUri: '',
    scope: usualScope[kind],
    keysFrom: 'jwksUri',
    jwks: '',
    jwksUri: '',
    mayIntrospect: false,
  };
}

export function draftOf(client: Client): ClientDraft {
  return {
    kind: client.kind,
    id: client.id,
    name: client.name,
    method: client.method,
    redirects: client.redirectUris.join('\n'),
    launchUri: client.launchUri ?? '',
    logoUri: client.logoUri ?? '',
    scope: client.scope,
    keysFrom: client.jwks ? 'jwks' : 'jwksUri',
    jwks: client.jwks ? JSON.stringify(client.jwks, null, 2) : '',
    jwksUri: client.jwksUri ?? '',
    mayIntrospect: client.mayIntrospect,
  };
}

export function methodsOf(kind: ClientKind): ClientMethod[] {
  if (kind === 'public-app') return ['none'];
  return kind === 'confidential-app' ? ['private_key_jwt', 'client_secret_basic'] : ['private_key_jwt'];
}

/** Another kind keeps the name and the keys; what belongs to the kind begins anew. */
export function asKind(draft: ClientDraft, kind: ClientKind): ClientDraft {
  const untouched = draft.scope === usualScope[draft.kind];
  const sameWorld = isApp(kind) === isApp(draft.kind);
  return {
    ...draft,
    kind,
    method: methodsOf(kind)[0]!,
    scope: untouched || !sameWorld ? usualScope[kind] : draft.scope,
  };
}

export const isApp = (kind: ClientKind): boolean => kind === 'public-app' || kind === 'confidential-app';
export const hasKeys = (draft: Pick<ClientDraft, 'method'>): boolean => draft.method === 'private_key_jwt';

const lines = (text: string) => text.split(/\s+/).filter((line) => line !== '');

/** What is sent to register; the id is chosen then only. */
export function newFactsOf(draft: ClientDraft): ClientFacts & { id?: string } {
  const id = draft.id.trim();
  return { ...factsOf(draft), ...(!isApp(draft.kind) && id !== '' && { id }) };
}

export function factsOf(draft: ClientDraft): ClientFacts {
  const app = isApp(draft.kind);
  const keys = hasKeys(draft);
  const of = (text: string) => text.trim();
  return {
    name: of(draft.name),
    kind: draft.kind,
    method: draft.method,
    redirectUris: app ? lines(draft.redirects) : [],
    scope: wordsOf(draft.scope).join(' '),
    mayIntrospect: draft.kind === 'backend' && draft.mayIntrospect,
    ...(app && of(draft.launchUri) !== '' && { launchUri: of(draft.launchUri) }),
    ...(app && of(draft.logoUri) !== '' && { logoUri: of(draft.logoUri) }),
    ...(keys && draft.keysFrom === 'jwksUri' && { jwksUri: of(draft.jwksUri) }),
    ...(keys && draft.keysFrom === 'jwks' && { jwks: JSON.parse(draft.jwks) as KeySet }),
  };
}

/** A redirect may be https, loopback, or an address scheme of a native app; the server has the last word. */
export function faultsOf(draft: ClientDraft): DraftFaults {
  const faults: DraftFaults = {};
  if (draft.name.trim() === '') faults.name = 'required';
  if (!isApp(draft.kind) && draft.id.trim() !== '' && !/^[a-z0-9][a-z0-9._-]{2,63}$/.test(draft.id.trim()))
    faults.id = 'id';
  if (wordsOf(draft.scope).length === 0) faults.scope = 'scopeRequired';
  if (isApp(draft.kind)) {
    const redirects = lines(draft.redirects);
    if (redirects.length === 0) faults.redirects = 'redirectRequired';
    else if (!redirects.every((line) => URL.canParse(line))) faults.redirects = 'addressEach';
    for (const key of ['launchUri', 'logoUri'] as const)
      if (draft[key].trim() !== '' && !isWebAddress(draft[key])) faults[key] = 'address';
  }
  if (hasKeys(draft)) {
    const fault = draft.keysFrom === 'jwks' ? keySetFault(draft.jwks) : addressFault(draft.jwksUri);
    if (fault) faults[draft.keysFrom] = fault;
  }
  return faults;
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text.trim()) && /^https?:$/.test(new URL(text.trim()).protocol);
}

function addressFault(text: string): Fault | undefined {
  if (text.trim() === '') return 'keysRequired';
  if (!isWebAddress(text)) return 'address';
  const { protocol, hostname } = new URL(text.trim());
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return protocol === 'https:' || loopback ? undefined : 'https';
}

/** A private key that somebody pastes by mistake never leaves the browser. */
export function keySetFault(text: string): Fault | undefined {
  if (text.trim() === '') return 'keysRequired';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'noJson';
  }
  const keys = (value as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) return 'noKeySet';
  const objects = keys as Record<string, unknown>[];
  if (objects.some((key) => typeof key !== 'object' || key === null)) return 'noKeySet';
  if (objects.some((key) => 'd' in key || 'k' in key || 'p' in key)) return 'privateKey';
  return objects.every((key) => typeof key.kid === 'string' && key.kid !== '') ? undefined : 'noKeyId';
}

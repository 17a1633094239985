import { Problem } from '../../problem.ts';
import type { Payload } from '../authorizations.ts';
import { applicationType, checkWebAddress, mostAddresses } from './client-addresses.ts';
import { checkKeySet } from './client-keys.ts';
import type { ClientKind, SmartClient } from './client-store.ts';
import type { KeySets } from './key-sets.ts';
import { coveredBy, isKnownScope, parseScope, splitScopes } from '../scopes.ts';

/** How a client shows that it is itself: not at all, by a secret, by a signature. */
export const clientMethods = ['none', 'client_secret_basic', 'private_key_jwt'] as const;
export type ClientMethod = (typeof clientMethods)[number];

/** What somebody wants to register, from whichever side it comes. */
export interface ClientDraft {
  name: string;
  kind: ClientKind;
  method: ClientMethod;
  redirectUris: readonly string[];
  /** Where an app is opened from our pages (SMART "EHR launch"). */
  launchUri?: string | undefined;
  logoUri?: string | undefined;
  /** The most that it can be granted; without it, whatever the person who signs in may do. */
  scope?: string | undefined;
  jwks?: unknown;
  jwksUri?: string | undefined;
  mayIntrospect?: boolean;
  /** Of an app; both by default. */
  grantTypes?: readonly string[];
  /** Further metadata of RFC 7591 that is kept as it is. */
  more?: Payload;
}

/** Further metadata of RFC 7591 2 that is kept and given back as it came. */
export const keptMetadata = [
  'client_uri',
  'contacts',
  'tos_uri',
  'policy_uri',
  'software_id',
  'software_version',
  'post_logout_redirect_uris',
] as const;

const appGrants = ['authorization_code', 'refresh_token'];
const longestName = 100;
const longestScope = 8000;

/**
 * The registration that a draft asks for: the one set of rules for the administrators' page, for dynamic registration and
 * for what the configuration brings along.
 *
 * @throws Problem `value`, `required` or `invariant`, with the field in `expression`.
 */
export function registrationOf(
  draft: ClientDraft,
  keys: Pick<KeySets, 'check'>,
): Pick<SmartClient, 'metadata' | 'allowedScope' | 'mayIntrospect'> & { kind: ClientKind } {
  const { kind, method } = draft;
  const isService = kind === 'backend' || kind === 'sender';
  checkName(draft.name);
  checkMethod(kind, method);
  if (draft.mayIntrospect && kind === 'public-app')
    throw new Problem('invariant', 'mayIntrospect: a public app cannot show that it is itself; only clients with a secret or keys may ask about tokens of others.', { expression: 'mayIntrospect' }); // prettier-ignore
  if (isService) mustHaveNoPeople(draft);
  else checkAppAddresses(draft);
  if (draft.scope !== undefined) checkScope(draft.scope, isService);
  else if (isService) throw new Problem('required', 'scope: a service needs its scopes (system/...).', { expression: 'scope' }); // prettier-ignore
  const metadata: Payload = {
    ...draft.more,
    client_name: draft.name.trim(),
    token_endpoint_auth_method: method,
    ...(isService
      ? { redirect_uris: [], grant_types: ['client_credentials'], response_types: [] }
      : {
          application_type: applicationType(draft.redirectUris),
          redirect_uris: [...new Set(draft.redirectUris)],
          grant_types: [...(draft.grantTypes ?? appGrants)],
          response_types: ['code'],
          ...(draft.launchUri !== undefined && { initiate_login_uri: draft.launchUri }),
        }),
    ...(draft.logoUri !== undefined && { logo_uri: draft.logoUri }),
    ...keysOf(draft, keys),
  };
  return {
    kind,
    metadata,
    ...(draft.scope !== undefined && { allowedScope: splitScopes(draft.scope).join(' ') }),
    mayIntrospect: draft.mayIntrospect ?? false,
  };
}

function checkName(name: string): void {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > longestName || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(trimmed))
    throw new Problem('value', `name: people read it when they are asked for access: 1 to ${longestName} characters, none invisible.`, { expression: 'name' }); // prettier-ignore
}

/** A public app has nothing to show, a service signs (SMART 2.2 "Backend Services"). */
const methodsOf: Record<ClientKind, readonly ClientMethod[]> = {
  'public-app': ['none'],
  'confidential-app': ['client_secret_basic', 'private_key_jwt'],
  backend: ['private_key_jwt'],
  sender: ['private_key_jwt'],
};

function checkMethod(kind: ClientKind, method: ClientMethod): void {
  if (methodsOf[kind].includes(method)) return;
  throw new Problem('invariant', `method: the kind ${kind} has ${methodsOf[kind].join(' or ')}.`, { expression: 'method' }); // prettier-ignore
}

function mustHaveNoPeople({ redirectUris, launchUri }: ClientDraft): void {
  if (redirectUris.length > 0 || launchUri !== undefined)
    throw new Problem('invariant', 'redirectUris: a service has no pages: it has neither redirect nor launch address.', { expression: 'redirectUris' }); // prettier-ignore
}

function checkAppAddresses({ redirectUris, launchUri, logoUri }: ClientDraft): void {
  if (redirectUris.length === 0)
    throw new Problem('required', 'redirectUris: an app needs at least one address to come back to.', { expression: 'redirectUris' }); // prettier-ignore
  if (redirectUris.length > mostAddresses)
    throw new Problem('value', `redirectUris: at most ${mostAddresses} addresses.`, { expression: 'redirectUris' });
  for (const uri of redirectUris) checkWebAddress(uri, 'redirectUris');
  if (launchUri !== undefined) checkWebAddress(launchUri, 'launchUri');
  if (logoUri !== undefined) checkWebAddress(logoUri, 'logoUri');
}

/** Unknown words are refused here by name; in a request they are dropped. */
function checkScope(scope: string, isService: boolean): void {
  const refuse = (reason: string): never => {
    throw new Problem('value', `scope: ${reason}`, { expression: 'scope' });
  };
  if (scope.length > longestScope) refuse(`at most ${longestScope} characters.`);
  const words = splitScopes(scope);
  if (words.length === 0) refuse('name at least one.');
  for (const word of words) {
    const shown = word.slice(0, 100);
    if (!isKnownScope(word)) refuse(`${shown} is not known here. Scopes look like patient/ImagingStudy.rs, user/*.rs, system/Patient.rs or openid.`); // prettier-ignore
    const context = parseScope(word)?.context;
    if (isService && context !== 'system') refuse(`${shown} is for apps with people; a service has scopes of system/ only.`); // prettier-ignore
    if (!isService && context === 'system') refuse(`${shown} is for services without people; an app has patient/ or user/.`); // prettier-ignore
  }
}

function keysOf({ method, jwks, jwksUri }: ClientDraft, keys: Pick<KeySets, 'check'>): Payload {
  if (method !== 'private_key_jwt') {
    if (jwks === undefined && jwksUri === undefined) return {};
    throw new Problem('invariant', `jwks: keys belong to the method private_key_jwt, not to ${method}.`, { expression: 'jwks' }); // prettier-ignore
  }
  if ((jwks === undefined) === (jwksUri === undefined))
    throw new Problem('required', 'jwks: give either the public keys (jwks) or their address (jwksUri).', { expression: 'jwks' }); // prettier-ignore
  if (jwksUri === undefined) return { jwks: checkKeySet(jwks) };
  keys.check(jwksUri);
  return { jwks_uri: jwksUri };
}

/** A draft that says nothing of what people do not see on their page keeps it. */
export function completed(draft: ClientDraft, { metadata }: SmartClient): ClientDraft {
  const kept = keptMetadata.flatMap((name) => (metadata[name] === undefined ? [] : [[name, metadata[name]] as const]));
  const grantTypes = draft.grantTypes ?? (metadata.grant_types as string[] | undefined);
  return { ...draft, more: draft.more ?? Object.fromEntries(kept), ...(grantTypes && { grantTypes }) };
}

/**
 * Whether a registration stays within the scopes that somebody may register for.
 *
 * @throws Problem `value` naming the first scope that does not.
 */
export function checkCeiling(scope: string | undefined, ceiling: string): void {
  const most = splitScopes(ceiling);
  const over = splitScopes(scope).find((word) => !coveredBy(most, word));
  if (over !== undefined)
    throw new Problem('value', `scope: ${over.slice(0, 100)} is more than this registration may have (${ceiling}).`, { expression: 'scope' }); // prettier-ignore
}

/** The kind of a registration of before there were kinds. */
export function kindOf({ grant_types: grants, token_endpoint_auth_method: method }: Payload): ClientKind {
  if (Array.isArray(grants) && grants.includes('client_credentials')) return 'backend';
  return method === 'none' ? 'public-app' : 'confidential-app';
}

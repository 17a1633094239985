import { errors, type Client, type KoaContextWithOIDC } from 'oidc-provider';
import { coveredBy, isKnownScope, parseScope, roleMayUse, splitScopes } from '../../core/accounts/scopes.ts';
import type { Role } from '../../core/principal.ts';

/** oidc-provider's own ("static") scopes; the rest belongs to the FHIR server as a resource. */
export const signInScopes = ['openid', 'offline_access', 'online_access', 'profile', 'fhirUser'];

/**
 * The scopes that this request may lead to, whoever signs in: those of the SMART grammar, within what the
 * client is registered for. Backend services get `system/` and nothing else, apps with people everything else.
 *
 * @throws InvalidScope if nothing is left for a backend service, which has nobody to ask.
 */
export function offeredScopes(ctx: KoaContextWithOIDC, client: Client): string[] {
  const { params, entities } = ctx.oidc;
  const requested = (params?.scope ?? entities.RefreshToken?.scope ?? entities.AuthorizationCode?.scope) as
    string | undefined;
  const known = splitScopes(requested).filter(isKnownScope);
  if (params?.grant_type === 'client_credentials') {
    const offered = known.filter((text) => parseScope(text)?.context === 'system' && isAllowed(client, text));
    if (client.tokenEndpointAuthMethod !== 'private_key_jwt' || offered.length === 0) {
      throw new errors.InvalidScope('none of the requested scopes is pre-authorized for this client', requested ?? '');
    }
    return offered;
  }
  return offeredToPeople(client, known);
}

/** Of known scopes, those that a person may be asked about for this client. */
export function offeredToPeople(client: Client, scopes: string[]): string[] {
  return scopes.filter((text) => {
    const scope = parseScope(text);
    if (scope === undefined) return !stays.has(text) || isAllowed(client, text);
    return scope.context !== 'system' && isAllowed(client, text);
  });
}

/** To stay connected is registered like access to records; the other words say who somebody is and what is open. */
const stays = new Set(['offline_access', 'online_access']);

/** Within the client's registration; without a limit there, a person's app may ask for anything. */
function isAllowed(client: Client, text: string): boolean {
  const limit = client['csss_allowed_scope'];
  if (typeof limit !== 'string') return parseScope(text)?.context !== 'system';
  return coveredBy(splitScopes(limit), text);
}

/**
 * Which of the offered scopes this person can grant in this launch: what the role may ever use, and
 * `patient/` only where a patient is established (SMART 2.2 "patient-specific scopes").
 */
export function grantableScopes(
  offered: string[],
  role: Role,
  context: { patient?: string; imagingStudy?: string },
): string[] {
  return offered.filter((text) => {
    if (text === 'launch/patient') return context.patient !== undefined;
    if (text === 'launch/imagingstudy') return context.imagingStudy !== undefined;
    const scope = parseScope(text);
    if (!scope) return true;
    return roleMayUse(role, scope) && (scope.context !== 'patient' || context.patient !== undefined);
  });
}

/** The requested scopes of an authorization request that mean something here. */
export function requestedScopes(params: { scope?: unknown }): string[] {
  return splitScopes(typeof params.scope === 'string' ? params.scope : '').filter(isKnownScope);
}

/** Whether a scope asks for data or launch context of the FHIR server, for which SMART wants `aud`. */
export function needsAudience(scope: string): boolean {
  return scope.startsWith('launch') || parseScope(scope) !== undefined;
}

export function isFirstParty(client: Client | undefined): boolean {
  return client?.['csss_first_party'] === true;
}

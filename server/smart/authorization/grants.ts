import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { patientOf } from '../../core/accounts/account.ts';
import type { AuthorizationStore, GrantContext } from '../../core/accounts/authorizations.ts';
import type { Account } from '../../core/accounts/account-store.ts';
import { grantableScopes, offeredScopes, signInScopes } from './granted-scopes.ts';

export interface Decision {
  accountId: string;
  clientId: string;
  /** What oidc-provider will look for in the grant. */
  requested: string[];
  /** What the person gives; the rest of `requested` is refused. */
  given: string[];
  context: Pick<GrantContext, 'patient' | 'encounter' | 'imagingStudy'>;
}

/**
 * Writes down an authorisation: which scopes were given, which refused (so that nobody is asked again), and
 * the launch context that every token of it carries.
 *
 * @returns the grant's id.
 */
export async function saveGrant(
  provider: Provider,
  authorizations: AuthorizationStore,
  fhirBaseUrl: string,
  decision: Decision,
): Promise<string> {
  const { accountId, clientId, requested, given, context } = decision;
  const grant: Grant = new provider.Grant({ accountId, clientId });
  const refused = requested.filter((scope) => !given.includes(scope));
  const isSignIn = (scope: string) => signInScopes.includes(scope);
  addAll((scopes) => grant.addOIDCScope(scopes), given.filter(isSignIn));
  addAll((scopes) => grant.rejectOIDCScope(scopes), refused.filter(isSignIn));
  addAll((scopes) => grant.addResourceScope(fhirBaseUrl, scopes), given);
  addAll((scopes) => grant.rejectResourceScope(fhirBaseUrl, scopes), refused);
  const grantId = await grant.save();
  await authorizations.saveGrant({ grantId, accountId, clientId, ...context });
  return grantId;
}

function addAll(add: (scopes: string[]) => void, scopes: string[]): void {
  if (scopes.length > 0) add(scopes);
}

/**
 * The grant of our own application in this session: the session's earlier one if it answers this request, else
 * a new one. Its context follows from the account alone, so several tabs can share it.
 */
export async function giveFirstPartyGrant(
  parts: {
    accountById: (id: string) => Promise<Account | undefined>;
    authorizations: AuthorizationStore;
    fhirBaseUrl: string;
  },
  ctx: KoaContextWithOIDC,
): Promise<Grant | undefined> {
  const { provider, session, client, account } = ctx.oidc;
  const person = account && (await parts.accountById(account.accountId));
  if (!client || !person) return undefined;
  const requested = offeredScopes(ctx, client);
  const patient = patientOf(person);
  const standingId = session?.grantIdFor(client.clientId);
  const standing = standingId === undefined ? undefined : await provider.Grant.find(standingId);
  if (standing && standing.accountId === person.id) {
    const known = new Set(standing.getResourceScopeEncountered(parts.fhirBaseUrl).split(' '));
    if (requested.every((scope) => known.has(scope))) return standing;
  }
  const given = grantableScopes(requested, person.role, patient === undefined ? {} : { patient });
  const context = patient === undefined ? {} : { patient };
  const id = await saveGrant(provider, parts.authorizations, parts.fhirBaseUrl, {
    accountId: person.id,
    clientId: client.clientId,
    requested,
    given,
    context,
  });
  return provider.Grant.find(id);
}

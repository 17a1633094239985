import { errors, Provider, type Client, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { patientOf } from '../../core/accounts/account.ts';
import { twoFactors } from '../../core/accounts/sign-in/fresh-factor.ts';
import type { AuthorizationStore } from '../../core/accounts/authorizations.ts';
import type { KeySets } from '../../core/accounts/clients/key-sets.ts';
import type { Account } from '../../core/accounts/account-store.ts';
import type { Settings } from '../../core/settings.ts';
import { isFirstParty, needsAudience, offeredScopes, requestedScopes, signInScopes } from './granted-scopes.ts';
import { giveFirstPartyGrant } from './grants.ts';
import type { SmartKeys } from '../keys.ts';
import { compareSecretsByHash } from './hashed-secrets.ts';
import { interactionSteps } from './interaction-policy.ts';
import { compareScopesByMeaning } from './narrower-scopes.ts';
import { oidcAdapter, ownMetadata } from './oidc-adapter.ts';
import type { RefreshAgain } from './refresh-again.ts';
import { signedOutPage, signOutPage } from '../pages/account-pages.ts';
import { wordsOf } from '../../http/words/page-language.ts';
import { html } from '../pages/html.ts';
import { errorPage, showPage } from '../pages/layout.ts';

export interface ProviderParts {
  publicUrl: string;
  fhirBaseUrl: string;
  settings: Pick<Settings, 'secondFactorRoles'>;
  keys: SmartKeys;
  /** Those that systems publish. */
  clientKeys: KeySets;
  again: RefreshAgain;
  accountById: (id: string) => Promise<Account | undefined>;
  authorizations: AuthorizationStore;
  /** Called when a grant ended here, so that cached checks are thrown away. */
  onGrantEnded: () => void;
}

const minute = 60;
const day = 24 * 60 * minute;
/** (g)(10) asks for refresh tokens of three months at least; after that the person is asked again. */
const authorisationLife = 100 * day;

/** The authorization server: oidc-provider, set up for SMART App Launch 2.2 and RFC 9700. */
export function createProvider(parts: ProviderParts): Provider {
  const provider = new Provider(`${parts.publicUrl}/oidc`, {
    adapter: oidcAdapter({ ...parts, keys: parts.clientKeys }),
    fetch: fetchNothing,
    discovery: { registration_endpoint: `${parts.publicUrl}/oidc/reg` },
    jwks: { keys: parts.keys.signing },
    cookies: cookies(parts),
    scopes: signInScopes,
    // Who asks for it is told how somebody signed in, and can ask for two factors (RFC 9470, OpenID Connect Core 2).
    acrValues: [twoFactors],
    claims: { openid: ['sub'], profile: ['name'], fhirUser: ['fhirUser'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'], idTokenSigningAlgValues: ['RS256'] },
    extraClientMetadata: { properties: [...ownMetadata] },
    clientBasedCORS: (_ctx, origin, client) =>
      client.tokenEndpointAuthMethod === 'none' &&
      (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin),
    extraParams: {
      aud: (ctx, value, client) => checkLaunchRequest(parts, ctx, value, client),
      launch: (ctx, value) => checkLaunch(parts, ctx, value),
    },
    ...tokens(parts),
    ...people(parts),
    features: features(parts),
    interactions: {
      policy: interactionSteps(parts.settings),
      url: (_ctx, interaction) => `${parts.publicUrl}/interaction/${interaction.uid}`,
    },
    renderError(ctx, out) {
      const t = wordsOf(ctx);
      // For whoever looks after the app: the standard's own word, and what oidc-provider says of it in English.
      const detail = html`<span lang="en">${out.error_description ?? out.error}</span>`;
      showPage(ctx, { ...errorPage(t, t('wrong.request'), detail), status: ctx.status });
    },
  });
  compareSecretsByHash(provider);
  compareScopesByMeaning(provider);
  return provider;
}

/** With https the session cookie is bound to this host and path by its name (RFC 6265bis 4.1.3.2). */
function cookies({ publicUrl, keys }: ProviderParts): NonNullable<Configuration['cookies']> {
  const secure = publicUrl.startsWith('https:');
  const options = { httpOnly: true, sameSite: 'lax', secure, signed: true } as const;
  return {
    keys: keys.cookies,
    long: options,
    short: options,
    names: {
      session: secure ? '__Host-csss_session' : 'csss_session',
      interaction: 'csss_interaction',
      resume: 'csss_resume',
    },
  };
}

function features(parts: ProviderParts): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: isOwnToken },
    userinfo: { enabled: false }, // access tokens are for the FHIR server; who somebody is stands in the ID token
    pushedAuthorizationRequests: { enabled: false },
    dPoP: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) =>
        showPage(ctx, { ...signOutPage(wordsOf(ctx), form), formTargets: postLogoutTargets(ctx) }),
      postLogoutSuccessSource: (ctx) => showPage(ctx, signedOutPage(wordsOf(ctx))),
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => parts.fhirBaseUrl,
      useGrantedResource: () => true,
      getResourceServerInfo(ctx, resource, client) {
        if (resource !== parts.fhirBaseUrl) throw new errors.InvalidTarget();
        return {
          scope: offeredScopes(ctx, client).join(' '),
          audience: parts.fhirBaseUrl,
          accessTokenTTL: lifeOfAccessTokens(ctx, client),
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  };
}

/** Seconds. Backend services: 300 at most (SMART 2.2 Backend Services); browsers short, because they cannot keep a secret. */
function lifeOfAccessTokens(ctx: KoaContextWithOIDC, client: Client): number {
  if (ctx.oidc.params?.grant_type === 'client_credentials') return 5 * minute;
  return client.tokenEndpointAuthMethod === 'none' ? 15 * minute : 60 * minute;
}

function tokens({ authorizations }: ProviderParts): Configuration {
  return {
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    // Our own viewer never outlives its session: signing out ends it, whatever it asked for.
    expiresWithSession: (ctx, source) => !source.scopes.has('offline_access') || isFirstParty(ctx.oidc.client),
    ttl: {
      AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? 5 * minute,
      ClientCredentials: 5 * minute,
      AuthorizationCode: minute,
      IdToken: 60 * minute,
      Interaction: 30 * minute,
      Session: (_ctx, session) => (session.transient ? day / 2 : 14 * day),
      Grant: authorisationLife,
      RefreshToken: (ctx) => Math.max(ctx.oidc.entities.RotatedRefreshToken?.remainingTTL ?? authorisationLife, 1),
    },
    async extraTokenClaims(ctx, token) {
      if (token.kind !== 'AccessToken' || !ctx.oidc.account) return undefined;
      const grant = await authorizations.grant(token.grantId);
      if (!grant) throw new errors.InvalidGrant('grant not found');
      const { role, fhirUser } = ctx.oidc.account as unknown as OidcAccount;
      const { authTime, acr, amr } = (ctx.oidc.entities.AuthorizationCode ??
        ctx.oidc.entities.RefreshToken ??
        {}) as SignInFacts;
      return {
        ...(authTime !== undefined && { auth_time: authTime }),
        ...(acr !== undefined && { acr }),
        ...(amr !== undefined && { amr }),
        grant: grant.grantId,
        roles: [role],
        fhirUser,
        ...(grant.patient === undefined ? {} : { patient: grant.patient }),
        ...(grant.encounter === undefined ? {} : { encounter: grant.encounter }),
      };
    },
    async assertJwtClientAuthClaimsAndHeader(_ctx, claims, header, client) {
      const now = Date.now() / 1000;
      if (Number(claims.exp) > now + 5 * minute + 15)
        throw new errors.InvalidClientAuth('exp is more than five minutes away');
      if (typeof header.kid !== 'string') throw new errors.InvalidClientAuth('the assertion names no key (kid)');
      // A key from elsewhere is none (SMART 2.2 "Asymmetric authentication", jku).
      if (header.jku !== undefined && header.jku !== client['csss_jwks_uri'])
        throw new errors.InvalidClientAuth('jku is not the registered jwks_uri');
      if (claims.sub !== claims.iss) throw new errors.InvalidClientAuth('iss and sub must be the client id');
    },
  };
}

/** What codes and refresh tokens keep of the sign-in. */
interface SignInFacts {
  authTime?: number;
  acr?: string;
  amr?: string[];
}

/** What oidc-provider knows of a person, and what token claims are made of. */
interface OidcAccount {
  accountId: string;
  role: Account['role'];
  fhirUser: string;
  patient: string | undefined;
  claims(): Promise<{ sub: string; name: string; fhirUser: string }>;
  [extra: string]: unknown;
}

function people(parts: ProviderParts): Configuration {
  return {
    async findAccount(_ctx, id): Promise<OidcAccount | undefined> {
      const account = await parts.accountById(id);
      if (!account || account.disabled) return undefined;
      return {
        accountId: account.id,
        role: account.role,
        fhirUser: account.fhirUser,
        patient: patientOf(account),
        claims: async () => ({
          sub: account.id,
          name: account.displayName,
          fhirUser: `${parts.fhirBaseUrl}/${account.fhirUser}`,
        }),
      };
    },
    // Every launch has a context of its own, so an app's earlier grant is never reused; ours has none to mix up.
    async loadExistingGrant(ctx) {
      const { provider, result, client, account } = ctx.oidc;
      const consented = result?.consent?.grantId;
      if (consented) return provider.Grant.find(consented);
      if (!isFirstParty(client) || !account || wantsLaunchContext(ctx)) return undefined;
      return giveFirstPartyGrant(parts, ctx);
    },
  };
}

function wantsLaunchContext(ctx: KoaContextWithOIDC): boolean {
  return requestedScopes(ctx.oidc.params ?? {}).some((scope) => scope.startsWith('launch'));
}

/** `aud` names the FHIR server the token is for (SMART 2.2 "aud"): without it an app could be lured into sending its token elsewhere. */
function checkLaunchRequest(
  { fhirBaseUrl }: ProviderParts,
  ctx: KoaContextWithOIDC,
  aud: string | undefined,
  client: Client,
): void {
  const isSmart = requestedScopes(ctx.oidc.params ?? {}).some(needsAudience);
  if (aud !== undefined && aud.replace(/\/$/, '') !== fhirBaseUrl)
    throw new errors.InvalidTarget(`aud must be ${fhirBaseUrl}`);
  if (!isSmart || isFirstParty(client)) return;
  // Not of `params`: there oidc-provider has filled in our default already.
  if (aud === undefined && ctx.query.resource !== fhirBaseUrl)
    throw new errors.InvalidRequest(`aud is required and must be ${fhirBaseUrl}`);
  if (!ctx.oidc.params?.state) throw new errors.InvalidRequest('state is required');
}

async function checkLaunch(
  { authorizations }: ProviderParts,
  ctx: KoaContextWithOIDC,
  launch: string | undefined,
): Promise<void> {
  const asked = requestedScopes(ctx.oidc.params ?? {}).includes('launch');
  if (launch === undefined) {
    if (asked) throw new errors.InvalidRequest('the scope launch needs the parameter launch');
    return;
  }
  const waiting = await authorizations.launch(launch);
  if (!asked || waiting?.clientId !== ctx.oidc.client?.clientId)
    throw new errors.InvalidRequest('launch is unknown, over, or of another app');
}

/** A client revokes its own tokens only (RFC 7009 2.1). A public one may be anybody, and learns nothing of another's. */
function isOwnToken(_ctx: KoaContextWithOIDC, client: Client, token: { clientId?: string | undefined }): boolean {
  if (token.clientId === client.clientId) return true;
  if (client.tokenEndpointAuthMethod === 'none') return false;
  throw new errors.InvalidRequest('the token was issued to another client');
}

function postLogoutTargets(ctx: KoaContextWithOIDC): string[] {
  const target = URL.parse(String(ctx.oidc.params?.post_logout_redirect_uri ?? ''));
  return target ? [target.origin] : [];
}

/** Nothing that a client names is fetched by oidc-provider: keys come through `clientKeys`, and there is nothing else. */
function fetchNothing(): Promise<Response> {
  return Promise.reject(new Error('Addresses of clients are not fetched.'));
}

import { createLocalJWKSet, errors, jwtVerify, type JWK, type JWTPayload } from 'jose';
import { patientOf } from '../core/accounts/account.ts';
import type { AuthorizationStore, Standing } from '../core/accounts/authorizations.ts';
import { parseScopes, roleMayUse } from '../core/accounts/scopes.ts';
import type { Principal, Role } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import { publicKeys } from './keys.ts';

/** Claims of our access tokens (RFC 9068, and SMART's launch context). */
export interface AccessTokenClaims extends JWTPayload {
  jti: string;
  sub: string;
  client_id: string;
  iat: number;
  exp: number;
  scope?: string;
  /** Present in tokens of persons: the authorisation that the token hangs on. */
  grant?: string;
  roles?: string[];
  fhirUser?: string;
  patient?: string;
  encounter?: string;
}

export interface AccessTokens {
  /** @throws Problem `login` or `expired`; nothing is told about why a token is not good. */
  verify(token: string): Promise<Principal>;
  /** Signature and claims only, for introspection and revocation; undefined if it is no token of ours. */
  read(token: string): Promise<AccessTokenClaims | undefined>;
  /** Whether the token may still be used, from the database. */
  isLive(claims: AccessTokenClaims): Promise<boolean>;
  /** Forgets cached checks, after something was revoked here. */
  forget(): void;
}

/** Seconds that a check against the database may be reused: revocation must act within 60 s in every process. */
const reuse = 20;
const longestLife = 3600;
const mostCached = 20_000;

/** Checks access tokens: the signature by jose, then whether what they stand on still stands. */
export function accessTokens(options: {
  issuer: string;
  audience: string;
  signing: JWK[];
  authorizations: Pick<AuthorizationStore, 'standing'>;
}): AccessTokens {
  const keys = createLocalJWKSet(publicKeys(options.signing));
  const cache = new Map<string, { until: number; standing: Standing }>();

  async function standingOf(claims: AccessTokenClaims): Promise<Standing> {
    const cached = cache.get(claims.jti);
    if (cached && cached.until > performance.now()) return cached.standing;
    const standing = await options.authorizations.standing({
      tokenId: claims.jti,
      clientId: claims.client_id,
      ...(claims.grant === undefined ? {} : { grantId: claims.grant, accountId: claims.sub }),
    });
    if (cache.size >= mostCached) cache.clear();
    cache.set(claims.jti, { until: performance.now() + reuse * 1000, standing });
    return standing;
  }

  async function check(token: string): Promise<AccessTokenClaims> {
    const { payload } = await jwtVerify<AccessTokenClaims>(token, keys, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: ['RS256'],
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
      maxTokenAge: longestLife,
      clockTolerance: 5,
    });
    return payload;
  }

  return {
    async verify(token) {
      let claims: AccessTokenClaims;
      try {
        claims = await check(token);
      } catch (cause) {
        if (cause instanceof errors.JWTExpired)
          throw new Problem('expired', 'The access token is over. Get a new one.', { cause });
        throw new Problem('login', 'The access token is not valid here.', { cause });
      }
      return toPrincipal(claims, await standingOf(claims));
    },
    read: (token) => check(token).catch(() => undefined),
    async isLive(claims) {
      const standing = await options.authorizations.standing({
        tokenId: claims.jti,
        clientId: claims.client_id,
        ...(claims.grant === undefined ? {} : { grantId: claims.grant, accountId: claims.sub }),
      });
      return fault(claims, standing) === undefined;
    },
    forget: () => cache.clear(),
  };
}

/** Why a well-formed token must not be used; undefined if it may. */
function fault(claims: AccessTokenClaims, { revoked, clientDisabled, account }: Standing): string | undefined {
  if (revoked || clientDisabled) return 'The access was revoked.';
  if (claims.grant === undefined) return claims.sub === claims.client_id ? undefined : 'The token belongs to nobody.';
  if (!account || account.disabled) return 'The account cannot be used.';
  // What was granted to a role or a person is not carried over to another.
  if (claims.roles?.[0] !== account.role || claims.fhirUser !== account.fhirUser)
    return 'The account has changed. Sign in again.';
  const own = patientOf(account);
  if (own !== undefined && claims.patient !== own) return 'The token is for another patient.';
  return undefined;
}

function toPrincipal(claims: AccessTokenClaims, standing: Standing): Principal {
  const reason = fault(claims, standing);
  if (reason !== undefined) throw new Problem('login', reason);
  const { client_id: clientId, jti: tokenId, sub: subject } = claims;
  const scopes = parseScopes(claims.scope);
  if (claims.grant === undefined) {
    return { kind: 'client', subject, clientId, tokenId, scopes: scopes.filter((scope) => scope.context === 'system') };
  }
  const { role, fhirUser } = standing.account as { role: Role; fhirUser: string };
  return {
    kind: 'user',
    subject,
    clientId,
    tokenId,
    role,
    fhirUser,
    ...(claims.patient === undefined ? {} : { patient: claims.patient }),
    scopes: scopes.filter(
      (scope) => roleMayUse(role, scope) && (scope.context !== 'patient' || claims.patient !== undefined),
    ),
  };
}

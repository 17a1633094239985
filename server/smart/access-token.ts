import { hash } from 'node:crypto';
import { createLocalJWKSet, errors, jwtVerify, type JWK, type JWTPayload } from 'jose';
import { patientOf } from '../core/accounts/account.ts';
import { twoFactors } from '../core/accounts/sign-in/fresh-factor.ts';
import type { AuthorizationStore, Standing } from '../core/accounts/authorizations.ts';
import { parseScopes, roleMayUse } from '../core/accounts/scopes.ts';
import type { Principal } from '../core/principal.ts';
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
  /** Of the sign-in (RFC 9068 2.2.1): when it was, and whether a second factor was given then. */
  auth_time?: number;
  acr?: string;
  amr?: string[];
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
/** Seconds that clocks may differ. */
const tolerance = 5;
const mostCached = 20_000;

/** A token whose signature and claims were good. It stays so until it ends: only what it stands on is asked again. */
interface Checked {
  claims: AccessTokenClaims;
  /** Milliseconds since 1970 after which it is over. */
  ends: number;
  standing?: { principal: Principal; until: number; round: number };
}

/**
 * Checks access tokens: the signature by jose, once for each token, then whether what they stand on still stands.
 *
 * Tokens are remembered by their SHA-256, so that no usable token lies in the cache.
 */
export function accessTokens(options: {
  issuer: string;
  audience: string;
  signing: JWK[];
  authorizations: Pick<AuthorizationStore, 'standing'>;
  /** Codes by mail count as a second factor. */
  mailCodes: boolean;
}): AccessTokens {
  const keys = createLocalJWKSet(publicKeys(options.signing));
  /** The one used longest ago first. */
  const known = new Map<string, Checked>();
  /** A question that was on its way when something was revoked is of the round before, and its answer not reused. */
  let round = 0;

  const standingOf = (claims: AccessTokenClaims): Promise<Standing> =>
    options.authorizations.standing({
      tokenId: claims.jti,
      clientId: claims.client_id,
      ...(claims.grant === undefined ? {} : { grantId: claims.grant, accountId: claims.sub }),
    });

  async function checked(token: string): Promise<Checked> {
    const digest = hash('sha256', token, 'base64');
    const met = known.get(digest);
    if (met) {
      known.delete(digest);
      if (met.ends <= Date.now()) return check(token); // which tells why it is refused
      known.set(digest, met);
      return met;
    }
    const fresh = await check(token);
    if (known.size >= mostCached) known.delete(known.keys().next().value!);
    known.set(digest, fresh);
    return fresh;
  }

  async function check(token: string): Promise<Checked> {
    const { payload: claims } = await jwtVerify<AccessTokenClaims>(token, keys, {
      issuer: options.issuer,
      audience: options.audience,
      algorithms: ['RS256'],
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
      maxTokenAge: longestLife,
      clockTolerance: tolerance,
    });
    return { claims, ends: (Math.min(claims.exp, claims.iat + longestLife) + tolerance) * 1000 };
  }

  return {
    async verify(token) {
      let met: Checked;
      try {
        met = await checked(token);
      } catch (cause) {
        if (cause instanceof errors.JWTExpired)
          throw new Problem('expired', 'The access token is over. Get a new one.', { cause });
        throw new Problem('login', 'The access token is not valid here.', { cause });
      }
      const { standing } = met;
      if (standing && standing.round === round && standing.until > performance.now()) return standing.principal;
      const asked = { until: performance.now() + reuse * 1000, round };
      const principal = Object.freeze(toPrincipal(met.claims, await standingOf(met.claims), options.mailCodes));
      met.standing = { principal, ...asked };
      return principal;
    },
    read: (token) =>
      check(token).then(
        ({ claims }) => claims,
        () => undefined,
      ),
    isLive: async (claims) => fault(claims, await standingOf(claims)) === undefined,
    forget: () => void round++,
  };
}

/** Why a well-formed token must not be used; undefined if it may. */
function fault(claims: AccessTokenClaims, standing: Standing): string | undefined {
  const { revoked, clientDisabled, tokensSince = 0, account } = standing;
  // A token's time is in whole seconds.
  if (revoked || clientDisabled || claims.iat < Math.floor(tokensSince)) return 'The access was revoked.';
  if (claims.grant === undefined) return claims.sub === claims.client_id ? undefined : 'The token belongs to nobody.';
  if (!account || account.disabled) return 'The account cannot be used.';
  // What was granted to a role or a person is not carried over to another.
  if (claims.roles?.[0] !== account.role || claims.fhirUser !== account.fhirUser)
    return 'The account has changed. Sign in again.';
  const own = patientOf(account);
  if (own !== undefined && claims.patient !== own) return 'The token is for another patient.';
  return undefined;
}

function toPrincipal(claims: AccessTokenClaims, standing: Standing, mailCodes: boolean): Principal {
  const reason = fault(claims, standing);
  if (reason !== undefined) throw new Problem('login', reason);
  const { client_id: clientId, jti: tokenId, sub: subject } = claims;
  const scopes = parseScopes(claims.scope);
  if (claims.grant === undefined) {
    return { kind: 'client', subject, clientId, tokenId, scopes: scopes.filter((scope) => scope.context === 'system') };
  }
  const { role, fhirUser, factor, mailFactor } = standing.account!;
  return {
    kind: 'user',
    subject,
    clientId,
    tokenId,
    role,
    fhirUser,
    ...(standing.firstParty && { firstParty: true }),
    ...standing.restrictions,
    grantId: claims.grant,
    ...(claims.acr === twoFactors && claims.auth_time !== undefined && { secondFactorAt: claims.auth_time }),
    ...((factor || (mailCodes && mailFactor)) && { hasFactor: true }),
    ...(claims.patient === undefined ? {} : { patient: claims.patient }),
    scopes: scopes.filter(
      (scope) => roleMayUse(role, scope) && (scope.context !== 'patient' || claims.patient !== undefined),
    ),
  };
}

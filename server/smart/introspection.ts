import type { ParameterizedContext } from 'koa';
import type { AuthorizationStore } from '../core/accounts/authorizations.ts';
import { Problem } from '../core/problem.ts';
import type { State } from '../http/state.ts';
import { fhirContext } from './authorization/authorization-server.ts';
import { readFields } from './interactions/form.ts';
import type { AccessTokenClaims, AccessTokens } from './access-token.ts';

export interface IntrospectionParts {
  issuer: string;
  fhirBaseUrl: string;
  tokens: AccessTokens;
  authorizations: AuthorizationStore;
}

/**
 * Token introspection (RFC 7662, SMART 2.2 "Token Introspection"), behind `bearer`. Clients that are registered
 * for it may ask about any token, everybody else about tokens of their own client; what is not theirs to know
 * is `active: false`, the same as what does not exist.
 */
export async function introspect(parts: IntrospectionParts, ctx: ParameterizedContext<State>): Promise<void> {
  ctx.set({ 'Cache-Control': 'no-store', Pragma: 'no-cache' });
  const form = await readFields(ctx);
  const token = form.get('token');
  if (!token) throw new Problem('required', 'token is missing');
  const asker = await parts.authorizations.client(ctx.state.principal.clientId);
  const mayKnow = (clientId: unknown) => asker?.mayIntrospect === true || clientId === asker?.id;
  const claims = await parts.tokens.read(token);
  if (claims) {
    const active = mayKnow(claims.client_id) && (await parts.tokens.isLive(claims));
    ctx.body = active ? await describe(parts, claims) : { active: false };
    return;
  }
  const refresh = await parts.authorizations.find('RefreshToken', { id: token });
  const live = refresh && refresh.consumed === undefined && mayKnow(refresh.clientId);
  ctx.body = live
    ? {
        active: true,
        client_id: refresh.clientId,
        scope: refresh.scope,
        exp: refresh.exp,
        iss: parts.issuer,
        sub: refresh.accountId,
      }
    : { active: false };
}

async function describe(
  { issuer, fhirBaseUrl, authorizations }: IntrospectionParts,
  claims: AccessTokenClaims,
): Promise<Record<string, unknown>> {
  const grant = claims.grant === undefined ? undefined : await authorizations.grant(claims.grant);
  return {
    active: true,
    scope: claims.scope ?? '',
    client_id: claims.client_id,
    exp: claims.exp,
    iat: claims.iat,
    jti: claims.jti,
    aud: claims.aud,
    iss: issuer,
    token_type: 'Bearer',
    sub: claims.sub,
    ...(claims.fhirUser === undefined ? {} : { fhirUser: `${fhirBaseUrl}/${claims.fhirUser}` }),
    ...(claims.patient === undefined ? {} : { patient: claims.patient }),
    ...(claims.encounter === undefined ? {} : { encounter: claims.encounter }),
    ...(grant && fhirContext(grant)),
  };
}

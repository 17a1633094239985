import type { Middleware } from 'koa';
import type { Principal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import type { State } from './state.ts';

const credentials = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

/**
 * Lets a request pass only with an access token in its Authorization header (RFC 6750 2.1). A token in the
 * query or body is not looked at: it would be in logs and histories already.
 *
 * On refusal the WWW-Authenticate header is set and a Problem thrown, which the face renders in its own words.
 *
 * @throws Problem `login` (none, or not valid) or `expired`.
 */
export function bearer(verify: (token: string) => Promise<Principal>): Middleware<State> {
  return async (ctx, next) => {
    const token = credentials.exec(ctx.get('Authorization'))?.[1];
    if (token === undefined) {
      const problem = new Problem('login', 'This needs an access token: Authorization: Bearer ...');
      ctx.set('WWW-Authenticate', challenge(undefined));
      throw problem;
    }
    try {
      ctx.state.principal = await verify(token);
    } catch (error) {
      // Not when the database is away: that says nothing about the token.
      if (error instanceof Problem && (error.code === 'login' || error.code === 'expired'))
        ctx.set('WWW-Authenticate', challenge(error));
      throw error;
    }
    await next();
  };
}

/** The challenge of a 401 (RFC 6750 3): an error code only if a token was sent. */
export function challenge(problem: Problem | undefined): string {
  const error =
    problem === undefined
      ? ''
      : `, error="invalid_token", error_description="${problem.message.replace(/["\\]/g, '')}"`;
  return `Bearer realm="csss"${error}`;
}

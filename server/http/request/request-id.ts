import { AsyncLocalStorage } from 'node:async_hooks';
import type { Middleware } from 'koa';
import type { State } from '../state.ts';
import { newId } from '../../core/identifier.ts';

const harmless = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of the request that the running code works for, so that a job knows which one caused it. */
export const currentRequest = new AsyncLocalStorage<string>();

/** Gives every request an id and echoes it, so that one line of a log finds one call of a client. */
export function requestId(): Middleware<State> {
  return async (ctx, next) => {
    const given = ctx.get('X-Request-Id');
    ctx.state.requestId = harmless.test(given) ? given : newId();
    ctx.set('X-Request-Id', ctx.state.requestId);
    await currentRequest.run(ctx.state.requestId, next);
  };
}

import type { Middleware } from 'koa';
import { Problem } from '../core/problem.ts';
import { statusOf } from './problem-status.ts';
import type { State } from './state.ts';

export interface AccessEntry {
  requestId: string;
  method: string;
  /** The route's pattern (`/fhir/:type/:id`) or the first path segment: ids and search values stay out of logs. */
  route: string;
  status: number;
  ms: number;
}

/**
 * One entry for each answered request, after its last byte. Also the last catch: a Problem that no face renders (the
 * database is away while an Origin is looked up) keeps its status, anything else thrown past the faces is our fault.
 */
export function accessLog(
  write: (entry: AccessEntry) => void,
  fault: (error: unknown, requestId: string) => void,
): Middleware<State> {
  return async (ctx, next) => {
    const start = performance.now();
    ctx.res.once('close', () => {
      const route = (ctx as { _matchedRoute?: string })._matchedRoute ?? `/${ctx.path.split('/')[1] ?? ''}`;
      write({
        requestId: ctx.state.requestId,
        method: ctx.method,
        route: String(route),
        status: ctx.res.statusCode,
        ms: Math.round(performance.now() - start),
      });
    });
    try {
      await next();
    } catch (error) {
      ctx.set('Cache-Control', 'no-store');
      if (error instanceof Problem) {
        ctx.status = statusOf[error.code];
        if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter));
        ctx.body = { error: error.message, requestId: ctx.state.requestId };
        return;
      }
      fault(error, ctx.state.requestId);
      ctx.status = 500;
      ctx.body = { error: 'An internal fault; it has been logged.', requestId: ctx.state.requestId };
    }
  };
}

import { Problem } from '../core/problem.ts';
import { statusOf } from './answer/problem-status.ts';
import type { Context, Middleware } from 'koa';
import { isSelfRequest } from './self-request.ts';
import type { State } from './state.ts';

export interface AccessEntry {
  requestId: string;
  method: string;
  /** The route's pattern (`/fhir/:type/:id`), or the part of the server that was asked: ids and search values stay out of logs. */
  route: string;
  status: number;
  ms: number;
  /** What went wrong, if the server is to blame or could not do it now; its own statements only are told to callers. */
  err?: unknown;
}

/**
 * One entry for each request, after its last byte or when its client has gone. Faces leave what went wrong in
 * `ctx.state.fault`, so that an answer from 500 up is one line with one id, whoever gave it. Also the last catch: a
 * Problem that no face renders (the database is away while an Origin is looked up) keeps its status, anything else
 * thrown past the faces is our fault.
 */
export function accessLog(write: (entry: AccessEntry) => void): Middleware<State> {
  return async (ctx, next) => {
    const start = performance.now();
    ctx.res.once('close', () => {
      const status = ctx.res.statusCode;
      const { requestId, fault } = ctx.state;
      if (isSelfRequest(ctx.req) && status < 500) return;
      write({
        requestId,
        method: ctx.method,
        route: routeOf(ctx),
        status,
        ms: Math.round(performance.now() - start),
        ...(fault !== undefined && { err: fault }),
      });
    });
    try {
      await next();
    } catch (error) {
      ctx.state.fault = error;
      ctx.set('Cache-Control', 'no-store');
      if (error instanceof Problem) {
        ctx.status = statusOf[error.code];
        if (error.retryAfter !== undefined) ctx.set('Retry-After', String(error.retryAfter));
        ctx.body = { error: error.message, requestId: ctx.state.requestId };
        return;
      }
      ctx.status = 500;
      ctx.body = { error: 'An internal fault; it has been logged.', requestId: ctx.state.requestId };
    }
  };
}

const partsOfServer = new Set([
  'fhir',
  'dicomweb',
  'oidc',
  'smart',
  'api',
  'assets',
  'healthz',
  'readyz',
  '.well-known',
]);

/** From a bounded set: an address that nobody knows counts as `other`, whatever a caller thinks up. */
function routeOf(ctx: Pick<Context, 'req'>): string {
  const pattern = (ctx as { _matchedRoute?: unknown })._matchedRoute;
  const first = (ctx.req.url ?? '').split(/[/?#]/)[1] ?? '';
  const mounted = first === 'fhir' || first === 'dicomweb' ? `/${first}` : '';
  if (typeof pattern === 'string' && !/[()\\]/.test(pattern))
    return pattern.startsWith(`${mounted}/`) && mounted !== '' ? pattern : mounted + pattern;
  return partsOfServer.has(first) ? `/${first}` : 'other';
}

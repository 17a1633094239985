import type { Middleware } from 'koa';
import { Problem, type ProblemCode } from '../core/problem.ts';
import type { State } from '../http/state.ts';

/** HTTP status of each problem (PS3.18 8.5); one without a row does not compile. */
export const statusOf: Record<ProblemCode, number> = {
  structure: 400,
  required: 400,
  value: 400,
  invariant: 400,
  'code-invalid': 400,
  login: 401,
  expired: 401,
  forbidden: 403,
  'not-found': 404,
  deleted: 410,
  duplicate: 409,
  'multiple-matches': 409,
  conflict: 409,
  'lock-error': 412,
  'business-rule': 409,
  'not-supported': 501,
  'too-long': 413,
  'too-costly': 413,
  throttled: 429,
  transient: 503,
  timeout: 504,
  'no-store': 507,
  exception: 500,
  'not-acceptable': 406,
  'media-type': 415,
};

/**
 * Answers what went wrong as JSON: a stable code, a sentence, and the id under which the operator finds it.
 * What is not a Problem is our own fault: it goes to the log, and nothing of it to the caller.
 */
export function answerProblems(): Middleware<State> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem =
        error instanceof Problem ? error : new Problem('exception', 'An internal fault; it has been logged.');
      ctx.status = statusOf[problem.code];
      if (ctx.status >= 500) ctx.state.fault = error;
      for (const header of ['ETag', 'Last-Modified', 'Content-Disposition', 'Content-Length', 'Content-Encoding'])
        ctx.remove(header);
      ctx.set('Cache-Control', 'no-store');
      if (ctx.status === 401 && ctx.response.get('WWW-Authenticate') === '')
        ctx.set('WWW-Authenticate', 'Bearer realm="csss"');
      if (problem.retryAfter !== undefined) ctx.set('Retry-After', String(problem.retryAfter));
      ctx.body = { code: problem.code, message: problem.message, requestId: ctx.state.requestId };
    }
  };
}

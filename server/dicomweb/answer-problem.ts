import type { Middleware } from 'koa';
import { Problem } from '../core/problem.ts';
import { statusOf } from '../http/answer/problem-status.ts';
import { stepUpChallenge } from '../http/answer/step-up.ts';
import type { State } from '../http/state.ts';

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
      if (ctx.status === 401 && !ctx.response.get('WWW-Authenticate'))
        ctx.set(
          'WWW-Authenticate',
          problem.code === 'reauthenticate' ? stepUpChallenge(problem) : 'Bearer realm="csss"',
        );
      if (problem.retryAfter !== undefined) ctx.set('Retry-After', String(problem.retryAfter));
      ctx.body = { code: problem.code, message: problem.message, requestId: ctx.state.requestId };
    }
  };
}

import type { ServerResponse } from 'node:http';
import { Problem } from '../../core/problem.ts';

const known = new WeakMap<ServerResponse, AbortSignal>();

/**
 * Aborts when the client goes away before it has the whole answer, so that work for nobody ends. Its reason is a
 * Problem: whoever throws it makes no fault for the log, and nobody is there to read it.
 */
export function clientGone(answer: ServerResponse): AbortSignal {
  const standing = known.get(answer);
  if (standing) return standing;
  const controller = new AbortController();
  const end = () => {
    if (!answer.writableFinished) controller.abort(new Problem('transient', 'The client has gone'));
  };
  if (answer.closed) end();
  else answer.once('close', end);
  known.set(answer, controller.signal);
  return controller.signal;
}

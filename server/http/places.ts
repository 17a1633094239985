import type { Middleware } from 'koa';
import { callerOf } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import type { Budget } from './budget.ts';
import { clientGone } from './request/client-gone.ts';
import type { State } from './state.ts';

interface Caller {
  running: number;
  waiting: (() => void)[];
}

/**
 * Gives each caller so many places at a time, so that one of them, or one that has gone wild, cannot take the threads,
 * connections to the database and disk of all. Who has taken all of them waits; who lets too many wait is refused. To
 * be put behind `bearer`. A place is held until the work is done and the answer taken.
 *
 * @throws Problem `throttled`.
 */
export function places({
  perCaller,
  waitingPerCaller,
}: Pick<Budget, 'perCaller' | 'waitingPerCaller'>): Middleware<State> {
  const callers = new Map<string, Caller>();

  async function enter(key: string, signal: AbortSignal): Promise<void> {
    const caller = callers.get(key) ?? { running: 0, waiting: [] };
    callers.set(key, caller);
    if (caller.running < perCaller) {
      caller.running++;
      return;
    }
    if (caller.waiting.length >= waitingPerCaller)
      throw new Problem('throttled', `More than ${perCaller + waitingPerCaller} requests at a time`, { retryAfter: 2 });
    await new Promise<void>((done, fail) => {
      const leave = () => {
        caller.waiting.splice(caller.waiting.indexOf(begin), 1);
        fail(signal.reason as Error);
      };
      const begin = () => {
        signal.removeEventListener('abort', leave);
        done();
      };
      caller.waiting.push(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** The place goes to who has waited longest. */
  function leave(key: string): void {
    const caller = callers.get(key)!;
    const next = caller.waiting.shift();
    if (next) next();
    else if (--caller.running === 0) callers.delete(key);
  }

  return async (ctx, next) => {
    const key = callerOf(ctx.state.principal);
    const signal = clientGone(ctx.res);
    signal.throwIfAborted();
    await enter(key, signal);
    const answered = new Promise<void>((done) => (ctx.res.closed ? done() : ctx.res.once('close', done)));
    try {
      await next();
    } finally {
      void answered.then(() => leave(key));
    }
  };
}

import { Problem } from '../problem.ts';

/** Work of which one piece is done at a time; the others wait in the order in which they came. */
export interface OneByOne {
  /** @throws Problem `throttled` when too many wait; the signal's reason when whoever asked has left. */
  take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/**
 * Keeps what may be done at leisure from taking a tool away from what may not: at most one piece of it is ever in the
 * tool's own queue, so that anything else waits for one of them and no more.
 *
 * @param mostWaiting beside the one that is being done.
 * @param refusal what is said to whoever comes when so many wait.
 */
export function oneByOne(mostWaiting: number, refusal: string): OneByOne {
  let last: Promise<unknown> = Promise.resolve();
  let inside = 0;
  return {
    async take(signal, work) {
      if (inside > mostWaiting) throw new Problem('throttled', refusal, { retryAfter: 5 });
      inside++;
      const done = last.then(() => {
        signal.throwIfAborted();
        return work();
      });
      last = done.catch(() => undefined);
      try {
        return await done;
      } finally {
        inside--;
      }
    },
  };
}

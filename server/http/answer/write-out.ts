import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { State } from '../state.ts';

/**
 * Writes an answer chunk by chunk to its end: the next one is asked for when the one before has left the process, so that
 * its memory can be used again. What fails now breaks the connection off, for the status is out; a client that leaves is
 * no fault.
 *
 * @param first what the iterator gave already
 */
export async function writeOut(
  ctx: Pick<Context, 'res' | 'respond'> & { state: Pick<State, 'fault'> },
  first: IteratorResult<Uint8Array>,
  iterator: AsyncIterator<Uint8Array>,
): Promise<void> {
  const { res } = ctx;
  ctx.respond = false; // Koa's own way holds chunks in a stream of its own
  let gone = res.destroyed;
  const leave = new Promise<false>((done) => {
    res.once('close', () => {
      gone = true;
      done(false);
    });
  });
  try {
    for (let next = first; !next.done && !gone; next = await iterator.next())
      if (next.value.length > 0) gone ||= !(await Promise.race([written(res, next.value), leave]));
    if (!gone) res.end();
  } catch (error) {
    ctx.state.fault = error;
    res.destroy();
  } finally {
    await iterator.return?.();
  }
}

/** @returns whether it could be written: only a client that left keeps it from being so. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<boolean> {
  return new Promise((done) => response.write(chunk, (error) => done(!error)));
}

import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import { pieces, unwanted } from '../budget.ts';

/** Milliseconds for the end of a body whose last part was read: it is mostly here already. */
const endOfBody = 100;

/**
 * Closes the connection of a request that is answered before its body was read: refused, or of no interest. The rest is
 * neither read to its end, which may never come, nor left, because an unread body would be taken for the next request.
 * The client gets a moment to read the answer.
 */
export function unwantedBody(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } finally {
      if (!ctx.req.complete && !ctx.res.headersSent && !(await endsNow(ctx.req))) {
        ctx.set('Connection', 'close');
        letGo(ctx.req);
      }
    }
  };
}

async function endsNow(request: IncomingMessage): Promise<boolean> {
  if (!request.readableDidRead || request.destroyed) return false;
  const ended = new Promise<void>((done) => request.once('end', done).once('close', done));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((done) => (timer = setTimeout(done, endOfBody)));
  request.resume();
  await Promise.race([ended, late]);
  clearTimeout(timer);
  request.pause();
  return request.complete;
}

/**
 * Makes closing the connection a closing in two steps (RFC 9112 9.6): closed at once, with bytes of the client on their
 * way, it would be reset, and the answer lost on the way to it.
 */
export function letGo(request: IncomingMessage): void {
  const { socket } = request;
  let left: number = unwanted.bytes;
  socket.destroySoon = () => {
    socket.end();
    const timer = setTimeout(() => socket.destroy(), unwanted.ms);
    socket.once('close', () => clearTimeout(timer));
    request.once('end', () => socket.destroy());
    request.once('error', () => undefined);
    request.on('data', (chunk: Buffer) => {
      left -= Math.max(chunk.length, pieces.least);
      if (left < 0) request.pause();
    });
    request.resume();
  };
}

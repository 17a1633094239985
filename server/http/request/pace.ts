import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Pace } from '../budget.ts';
import { letGo } from './unwanted-body.ts';

/** What was counted at one moment. */
interface Mark {
  at: number;
  bytes: number;
}

interface Exchange {
  request: IncomingMessage;
  answer: ServerResponse;
  received: Mark;
  /** Undefined while the client owes us nothing. */
  sent: Mark | undefined;
  first: boolean;
}

/**
 * Ends exchanges whose client is too slow, on every route and before anybody knows who asks: a body that comes a byte a
 * second is answered 408 (RFC 9110 15.5.9), a client that does not take its answer is cut off. Each of them would hold
 * its connection, its files and its place for ever. Time that we take ourselves does not count: neither while bytes lie
 * here unread, nor while there is nothing to send.
 */
export function keepPace(http: Server, pace: Pace): void {
  if (pace.bytesPerSecond === 0) return;
  const exchanges = new Set<Exchange>();
  http.on('request', (request: IncomingMessage, answer: ServerResponse) => {
    const received = { at: performance.now(), bytes: request.socket.bytesRead };
    exchanges.add({ request, answer, received, sent: undefined, first: true });
  });
  const every = Math.min(pace.grace, pace.receivingWindow, pace.sendingWindow, 8000) / 4;
  const timer = setInterval(() => {
    const now = performance.now();
    for (const exchange of exchanges) {
      if (exchange.answer.closed) exchanges.delete(exchange);
      else if (sendsTooSlowly(exchange, now, pace)) refuse(exchange);
      else if (takesTooSlowly(exchange, now, pace)) exchange.request.socket.destroy();
    }
  }, every);
  timer.unref();
  http.once('close', () => clearInterval(timer));
}

function sendsTooSlowly(exchange: Exchange, now: number, pace: Pace): boolean {
  const { request, received } = exchange;
  if (request.complete || request.destroyed) return false;
  const { bytesRead } = request.socket;
  const waitsForUs = request.readableLength > 0;
  const window = exchange.first ? pace.grace : pace.receivingWindow;
  if (!waitsForUs && now - received.at < window) return false;
  const slow = !waitsForUs && tooFew(bytesRead - received.bytes, now - received.at, pace);
  exchange.received = { at: now, bytes: bytesRead };
  exchange.first &&= waitsForUs;
  return slow;
}

function takesTooSlowly(exchange: Exchange, now: number, pace: Pace): boolean {
  const { owed, taken } = outgoing(exchange.request.socket);
  if (!exchange.answer.headersSent || owed === 0) {
    exchange.sent = undefined;
    return false;
  }
  const mark = (exchange.sent ??= { at: now, bytes: taken });
  if (now - mark.at < pace.sendingWindow) return false;
  exchange.sent = { at: now, bytes: taken };
  return tooFew(taken - mark.bytes, now - mark.at, pace);
}

function tooFew(bytes: number, ms: number, { bytesPerSecond }: Pace): boolean {
  return bytes * 1000 < bytesPerSecond * ms;
}

/**
 * What waits for the client, and what it took. `bytesWritten` of a socket counts bytes as written that libuv still
 * holds, tens of megabytes if the answer is one piece, so its handle is asked, as the socket's own timeout does.
 */
function outgoing(socket: Socket): { owed: number; taken: number } {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number; bytesWritten?: number } | null };
  const queued = handle?.writeQueueSize ?? 0;
  return { owed: socket.writableLength + queued, taken: (handle?.bytesWritten ?? socket.bytesWritten) - queued };
}

/** Whoever reads the body hears that it ended early when the connection is closed. */
function refuse({ request, answer }: Exchange): void {
  if (answer.headersSent) return void request.socket.destroy();
  letGo(request);
  answer.writeHead(408, { 'Content-Type': 'application/json', Connection: 'close' });
  answer.end(JSON.stringify({ error: 'The body of the request comes too slowly.' }));
}

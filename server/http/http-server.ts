import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Budget } from './budget.ts';
import { keepPace } from './request/pace.ts';
import { normaliseTarget } from './request/request-target.ts';
import { limitSilence } from './silence.ts';

/** Who takes connections over. */
export interface Upgrades {
  /** Whether it wants this request; all others are answered as if they had asked for no upgrade (RFC 9110 7.8). */
  isFor(request: IncomingMessage): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * The HTTP server with the limits of a connection: their number, how long headers may take, how slow a body or a reader
 * may be. A body may take as long as bytes keep coming (a study over a slow line), so there is no limit for the whole.
 */
export function createHttpServer(
  listener: RequestListener,
  { connections, pace }: Budget,
  upgrades?: Upgrades,
): Server {
  const options = {
    connectionsCheckingInterval: Math.min(2000, pace.headers),
    // Java's client asks for h2c with its first request, and means to be answered in any case.
    shouldUpgradeCallback: (request: IncomingMessage) => upgrades?.isFor(request) ?? false,
  };
  const http = createServer(options, (request, answer) => {
    if (normaliseTarget(request)) return listener(request, answer);
    answer.writeHead(400, { 'Content-Type': 'application/json', Connection: 'close' });
    answer.end(JSON.stringify({ error: 'The request line or the Host header is not one that HTTP knows.' }));
  });
  // Every layer waits for the end of an answer: more than the ten from which Node suspects a leak.
  http.prependListener('request', (_request, answer) => answer.setMaxListeners(30));
  if (upgrades) http.on('upgrade', upgrades.upgrade);
  http.maxConnections = connections;
  // Whoever only keeps connections open makes room for whoever comes.
  http.on('drop', () => http.closeIdleConnections());
  http.headersTimeout = pace.headers;
  http.requestTimeout = 0;
  http.keepAliveTimeout = 65_000;
  limitSilence(http, { receiving: pace.silence, answering: pace.working });
  keepPace(http, pace);
  return http;
}

import type { Server } from 'node:http';

/**
 * Ends connections on which nothing moves. While a request comes in, that is a client that has stopped sending; once
 * it is all here, silence mostly means that the server is working, for minutes if a request brought thousands of
 * images of many studies.
 *
 * @param limits in milliseconds
 */
export function limitSilence(http: Server, limits: { receiving: number; answering: number }): void {
  http.timeout = limits.receiving;
  http.on('request', ({ socket }, answer) => {
    answer.req.once('end', () => socket.setTimeout(limits.answering));
    answer.once('close', () => socket.setTimeout(limits.receiving));
  });
}

import { createServer, type Server } from 'node:http';
import type { Metrics } from './metrics.ts';

const keptMs = 1_000;

/**
 * Serves `GET /metrics` on a port of its own: what the numbers tell (how busy, how full, what fails) is for operators,
 * and a network rule is easier to get right for a port than for a path behind a proxy.
 */
export async function serveMetrics(
  metrics: Pick<Metrics, 'contentType' | 'text'>,
  { host, port }: { host: string; port: number },
): Promise<{ port: number; close(): Promise<void> }> {
  let kept: { at: number; text: Promise<string> } | undefined;
  /** Read once a second at most, however many ask. */
  const current = (): Promise<string> => {
    if (kept && performance.now() - kept.at < keptMs) return kept.text;
    const text = metrics.text();
    kept = { at: performance.now(), text };
    return text;
  };
  const server: Server = createServer((asked, answer) => {
    if (asked.url?.split('?')[0] !== '/metrics') return void answer.writeHead(404).end();
    if (asked.method !== 'GET' && asked.method !== 'HEAD')
      return void answer.writeHead(405, { Allow: 'GET, HEAD' }).end();
    current().then(
      (text) => answer.writeHead(200, { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }).end(text),
      () => answer.writeHead(500).end(),
    );
  });
  server.headersTimeout = server.requestTimeout = 5_000;
  server.maxConnections = 20;
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, host, done));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

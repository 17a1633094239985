import { request } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Certificate } from './certificate.ts';

export interface TlsProxy {
  /** `https://localhost:port`. */
  url: string;
  port: number;
  /** Servers that the next requests go to, in turn. */
  forwardTo(...ports: number[]): void;
  close(): Promise<void>;
}

/** What stands in front of the servers in production: it ends TLS, keeps Host, and appends the address that it sees. */
export async function startTlsProxy({ cert, key }: Certificate): Promise<TlsProxy> {
  let behind: number[] = [];
  let turn = 0;
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    const port = behind[turn++ % Math.max(behind.length, 1)];
    const before = incoming.headers['x-forwarded-for'];
    const seen = incoming.socket.remoteAddress ?? '';
    const headers = {
      ...incoming.headers,
      'x-forwarded-for': before === undefined ? seen : `${String(before)}, ${seen}`,
      'x-forwarded-proto': 'https',
      connection: 'keep-alive',
    };
    const onward = request({ host: '127.0.0.1', port, method: incoming.method, path: incoming.url, headers });
    onward.on('response', (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => {
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    });
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  // A connection that becomes another protocol is passed on as it is.
  server.on('upgrade', (incoming, client, head) => {
    const port = behind[turn++ % Math.max(behind.length, 1)];
    if (port === undefined) return void client.destroy();
    const onward = connect(port, '127.0.0.1', () => {
      const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress ?? '', 'x-forwarded-proto': 'https' }; // prettier-ignore
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
      onward.write(head);
      onward.pipe(client).pipe(onward);
    });
    for (const [one, other] of [[onward, client], [client, onward]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy()); // prettier-ignore
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    port,
    forwardTo: (...ports) => (behind = ports),
    close: () => new Promise((done) => server.close(() => done()).closeAllConnections()),
  };
}

import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
});
afterAll(() => server.stop());

/** The status of what is answered to a request as it stands. */
async function statusOf(...lines: string[]): Promise<number> {
  const { port } = new URL(server.url);
  return new Promise((done, fail) => {
    let text = '';
    const socket = connect(Number(port), 'localhost', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('data', (data) => {
      text += data.toString('latin1');
      socket.destroy();
    });
    socket.on('error', fail);
    socket.on('close', () => done(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])));
  });
}

const host = () => `Host: ${new URL(server.url).host}`;

test.each(['http://[', 'http://[::1', 'http://x[/', 'ftp://x/', 'x', '/\u00e9', 'http://', '*'])(
  'GET %s is no request, and the server lives',
  async (target) => {
    expect(await statusOf(`GET ${target} HTTP/1.1`, host())).toBe(400);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  },
);

test('an absolute target is its path, at the host that it names (RFC 9112 3.2.2)', async () => {
  expect(await statusOf(`GET ${server.url}/healthz?x=1 HTTP/1.1`, host())).toBe(200);
  for (const path of ['/fhir/metadata', '/oidc/.well-known/openid-configuration'])
    expect(await statusOf(`GET http://elsewhere.example${path} HTTP/1.1`, host())).toBe(421);
});

test('two hosts are none', async () => {
  expect(await statusOf('GET /healthz HTTP/1.1', host(), 'Host: elsewhere.example')).toBe(400);
});

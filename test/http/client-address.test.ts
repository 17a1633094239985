import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { addressOf, clientAddress, trustedProxies } from '../../server/http/request/client-address.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import type { State } from '../../server/http/state.ts';

const trusted = trustedProxies(['127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48', '::1']);

test.each([
  ['nobody in front', '203.0.113.9', '', '203.0.113.9'],
  ['a stranger who claims to be another', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['one proxy', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['one proxy and an address that the client made up', '10.1.2.3', '192.0.2.66, 203.0.113.9', '203.0.113.9'],
  ['a chain of own proxies', '10.1.2.3', '203.0.113.9, 10.9.9.9,10.8.8.8', '203.0.113.9'],
  ['a client inside the trusted range', '10.1.2.3', '10.9.9.9', '10.9.9.9'],
  ['an IPv4 peer on an IPv6 socket', '::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['an IPv4 client written as IPv6', '::1', '::ffff:cb00:7109', '203.0.113.9'],
  ['IPv6 in another spelling', '2001:db8:1::5', '2001:DB8:2:0:0::1', '2001:db8:2::1'],
  ['IPv6 with brackets, port and quotes', '127.0.0.1', '"[2001:db8:2::1]:4711"', '2001:db8:2::1'],
  ['IPv4 with a port', '127.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
  ['IPv6 with a zone', 'fe80::1%eth0', '203.0.113.9', 'fe80::1'],
  ['garbage from the proxy', '127.0.0.1', 'unknown', '127.0.0.1'],
  ['garbage left of the client', '127.0.0.1', '<script>, 203.0.113.9', '203.0.113.9'],
  ['garbage in the middle', '127.0.0.1', '203.0.113.9, x, 10.0.0.7', '10.0.0.7'],
  ['nothing between commas', '127.0.0.1', ' , ,', '127.0.0.1'],
  ['ten thousand hops', '127.0.0.1', `203.0.113.9${',10.0.0.1'.repeat(10_000)}`, '10.0.0.1'],
  ['a connection that is gone', '', '203.0.113.9', 'unknown'],
])('%s: the client is the right-most address that is no trusted proxy', (_name, peer, header, client) => {
  expect(addressOf(peer, header, trusted)).toBe(client);
});

test.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0', '2001:db8::/129', 'proxy.local', '10.0.0.1/8/8', '10.0.0.0/-1'])(
  '%s is no address and no range',
  (range) => {
    expect(() => trustedProxies([range])).toThrow(range);
  },
);

test('a header that is sent several times counts as one list, in its order', async () => {
  const app = new Koa<State>();
  app.use(clientAddress(trusted));
  app.use((ctx) => {
    ctx.body = ctx.state.clientAddress;
  });
  const server = createServer(koaListener(app));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    const answer = await new Promise<string>((done, fail) => {
      const headers = { 'X-Forwarded-For': ['192.0.2.66', '203.0.113.9', '10.0.0.1'] };
      const call = request({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => done(text));
      });
      call.on('error', fail).end();
    });
    expect(answer).toBe('203.0.113.9');
  } finally {
    await new Promise((done) => server.close(done).closeAllConnections());
  }
});

test('nobody but this one function looks at the peer or at forwarding headers', () => {
  const root = join(import.meta.dirname, '../../server');
  const readers = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .filter((path) =>
      /\b(ctx|request|req)\.ips?\b|\.remoteAddress|['"]x-(forwarded|real)-|app\.proxy\b|provider\.proxy\b/i.test(
        readFileSync(join(root, path), 'utf8'),
      ),
    );
  // An association of DIMSE comes by no proxy: its AE title is bound to addresses.
  const associations = [join('dimse', 'known-peer.ts'), join('dimse', 'listen.ts')];
  expect(readers.toSorted()).toEqual([...associations, join('http', 'request', 'client-address.ts')]);
});

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { keySets, type KeyFetcher } from '../../server/core/accounts/clients/key-sets.ts';
import { registerClient } from '../../server/core/accounts/clients/change-client.ts';
import { Problem } from '../../server/core/problem.ts';
import { keyFetcher } from '../../server/infrastructure/key-fetcher.ts';
import { backendToken, clientAssertion, postToken } from '../harness/sign-in.ts';
import { startSmallServer, type SmallServer } from './small-server.ts';

/** Somebody else's web server: what it answers, and how often it was asked. */
let publisher: Server;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked = 0;
beforeAll(async () => {
  publisher = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((done) => publisher.listen(0, '127.0.0.1', done));
  port = (publisher.address() as AddressInfo).port;
});
afterAll(() => new Promise((done) => publisher.close(done).closeAllConnections()));
beforeEach(() => {
  asked = 0;
});

const json = (body: unknown, headers: Record<string, string> = {}) => {
  answer = (_request, response) =>
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
};

async function makeKey(
  kid: string,
  alg: 'ES384' | 'RS384' | 'ES256' = 'ES384',
): Promise<{ private: JWK; public: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return {
    private: { ...(await exportJWK(privateKey)), kid, alg },
    public: { ...(await exportJWK(publicKey)), kid, alg },
  };
}

const reason = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing was refused',
    (error: unknown) => (error instanceof Problem ? error.message : String(error)),
  );

describe('an address of keys', () => {
  const fetcher = keyFetcher({ hosts: [], loopback: true });
  const here = () => fetcher.read(`http://127.0.0.1:${port}/keys`);

  test('gives its set and how long it may be kept', async () => {
    json({ keys: [] }, { 'Cache-Control': 'public, max-age=120' });
    expect(await here()).toEqual({ set: { keys: [] }, maxAge: 120 });
    json({ keys: [] }, { 'Cache-Control': 'no-store, max-age=120' });
    expect((await here()).maxAge).toBe(0);
    json({ keys: [] });
    expect((await here()).maxAge).toBeUndefined();
  });

  test('that hangs is given up after five seconds, before its headers and in its body', async () => {
    answer = () => undefined;
    const start = performance.now();
    expect(await reason(here())).toContain('5 seconds');
    answer = (_request, response) => {
      response.writeHead(200).write('{"keys":');
      const drip = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(drip));
    };
    expect(await reason(here())).toContain('5 seconds');
    expect(performance.now() - start).toBeLessThan(12_000);
  });

  test('that redirects is not followed', async () => {
    answer = (_request, response) => response.writeHead(302, { Location: `http://127.0.0.1:${port}/other` }).end();
    expect(await reason(here())).toContain('redirects');
    expect(asked).toBe(1);
  });

  test.each([
    ['is too large', () => json({ keys: [], filling: 'x'.repeat(70_000) }), '64 KiB'],
    ['answers an error', () => (answer = (_request, response) => response.writeHead(503).end('{}')), '503'],
    ['sends no JSON', () => (answer = (_request, response) => response.end('<html>secret</html>')), 'no JSON'],
    ['breaks off', () => (answer = (request) => request.socket.destroy()), 'cannot be reached'],
    [
      'compresses',
      () => (answer = (_request, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end('x')),
      'compressed',
    ],
  ])('that %s is refused, without a word of what it said', async (_name, prepare, word) => {
    prepare();
    const said = await reason(here());
    expect(said).toContain(word);
    expect(said).not.toContain('secret');
  });

  const strict = keyFetcher({ hosts: [], loopback: false, resolve: () => Promise.resolve(['10.1.2.3']) });

  test.each([
    'http://keys.example/jwks',
    'http://127.0.0.1/jwks',
    'https://127.0.0.1/jwks',
    'https://[::1]/jwks',
    'https://[::ffff:10.0.0.1]/jwks',
    'https://10.0.0.1/jwks',
    'https://192.168.1.1/jwks',
    'https://169.254.169.254/latest/meta-data',
    'https://168.63.129.16/jwks',
    'https://100.100.100.200/jwks',
    'https://[fd00:ec2::254]/jwks',
    'https://[fe80::1]/jwks',
    'https://[64:ff9b::a00:1]/jwks',
    'https://[64:ff9b:1::a00:1]/jwks',
    'https://[::127.0.0.1]/jwks',
    'https://[::a9fe:a9fe]/jwks',
    'https://[4000::1]/jwks',
    'https://0.0.0.0/jwks',
    'https://2130706433/jwks',
    'https://0x7f.1/jwks',
    'https://user:word@keys.example/jwks',
    'https://keys.example/jwks#a',
    'file:///etc/passwd',
    'ftp://keys.example/jwks',
    'data:application/json,{}',
    'keys.example/jwks',
    'https://keys.example/a b',
    '',
  ])('%s is refused before anything is asked', (url) => {
    expect(() => strict.check(url)).toThrow(Problem);
  });

  test('a name that only begins like an address of this computer is none', () => {
    const demo = keyFetcher({ hosts: [], loopback: true });
    expect(() => demo.check('http://127.evil.example/jwks')).toThrow(/must be https/);
    expect(() => demo.check('http://127.0.0.1:8080/jwks')).not.toThrow();
  });

  test('a name that resolves to the private network is refused, also when one of several addresses does', async () => {
    for (const addresses of [
      ['10.1.2.3'],
      ['8.8.8.8', '127.0.0.1'],
      ['::ffff:192.168.0.1'],
      ['fe80::1'],
      ['169.254.169.254'],
    ]) {
      const fetcher = keyFetcher({ hosts: [], loopback: false, resolve: () => Promise.resolve(addresses) });
      expect(await reason(fetcher.read('https://keys.example/jwks'))).toContain('JWKS_HOSTS');
    }
  });

  test('a name that the settings name may be in the private network, and nowhere near the metadata of a cloud', async () => {
    const named = (addresses: string[]) =>
      keyFetcher({ hosts: ['ehr.internal'], loopback: false, resolve: () => Promise.resolve(addresses) });
    // Refused by the connection, not by the rule: nobody speaks TLS there.
    expect(await reason(named(['127.0.0.1']).read(`https://ehr.internal:${port}/jwks`))).toContain('cannot be reached');
    expect(await reason(named(['169.254.169.254']).read('https://ehr.internal/jwks'))).toContain('reserved network');
    expect(() => named([]).check('http://ehr.internal/jwks')).toThrow('https');
  });

  test('a name that resolves to another address the next moment is connected to where it was checked', async () => {
    let turn = 0;
    let connected = 0;
    const count = () => connected++;
    publisher.on('connection', count);
    const resolve = () => Promise.resolve([turn++ === 0 ? '127.0.0.1' : '127.0.0.9']);
    const rebinding = keyFetcher({ hosts: ['rebinding.internal'], loopback: false, resolve });
    // No TLS is spoken there, but whoever asked the system for this name would not have come so far.
    expect(await reason(rebinding.read(`https://rebinding.internal:${port}/keys`))).toContain('cannot be reached');
    publisher.off('connection', count);
    expect([turn, connected]).toEqual([1, 1]);
  });

  test('a name that is not known is said to be so', async () => {
    const lost = keyFetcher({ hosts: [], loopback: false, resolve: () => Promise.reject(new Error('ENOTFOUND')) });
    expect(await reason(lost.read('https://nowhere.example/jwks'))).toContain('DNS');
  });
});

describe('sets that are kept', () => {
  const minute = 60_000;
  let now = 0;
  let tries = 0;
  let published: { keys: JWK[] } | undefined;
  let maxAge: number | undefined;
  const source: KeyFetcher = {
    check: () => undefined,
    read: async () => {
      tries++;
      if (!published) throw new Problem('transient', 'away');
      return { set: published, maxAge };
    },
  };
  let sets = keySets(source, () => now);
  const kids = async (kid?: string) => (await sets.keysAt('https://keys.example', kid)).keys.map((key) => key.kid);
  let [one, two] = [{} as JWK, {} as JWK];
  beforeAll(async () => {
    one = (await makeKey('one')).public;
    two = (await makeKey('two')).public;
  });
  beforeEach(() => {
    [now, tries, published, maxAge] = [0, 0, { keys: [one] }, 600];
    sets = keySets(source, () => now);
  });

  test('are asked for again when their time is over, at least a minute and at most a day', async () => {
    expect(await kids()).toEqual(['one']);
    now = 599_000;
    await kids();
    expect(tries).toBe(1);
    now = 601_000;
    await kids();
    expect(tries).toBe(2);
    maxAge = 0;
    now = 2_000_000;
    await kids();
    now += 59_000;
    await kids();
    expect(tries).toBe(3);
    maxAge = 10 ** 8;
    now += 2000;
    await kids();
    now += 24 * 60 * minute + 1;
    await kids();
    expect(tries).toBe(5);
  });

  test('are asked for a key that they lack at most once a minute', async () => {
    await kids('one');
    published = { keys: [one, two] };
    now = 30_000;
    expect(await kids('two')).toEqual(['one']);
    now = 61_000;
    expect(await kids('two')).toEqual(['one', 'two']);
    for (let n = 0; n < 50; n++) await kids('three');
    expect(tries).toBe(2);
  });

  test('are good for an hour longer when the address does not answer, and no more', async () => {
    await kids();
    published = undefined;
    now = 601_000;
    expect(await kids()).toEqual(['one']);
    now = 600_000 + 59 * minute;
    expect(await kids()).toEqual(['one']);
    now = 600_000 + 61 * minute;
    expect(await reason(kids())).toBe('away');
    const before = tries;
    for (let n = 0; n < 20; n++) await reason(kids());
    expect(tries).toBe(before);
    published = { keys: [two] };
    now += 11_000;
    expect(await kids()).toEqual(['two']);
  });

  test('are asked for once by many at the same moment', async () => {
    await Promise.all(Array.from({ length: 20 }, () => kids()));
    expect(tries).toBe(1);
  });

  test('leave out keys of no use here, and are refused whole when they give a private key away', async () => {
    const other = await makeKey('p256', 'ES256');
    published = { keys: [one, other.public, { ...two, use: 'enc' }, { ...two, kid: 'one' }] };
    const { judged } = await sets.look('https://keys.example');
    expect(judged.map(({ fault }) => fault === undefined)).toEqual([false, false, false, false]);
    published = { keys: [one, other.public] };
    expect((await sets.look('https://keys.example')).usable.keys.map((key) => key.kid)).toEqual(['one']);
    published = { keys: [(await makeKey('secret')).private] };
    expect(await reason(sets.look('https://keys.example'))).toContain('private key');
  });
});

describe('a service whose keys are at an address', () => {
  let server: SmallServer;
  let key: { private: JWK; public: JWK };
  beforeAll(async () => {
    server = await startSmallServer();
    key = await makeKey('published');
    const keys = keyFetcher({ hosts: [], loopback: true });
    await server.world.transaction((stores) =>
      registerClient(
        stores,
        keys,
        {
          name: 'Published keys',
          kind: 'backend',
          method: 'private_key_jwt',
          redirectUris: [],
          scope: 'system/Patient.rs',
          jwksUri: `http://127.0.0.1:${port}/keys`,
        },
        { id: 'published' },
      ),
    );
  });
  afterAll(() => server.close());

  test('gets a token with a key of the set, and none with another', async () => {
    json({ keys: [key.public] });
    const { access_token: token } = await backendToken(
      server.url,
      { clientId: 'published', key: key.private },
      'system/Patient.rs',
    );
    expect((await server.whoAmI(token)).principal).toMatchObject({ kind: 'client', clientId: 'published' });
    const foreign = await makeKey('published');
    await expect(
      backendToken(server.url, { clientId: 'published', key: foreign.private }, 'system/Patient.rs'),
    ).rejects.toThrow('401');
    expect(asked).toBe(1);
  });

  test('is asked for no key where no signature is checked', async () => {
    answer = () => {
      throw new Error('nobody should ask');
    };
    const address = `${server.url}/oidc/auth?client_id=published&response_type=code`;
    expect((await fetch(address, { redirect: 'manual' })).status).toBe(400);
    expect(asked).toBe(0);
  });

  test('cannot name another address of keys in its assertion', async () => {
    json({ keys: [key.public] });
    const assertion = await clientAssertion(server.url, { clientId: 'published', key: key.private });
    const [, payload] = assertion.split('.');
    const { SignJWT, importJWK } = await import('jose');
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Record<string, unknown>;
    const send = async (jku: string, jti: string) =>
      (
        await postToken(server.url, {
          grant_type: 'client_credentials',
          scope: 'system/Patient.rs',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await new SignJWT({ ...claims, jti })
            .setProtectedHeader({ alg: 'ES384', kid: 'published', jku })
            .sign(await importJWK(key.private, 'ES384')),
        })
      ).status;
    expect(await send('https://attacker.example/keys', 'a')).toBe(401);
    expect(await send(`http://127.0.0.1:${port}/keys`, 'b')).toBe(200);
  });
});

import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveLimits } from '../../server/live/limits.ts';
import { caller, eventually } from '../harness/calls.ts';
import { changeOf, livePage, openLivePage, type LivePage } from '../harness/live-page.ts';
import { colleague, screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// How a channel ends, and who gets none.
let server: TestServer;
/** A second process on the same database, as behind a load balancer. */
let other: TestServer;
let service: ReturnType<typeof caller>;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  other = await startTestServer({ workers: false, beside: server });
  service = caller(server, await server.backend());
});
afterAll(async () => {
  await other.stop();
  await server.stop();
});

const put = async (id: string) =>
  expect((await service.send('PUT', `/fhir/Patient/${id}`, { resourceType: 'Patient', id })).ok).toBe(true);
const there = () => ({ url: other.url });
const fromHere = { Origin: '' };
/** At the other process, whose pages have the address of the first. */
const pageThere = async (token: string): Promise<LivePage> => {
  const page = await openLivePage(there(), { token }, { Origin: server.url });
  await page.until(({ type }) => type === 'welcome', 'the welcome');
  return page;
};

test('what one process writes, pages of another hear within moments', async () => {
  const { access_token: token } = await server.signIn('doctor');
  const page = await pageThere(token);
  await put('across');
  await page.until(changeOf('across'), 'the record');
  page.close();
});

test('a page goes on at another process where it stopped at the first', async () => {
  const { access_token: token } = await server.signIn('doctor');
  const page = await livePage(server, token);
  const witness = await pageThere(token);
  await put('at-the-first');
  await page.until(changeOf('at-the-first'), 'the record');
  // A process that is behind tells twice rather than never.
  await witness.until(changeOf('at-the-first'), 'the record at the other process');
  witness.close();
  page.socket.terminate();
  await put('meanwhile');
  const again = await openLivePage(there(), { token, after: page.cursor() }, { Origin: server.url });
  await again.until(changeOf('meanwhile'), 'what was missed');
  expect(again.told.some(changeOf('at-the-first'))).toBe(false);
  again.close();
});

test('a token that is revoked, of an account that is disabled or has another role, ends its channels within a minute, in other processes too', async () => {
  const admin = screens(server, (await server.signIn('admin')).access_token);
  const people = await Promise.all(['rita', 'dora', 'rolf'].map((name) => colleague(server, name, 'doctor')));
  const [revoked, disabled, changed] = people as [(typeof people)[0], (typeof people)[0], (typeof people)[0]];
  const pages = await Promise.all(people.flatMap(({ tokens }) => [livePage(server, tokens.access_token), pageThere(tokens.access_token)])); // prettier-ignore
  const unconcerned = await pageThere((await server.signIn('doctor')).access_token);
  const body = new URLSearchParams({ token: revoked.tokens.access_token, client_id: 'csss-viewer' });
  expect((await fetch(`${server.url}/oidc/token/revocation`, { method: 'POST', body })).status).toBe(200);
  expect((await admin('POST', `/portal/users/${disabled.id}/disable`, { reason: 'has left the house' })).status).toBe(200); // prettier-ignore
  const role = await admin('PUT', `/portal/users/${changed.id}/role`, {
    role: 'pharmacist',
    reason: 'works there now',
  });
  expect(role.status, role.message).toBe(200);
  const began = performance.now();
  expect(await Promise.all(pages.map(({ closed }) => closed))).toEqual(pages.map(() => 4401));
  expect(performance.now() - began).toBeLessThan(60_000);
  expect(pages.every(({ told }) => told.at(-1)?.reason === 'login')).toBe(true);
  expect(unconcerned.socket.readyState).toBe(unconcerned.socket.OPEN);
  unconcerned.close();
}, 90_000);

test('a renewed token of the same person keeps the channel, that of another person ends it', async () => {
  const page = await livePage(server, (await server.signIn('doctor')).access_token);
  page.send({ type: 'token', token: (await server.signIn('doctor')).access_token });
  await put('after-the-renewal');
  await page.until(changeOf('after-the-renewal'), 'the record');
  page.send({ type: 'token', token: (await server.signIn('admin')).access_token });
  expect(await page.closed).toBe(4401);
});

test.each([
  ['no token', { token: '' }, 1008],
  ['a token that is none', { token: 'a.b.c' }, 4401],
  ['a service', undefined, 4401],
])('who says hello with %s gets no channel', async (_what, hello, code) => {
  const page = await openLivePage(server, hello ?? { token: await server.backend() });
  expect(await page.closed).toBe(code);
});

test.each([
  ['no JSON', 'hello'],
  ['another message first', JSON.stringify({ type: 'token', token: 'x' })],
  ['an array', '[]'],
  ['a name of every object', JSON.stringify({ type: '__proto__' })],
])('a page that says %s is hung up on', async (_what, text) => {
  const page = await openLivePage(server, undefined);
  page.send(text);
  expect(await page.closed).toBe(1008);
});

test('messages that are too long, binary or too many end the channel', async () => {
  const { access_token: token } = await server.signIn('doctor');
  const [long, binary, many, twice] = [await livePage(server, token), await livePage(server, token), await livePage(server, token), await livePage(server, token)]; // prettier-ignore
  long.send({ type: 'token', token, more: 'x'.repeat(liveLimits.messageBytes) });
  expect(await long.closed).toBe(1009);
  binary.socket.send(Buffer.from(JSON.stringify({ type: 'token', token })));
  expect(await binary.closed).toBe(1008);
  for (let i = 0; i <= liveLimits.messagesPerTenSeconds; i++) many.send({ type: 'token', token });
  expect(await many.closed).toBe(1008);
  twice.send({ type: 'hello', token });
  expect(await twice.closed).toBe(1008);
});

test('who says nothing is hung up on', async () => {
  const page = await openLivePage(server, undefined);
  expect(await page.closed).toBe(1008);
});

test('whoever opens channels and says nothing keeps nobody else out', async () => {
  const silent: LivePage[] = [];
  for (let i = 0; i < liveLimits.strangers; i++) silent.push(await openLivePage(server, undefined));
  const page = await livePage(server, (await server.signIn('admin')).access_token);
  expect(await silent[0]!.closed).toBe(1006);
  expect(silent.at(-1)!.socket.readyState).toBe(1); // open
  for (const one of [...silent, page]) one.close();
});

test.each([
  ['another origin', 'https://evil.example'],
  ['none', fromHere.Origin],
  ['null', 'null'],
])('a page of %s gets no channel', async (_what, origin) => {
  await expect(openLivePage(server, undefined, origin === '' ? {} : { Origin: origin })).rejects.toThrow('403');
});

test('one account has so many channels and no more, others are not concerned, and places are given back', async () => {
  const person = await colleague(server, 'tabea', 'doctor');
  const { access_token: token } = person.tokens;
  const pages: LivePage[] = [];
  for (let i = 0; i < liveLimits.perAccount; i++) pages.push(await livePage(server, token));
  const more = await openLivePage(server, { token });
  expect(await more.closed).toBe(1013);
  expect(more.told.at(-1)).toEqual({ type: 'bye', reason: 'full' });
  (await livePage(server, (await server.signIn('admin')).access_token)).close();
  pages.pop()!.close();
  await eventually(async () => {
    const next = await openLivePage(server, { token });
    const [first] = await Promise.race([next.until(({ type }) => type !== 'alive', 'an answer').then((told) => [told]), next.closed.then(() => [undefined])]); // prettier-ignore
    if (first?.type === 'welcome') pages.push(next);
    return first?.type === 'welcome';
  }, 'a place');
  for (const page of pages) page.close();
});

test('requests that ask for another upgrade are answered as if they had not', async () => {
  const answer = await new Promise<{ status: number | undefined; text: string }>((done, fail) => {
    const asking = request(
      `${server.url}/fhir/metadata`,
      { headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA' } },
      (got) => {
        let text = '';
        got.on('data', (piece: Buffer) => (text += piece.toString()));
        got.on('end', () => done({ status: got.statusCode, text }));
      },
    ).on('upgrade', () => fail(new Error('upgraded')));
    asking.once('error', fail).end();
  }); // prettier-ignore
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('CapabilityStatement');
});

test('what is no WebSocket handshake is refused at the address of the channel', async () => {
  const answer = await new Promise<string>((done, fail) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => (text += piece.toString())).on('close', () => done(text)).on('error', fail);
    socket.write(`GET /live HTTP/1.1\r\nHost: localhost\r\nOrigin: ${server.url}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  }); // prettier-ignore
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
});

test('a process that stops says so, takes no more channels, and lets its connections end', async () => {
  const third = await startTestServer({ workers: false, beside: server });
  const { access_token: token } = await server.signIn('doctor');
  const page = await openLivePage({ url: third.url }, { token }, { Origin: server.url });
  await page.until(({ type }) => type === 'welcome', 'the welcome');
  third.system.drain();
  expect(await page.closed).toBe(1012);
  expect(page.told.at(-1)).toEqual({ type: 'bye', reason: 'stopping' });
  await expect(openLivePage({ url: third.url }, { token }, { Origin: server.url })).rejects.toThrow('503');
  await third.stop();
});

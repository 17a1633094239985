import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { networkOf } from '../../server/core/network.ts';
import { argon2Passwords } from '../../server/infrastructure/argon2.ts';
import { callerLimit } from '../../server/smart/caller-limit.ts';
import { authorizeUrl, backendToken, Browser, pkce } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());
beforeEach(() => server.database.sql.query(`delete from sign_in_attempt`));

const app = { clientId: 'demo-app', redirectUri: appRedirect, scope: 'openid launch/patient patient/*.rs' };
const doctor = 'doctor@test.example';

/** A form in front of a browser; the server trusts the loopback peer to say whose browser it is. */
async function signInForm(
  browser = new Browser(server.url),
): Promise<(email: string, word: string, from: string) => Promise<Response>> {
  const { url, response } = await browser.open(
    authorizeUrl(server.url, pkce().challenge, { ...app, parameters: { prompt: 'login' } }),
  );
  const proof = /name="proof" value="([^"]+)"/.exec(await response.text())![1]!;
  return (email, word, from) =>
    browser.request(`${url}/sign-in`, {
      method: 'POST',
      headers: { 'X-Forwarded-For': from },
      body: new URLSearchParams({ proof, email, password: word }),
    });
}

test('a hundred wrong tries from one address hold up that address, and nobody elsewhere', async () => {
  const submit = await signInForm();
  const statuses: number[] = [];
  for (let n = 0; n < 104; n++) statuses.push((await submit(`nobody${n}@test.example`, 'wrong', '203.0.113.1')).status);
  expect(statuses.slice(0, 100).every((status) => status === 403)).toBe(true);
  expect(statuses.slice(100)).toEqual([429, 429, 429, 429]);
  expect((await (await signInForm())(doctor, password, '198.51.100.7')).status).toBe(303);
});

test('who hammers the address of a doctor cannot keep the doctor from the browser that the doctor uses', async () => {
  const own = new Browser(server.url);
  expect((await (await signInForm(own))(doctor, password, '198.51.100.7')).status).toBe(303);
  const stranger = await signInForm();
  // From everywhere at once, the doctor's own building included.
  for (let n = 0; n < 76; n++) await stranger(doctor, 'wrong', n % 8 ? `203.0.${n}.1` : '198.51.100.7');
  const elsewhere = await (await signInForm())(doctor, password, '192.0.2.80');
  expect(elsewhere.status).toBe(429);
  expect((await (await signInForm(own))(doctor, password, '198.51.100.7')).status).toBe(303);
  expect((await (await signInForm(own))(doctor, password, '192.0.2.81')).status).toBe(303);
});

test('a known browser has a count of its own, which is as strict', async () => {
  const own = new Browser(server.url);
  expect((await (await signInForm(own))(doctor, password, '198.51.100.7')).status).toBe(303);
  const submit = await signInForm(own);
  const guesses: number[] = [];
  for (let n = 0; n < 12; n++) guesses.push((await submit(doctor, 'wrong', `203.0.${n}.1`)).status);
  expect(guesses).toEqual([...Array<number>(10).fill(403), 429, 429]);
});

test('a browser is known for who signed in with it, not for others, and shared by several', async () => {
  const shared = new Browser(server.url);
  expect((await (await signInForm(shared))(doctor, password, '198.51.100.7')).status).toBe(303);
  expect((await (await signInForm(shared))('patient@test.example', password, '198.51.100.7')).status).toBe(303);
  const stranger = await signInForm();
  for (let n = 0; n < 11; n++) {
    await stranger(doctor, 'wrong', '198.51.100.7');
    await stranger('patient@test.example', 'wrong', '198.51.100.7');
    await stranger('admin@test.example', 'wrong', '198.51.100.7');
  }
  const statuses = [];
  for (const email of [doctor, 'patient@test.example', 'admin@test.example'])
    statuses.push((await (await signInForm(shared))(email, password, '198.51.100.7')).status);
  expect(statuses).toEqual([303, 303, 429]);
});

test('the cookie of the device is HttpOnly, cannot be made up, and ends with the password', async () => {
  const submit = await signInForm();
  const answer = await submit(doctor, password, '198.51.100.7');
  const line = answer.headers.getSetCookie().find((one) => one.startsWith('csss_device='))!;
  expect(line).toMatch(/Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
  expect(line).not.toContain(server.accounts.doctor.id);
  const genuine = line.slice('csss_device='.length, line.indexOf(';'));
  const stranger = await signInForm();
  for (let n = 0; n < 11; n++) await stranger(doctor, 'wrong', '198.51.100.7');
  const withCookie = async (value: string) => {
    const browser = new Browser(server.url);
    const { url, response } = await browser.open(authorizeUrl(server.url, pkce().challenge, app));
    const proof = /name="proof" value="([^"]+)"/.exec(await response.text())![1]!;
    browser.keep(`csss_device=${value}; Path=/`);
    const form = new URLSearchParams({ proof, email: doctor, password });
    return (
      await browser.request(`${url}/sign-in`, {
        method: 'POST',
        headers: { 'X-Forwarded-For': '198.51.100.7' },
        body: form,
      })
    ).status;
  };
  const [id, proof] = genuine.split('.') as [string, string];
  const madeUp = [
    `${id}.${'A'.repeat(22)}`,
    `${'A'.repeat(22)}.${proof}`,
    id,
    '',
    'x'.repeat(3000),
    `${genuine}${`.${'B'.repeat(22)}`.repeat(9)}`,
  ];
  for (const value of madeUp) expect(await withCookie(value)).toBe(429);
  await server.database.sql.query(`update account set password_hash = password_hash || ' ' where email = $1`, [doctor]);
  expect(await withCookie(genuine)).toBe(429);
  await server.database.sql.query(`update account set password_hash = trim(password_hash) where email = $1`, [doctor]);
  expect(await withCookie(genuine)).toBe(303);
});

test.each([
  ['203.0.113.77', '203.0.113.0', '203.0.113.77'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::', '2001:db8:1:2::'],
  ['2001:db8::6', '2001:db8:0:0::', '2001:db8:0:0::'],
  ['::1', '0:0:0:0::', '0:0:0:0::'],
  ['unknown', 'unknown', 'unknown'],
])('%s counts as %s together with an account, and as %s alone', (address, block, place) => {
  expect(networkOf(address, 24)).toBe(block);
  expect(networkOf(address, 32)).toBe(place);
});

test('of a flood of passwords few are hashed at a time, and the rest is refused at once with a time to come back', async () => {
  const passwords = argon2Passwords({ atOnce: 2, waiting: 6 });
  const stored = await passwords.hash('a long enough password');
  const results = await Promise.allSettled(Array.from({ length: 40 }, () => passwords.verify(stored, 'wrong')));
  const refused = results.filter((one) => one.status === 'rejected');
  expect(refused).toHaveLength(32);
  expect(refused.every((one) => one.reason.code === 'transient' && one.reason.retryAfter === 5)).toBe(true);
  expect(await passwords.verify(stored, 'a long enough password')).toBe(true);
});

test('a flood of wrong secrets and codes cannot fill the audit, nor keep a neighbour from a token', async () => {
  const ask = async (body: Record<string, string>, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${server.url}/oidc/token`, {
      method: 'POST',
      headers: { 'X-Forwarded-For': '203.0.113.200', ...headers },
      body: new URLSearchParams(body),
    });
    await answer.arrayBuffer();
    return answer.status;
  };
  const rows = async () =>
    (
      await server.database.sql.query<{ count: number }>(
        `select count(*) as count from audit where event = 'smart:token'`,
      )
    )[0]!.count;
  const before = await rows();
  const wrongCode = {
    grant_type: 'authorization_code',
    client_id: 'demo-app',
    redirect_uri: appRedirect,
    code: 'x',
    code_verifier: 'x',
  };
  for (let n = 0; n < 200; n++) {
    await ask({ grant_type: 'client_credentials' }, { Authorization: `Basic ${btoa('secret-app:wrong')}` });
    await ask(wrongCode);
  }
  const written = (await rows()) - before;
  expect(written).toBeGreaterThanOrEqual(300);
  expect(written).toBeLessThan(330);
  expect((await backendToken(server.url, server.backend, 'system/Patient.rs')).access_token).toBeDefined();
});

test('starting sign-ins without end is refused with a time to come back, for that address only', async () => {
  const start = (from: string) =>
    fetch(authorizeUrl(server.url, pkce().challenge, app), {
      redirect: 'manual',
      headers: { 'X-Forwarded-For': from },
    });
  const answers = [];
  for (let n = 0; n < 640; n += 20)
    answers.push(...(await Promise.all(Array.from({ length: 20 }, () => start('203.0.113.201')))));
  const held = answers.filter(({ status }) => status === 429);
  expect(held.length).toBeGreaterThan(0);
  expect(Number(held.at(-1)!.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 303).length).toBeGreaterThanOrEqual(600);
  expect((await start('203.0.113.202')).status).toBe(303);
});

test('a limit for callers leaks, and remembers no more of them than it may', () => {
  let time = 0;
  const limit = callerLimit({ burst: 3, perSecond: 2 }, () => time);
  for (let n = 0; n < 3; n++) limit.count('192.0.2.1');
  expect(limit.wait('192.0.2.1')).toBe(1);
  time = 500;
  expect(limit.wait('192.0.2.1')).toBe(0);
  for (let n = 0; n < 3; n++) limit.count('192.0.2.1');
  for (let n = 0; n < 10_000; n++) limit.count(`198.18.${n >> 8}.${n & 255}`);
  expect(limit.wait('192.0.2.1')).toBe(0);
});

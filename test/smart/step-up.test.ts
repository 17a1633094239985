import type { Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeJwt } from 'jose';
import { everything } from '../../server/core/access/narrowing.ts';
import { mustBeFresh } from '../../server/core/accounts/sign-in/fresh-factor.ts';
import type { Principal } from '../../server/core/principal.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { plainQuery } from '../../server/core/search/search-query.ts';
import {
  authorizeUrl,
  Browser,
  freshCode,
  giveTotp,
  pkce,
  postToken,
  stepUp,
  type Tokens,
} from '../harness/sign-in.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { approvedReview, reviewWorld } from '../work/review-world.ts';

let server: TestServer;
let totp: string;
const admin = 'admin@demo.csss.example';

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

function call(method: string, path: string, token: string, body?: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Makes the sign-in of a session, and the app, older than they are. */
async function age(seconds: number): Promise<void> {
  await server.system.sql.query(
    `update oidc_payload set payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload ->> 'loginTs')::integer - $1::integer))
      where model = 'Session' and payload ? 'loginTs'`,
    [seconds],
  );
  await server.system.sql.query(`update second_factor set created_at = now() - make_interval(secs => $1)`, [seconds]);
}

/** With an app of its own, so that no test waits for the next code of another. */
async function signInAs(browser: Browser): Promise<Tokens> {
  await server.system.sql.query(`delete from second_factor`);
  totp = await giveTotp(server.system.world, admin);
  return server.signIn('admin', { totp, browser });
}

test('an old second factor is asked for again by the challenge of RFC 9470, and the live session gives it without the password', async () => {
  const browser = new Browser(server.url);
  await signInAs(browser);
  await age(400);
  const old = (await server.signIn('admin', { browser })).access_token;
  const refused = await call('POST', '/portal/me/recovery-codes', old);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ resourceType: 'OperationOutcome', issue: [{ code: 'login' }] });
  expect(refused.headers.get('www-authenticate')).toMatch(
    /^Bearer error="insufficient_user_authentication", .*acr_values="urn:csss:acr:two-factors", max_age=300$/,
  );

  const { verifier, challenge } = pkce();
  const opened = await browser.open(authorizeUrl(server.url, challenge, { parameters: stepUp }));
  const page = await opened.response.text();
  expect(page).not.toContain('type="password"');
  expect(page).toContain('Type the code of your app');
  const action = /action="([^"]+\/prove)"/.exec(page)![1]!;
  const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
  const wrong = await browser.post(action, new URLSearchParams({ proof, code: '000000' }));
  expect(wrong.response.status).toBe(403);
  const { url } = await browser.post(action, new URLSearchParams({ proof, code: await freshCode(totp) }));
  const code = new URL(url).searchParams.get('code');
  const answer = await postToken(server.url, {
    grant_type: 'authorization_code',
    code: code!,
    redirect_uri: `${server.url}/signed-in`,
    client_id: 'csss-viewer',
    code_verifier: verifier,
  });
  const tokens = (await answer.json()) as { access_token: string; refresh_token: string };
  const done = await call('POST', '/portal/me/recovery-codes', tokens.access_token);
  expect(done.status).toBe(200);
  const { codes } = (await done.json()) as { codes: string[] };
  expect(new Set(codes).size).toBe(10);
});

test.each([
  ['/portal/me/email', { email: 'elsewhere@evil.example' }],
  ['/portal/me/password', { next: 'eleven brave turnips in june' }],
])(
  'a session and the password alone do not change where codes and links go, nor the password: %s',
  async (path, body) => {
    const browser = new Browser(server.url);
    await signInAs(browser);
    await age(400);
    const { access_token: token } = await server.signIn('admin', { totp, browser });
    const answer = await call('POST', path, token, { current: demoPassword, ...body });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('insufficient_user_authentication');
    const waiting = await server.system.sql.query(`select from one_time_link where purpose = 'verify-address'`);
    expect(waiting).toEqual([]);
  },
);

test('a refresh makes no old factor fresh', async () => {
  const browser = new Browser(server.url);
  const tokens = await signInAs(browser);
  const refreshed = await postToken(server.url, {
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token!,
    client_id: 'csss-viewer',
  });
  const { access_token: next } = (await refreshed.json()) as { access_token: string };
  const [before, after] = [decodeJwt(tokens.access_token), decodeJwt(next)];
  expect(after['auth_time']).toBe(before['auth_time']);
  expect(after['acr']).toBe('urn:csss:acr:two-factors');
});

test('a fresh session is not asked twice', async () => {
  const browser = new Browser(server.url);
  await signInAs(browser);
  const { url } = await browser.open(authorizeUrl(server.url, pkce().challenge, { parameters: stepUp }));
  expect(new URL(url).searchParams.get('code')).toBeTruthy();
});

test('without showing pages the app is told that a sign-in is needed', async () => {
  const browser = new Browser(server.url);
  await signInAs(browser);
  await age(400);
  const parameters = { ...stepUp, prompt: 'none' };
  const { url } = await browser.open(authorizeUrl(server.url, pkce().challenge, { parameters }));
  expect(new URL(url).searchParams.get('error')).toBe('login_required');
});

test('who has no second factor and needs none asks for one with the password, and is not refused', async () => {
  const tokens = await server.signIn('doctor', { parameters: stepUp });
  expect(decodeJwt(tokens.access_token)['acr']).toBeUndefined();
  const begun = await call('POST', '/portal/me/factors/totp', tokens.access_token);
  expect(begun.status).toBe(201);
});

test('the release of a report asks for a fresh second factor of whoever has one, by plain FHIR too, and nothing is half done', async () => {
  const place = await reviewWorld({ SECOND_FACTOR_ROLES: 'admin', FOUR_EYES: 'false' });
  try {
    const secret = await giveTotp(place.world, admin);
    await expect(approvedReview(place, 'a@example.org')).rejects.toMatchObject({ code: 'reauthenticate' });
    const { matches } = await place.world.read(({ records }) =>
      records.search(plainQuery('Task', [{ parameter: 'code', values: ['release-approval'] }], 1), () => everything),
    );
    const task = matches[0]!.resource as Task;
    expect(task.status).toBe('in-progress');
    const put = (token: string) =>
      fetch(`${place.server.fhir}/Task/${task.id}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json' },
        body: JSON.stringify({ ...task, status: 'completed' }),
      });
    const browser = new Browser(place.server.url);
    const options = { totp: secret, browser, trust: true };
    await place.server.signIn('admin', options);
    const spared = await place.server.signIn('admin', { ...options, parameters: { prompt: 'login' } });
    const refused = await put(spared.access_token);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('insufficient_user_authentication');
    const fresh = await place.server.signIn('admin', { ...options, parameters: stepUp });
    const done = await put(fresh.access_token);
    expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('"completed"')]);
  } finally {
    await place.stop();
  }
});

const person: Principal = { kind: 'user', subject: 'a', clientId: 'app', role: 'admin', scopes: [] };
const rules = { secondFactorRoles: ['admin'] as const, freshFactorSeconds: 300 };
const now = new Date('2026-11-27T12:00:00Z');
const ago = (seconds: number) => now.getTime() / 1000 - seconds;

test.each([
  ['a fresh factor', { ...person, secondFactorAt: ago(299) }, rules, true],
  ['an old factor', { ...person, secondFactorAt: ago(306) }, rules, false],
  ['no factor in the session', person, rules, false],
  ['a role that need not, without a factor', { ...person, role: 'doctor' }, rules, true],
  [
    'a role that need not, with a factor that was not given',
    { ...person, role: 'doctor', hasFactor: true },
    rules,
    false,
  ],
  ['a service', { ...person, kind: 'client', role: undefined }, rules, true],
  ['the server itself', { ...person, kind: 'system', role: undefined }, rules, true],
] as const)('%s passes or is asked', (_name, principal, settings, may) => {
  const ask = () => mustBeFresh(principal as unknown as Principal, settings, now);
  if (may) ask();
  else expect(ask).toThrow(expect.objectContaining({ code: 'reauthenticate', maxAge: 300 }) as Error);
});

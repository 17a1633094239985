import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Practitioner } from '@medplum/fhirtypes';
import { caller } from '../harness/calls.ts';
import { colleague, goodPassword, linkIn, mailsTo, mailTo, openForm, screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { Browser, postToken, signIn } from '../harness/sign-in.ts';

interface Me {
  id: string;
  name: string;
  email: string;
  person: string;
  language?: string;
  notifications: { reportReady: boolean };
  nameParts: { given: string; family: string };
}
interface Sessions {
  sessions: { id: string; device: string; address: string; signedInAt: string; lastSeenAt: string; current: boolean }[];
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** A browser that says which it is. */
class NamedBrowser extends Browser {
  override request(address: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('User-Agent', firefox);
    return super.request(address, { ...init, headers });
  }
}

async function somebody(name: string) {
  const { id, email, tokens } = await colleague(server, name, 'doctor');
  return { id, email, tokens, call: screens(server, tokens.access_token) };
}

test('name, language and notifications are changed; the Practitioner has the same name', async () => {
  const { call, tokens } = await somebody('renamed');
  const changed = await call<Me>('PATCH', '/portal/me', {
    name: { prefix: 'Prof.', given: 'Re', family: 'Named' },
    language: 'de-ch',
    notifications: { reportReady: false },
  });
  expect(changed).toMatchObject({
    status: 200,
    body: { name: 'Prof. Re Named', language: 'de-CH', notifications: { reportReady: false } },
  });
  const practitioner = await caller(server, tokens.access_token).json<Practitioner>(`/fhir/${changed.body.person}`);
  expect(practitioner.name).toEqual([{ use: 'official', family: 'Named', given: ['Re'], prefix: ['Prof.'] }]);
  for (const bad of [{ language: 'not a language' }, { name: { given: 'x', family: '' } }, { role: 'admin' }])
    expect((await call('PATCH', '/portal/me', bad)).status).toBe(400);
});

test('a patient whose record the clinic keeps has the name there', async () => {
  const call = screens(server, (await server.signIn('patient')).access_token);
  expect((await call('PATCH', '/portal/me', { name: { given: 'A', family: 'B' } })).status).toBe(422);
});

test('a new password asks for the present one, keeps this session and ends the others', async () => {
  const { email, call, tokens } = await somebody('cautious');
  const other = await signIn(server.url, { email, password: goodPassword });
  const next = 'eleven brave turnips in june';
  expect(await call('POST', '/portal/me/password', { current: 'wrong', next })).toMatchObject({ status: 422 });
  expect((await call('POST', '/portal/me/password', { current: goodPassword, next: 'short' })).status).toBe(400);
  expect((await call('POST', '/portal/me/password', { current: goodPassword, next })).status).toBe(204);
  expect((await call('GET', '/portal/me')).status).toBe(200);
  expect((await screens(server, other.access_token)('GET', '/portal/me')).status).toBe(401);
  const renew = (token: string) =>
    postToken(server.url, { grant_type: 'refresh_token', refresh_token: token, client_id: 'csss-viewer' });
  expect((await renew(other.refresh_token!)).status).toBe(400);
  expect((await renew(tokens.refresh_token!)).status).toBe(200);
  await mailTo(server, email, /password was changed/);
  await signIn(server.url, { email, password: next });
});

test('wrong passwords in a signed-in session are counted too', async () => {
  const { call } = await somebody('guesser');
  const codes: number[] = [];
  for (let at = 0; at < 12; at++)
    codes.push((await call('POST', '/portal/me/password', { current: `guess ${at}`, next: goodPassword })).status);
  expect(codes.filter((code) => code === 422)).toHaveLength(10);
  expect(codes.at(-1)).toBe(429);
});

test('sessions are named by their browser, and each is ended with its tokens', async () => {
  const { email } = await colleague(server, 'roamer', 'doctor');
  const browser = new NamedBrowser(server.url);
  const here = await signIn(server.url, { email, password: goodPassword, browser });
  const call = screens(server, here.access_token);
  const there = await signIn(server.url, { email, password: goodPassword });
  const { sessions } = (await call<Sessions>('GET', '/portal/me/sessions')).body;
  expect(sessions).toHaveLength(3); // one of the harness
  const [mine] = sessions.filter(({ current }) => current);
  expect(mine).toMatchObject({ device: 'Firefox on Linux', address: '127.0.0.1' });
  expect(Date.now() - Date.parse(mine!.signedInAt)).toBeLessThan(60_000);
  const [theirs] = (await screens(server, there.access_token)<Sessions>('GET', '/portal/me/sessions')).body.sessions.filter(({ current }) => current); // prettier-ignore
  expect((await call('DELETE', `/portal/me/sessions/${theirs!.id}`)).status).toBe(204);
  expect((await call('DELETE', `/portal/me/sessions/${theirs!.id}`)).status).toBe(404);
  expect((await screens(server, there.access_token)('GET', '/portal/me')).status).toBe(401);
  const renewed = await postToken(server.url, {
    grant_type: 'refresh_token',
    refresh_token: there.refresh_token!,
    client_id: 'csss-viewer',
  });
  expect(renewed.status).toBe(400);
  expect((await call('POST', '/portal/me/sessions/end-others')).status).toBe(204);
  expect((await call<Sessions>('GET', '/portal/me/sessions')).body.sessions.map(({ id }) => id)).toEqual([mine!.id]);
  expect((await browser.request('/connected-apps')).status).toBe(200);
});

test("nobody ends somebody else's session or app", async () => {
  const one = await somebody('owner');
  const other = await somebody('stranger');
  const [session] = (await one.call<Sessions>('GET', '/portal/me/sessions')).body.sessions;
  expect((await other.call('DELETE', `/portal/me/sessions/${session!.id}`)).status).toBe(404);
  expect((await other.call('DELETE', '/portal/me/sessions/%00')).status).toBe(404);
  const [grant] = await server.system.sql.query<{ grant_id: string }>(`select grant_id from smart_grant where account_id = $1`, [one.id]); // prettier-ignore
  expect((await other.call('DELETE', `/portal/me/apps/${grant!.grant_id}`)).status).toBe(404);
  expect((await one.call('GET', '/portal/me')).status).toBe(200);
});

test('connected apps say in words what they may do, and lose their access', async () => {
  const { email, call } = await somebody('connects');
  const { demoApp, seedClients } = await import('../../server/smart/clients.ts');
  await seedClients(server.system.authorizations, { publicUrl: server.url, apps: [demoApp] });
  const app = { clientId: demoApp.id, redirectUri: 'http://127.0.0.1/callback' };
  const scope = 'openid fhirUser offline_access user/ImagingStudy.rs';
  const tokens = await signIn(server.url, { email, password: goodPassword, ...app, scope });
  type Apps = { apps: { id: string; name: string; may: string[] }[] };
  const { apps } = (await call<Apps>('GET', '/portal/me/apps')).body;
  expect(apps).toMatchObject([{ name: 'Demo SMART app' }]);
  expect(apps[0]!.may).toContain('See ImagingStudy records that you have access to');
  expect((await screens(server, tokens.access_token)('GET', '/portal/me')).status).toBe(403);
  expect((await call('DELETE', `/portal/me/apps/${apps[0]!.id}`)).status).toBe(204);
  expect((await call<Apps>('GET', '/portal/me/apps')).body.apps).toEqual([]);
  const asked = await fetch(`${server.fhir}/ImagingStudy`, {
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  });
  expect(asked.status).toBe(401);
});

test('another address counts when it is confirmed there; the old one hears of it, and its links are void', async () => {
  const { email, call } = await somebody('moves');
  const wanted = 'moved-to@staff.example';
  expect((await call('POST', '/portal/me/email', { email: wanted, current: 'wrong' })).status).toBe(422);
  expect((await call('POST', '/portal/me/email', { email: 'no address', current: goodPassword })).status).toBe(400);
  expect((await call('POST', '/portal/me/email', { email: wanted, current: goodPassword })).status).toBe(202);
  await mailTo(server, email, /shall have another|Your account shall/);
  const path = linkIn(await mailTo(server, wanted, /Confirm your new/));
  expect((await call<Me>('GET', '/portal/me')).body.email).toBe(email);
  const form = await openForm(server, path);
  expect(form.html).toContain(wanted);
  expect((await form.submit({})).html).toContain('Your address is confirmed');
  expect((await form.submit({})).status).toBe(410);
  expect((await call<Me>('GET', '/portal/me')).body.email).toBe(wanted);
  await mailTo(server, email, /has another e-mail address/);
  await expect(signIn(server.url, { email, password: goodPassword })).rejects.toMatchObject({ status: 403 });
  await signIn(server.url, { email: wanted, password: goodPassword });
});

test('an address that somebody else has is not told apart, and gets no link', async () => {
  const { call } = await somebody('nosy');
  const email = 'pharmacist@demo.csss.example';
  expect((await call('POST', '/portal/me/email', { email, current: goodPassword })).status).toBe(202);
  expect((await mailsTo(server, email)).filter(({ subject }) => /Confirm/.test(subject))).toEqual([]);
});

test('of two who confirm one address the second is refused and keeps the own', async () => {
  const [one, other] = [await somebody('first'), await somebody('second')];
  const email = 'shared@staff.example';
  await one.call('POST', '/portal/me/email', { email, current: goodPassword });
  const first = await mailTo(server, email, /Confirm/);
  await other.call('POST', '/portal/me/email', { email, current: goodPassword });
  const second = await mailTo(server, email, /Confirm/, first.id);
  expect((await (await openForm(server, linkIn(first))).submit({})).status).toBe(200);
  expect((await (await openForm(server, linkIn(second))).submit({})).status).toBe(409);
  expect((await other.call<Me>('GET', '/portal/me')).body.email).toBe(other.email);
});

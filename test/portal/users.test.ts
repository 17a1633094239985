import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Practitioner } from '@medplum/fhirtypes';
import { disableAccount } from '../../server/core/accounts/people/change-access.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { caller } from '../harness/calls.ts';
import { answerInvitation, colleague, goodPassword, linkIn, mailTo, screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { Browser, postToken, signIn } from '../harness/sign-in.ts';

interface User {
  id: string;
  email: string;
  name: string;
  role: string;
  person: string;
  state: string;
  lastSignInAt?: string;
  invitationEndsAt?: string;
  sessions: { device: string }[];
}

let server: TestServer;
let admin: ReturnType<typeof screens>;
beforeAll(async () => {
  server = await startTestServer();
  admin = screens(server, (await server.signIn('admin')).access_token);
});
afterAll(() => server.stop());

let count = 0;
const invite = async (role = 'doctor', more: Record<string, unknown> = {}) => {
  const email = `new-${++count}@staff.example`;
  const answer = await admin<User>('POST', '/portal/users', { email, role, given: 'Nora', family: 'Neu', ...more });
  return { email, answer };
};

test('who is invited has a named Practitioner and an account that nobody can sign in to before the link was used', async () => {
  const { email, answer } = await invite('doctor', {
    prefix: 'Dr.',
    qualification: 'MD, Radiology',
    identifier: { value: '4711' },
  });
  expect(answer).toMatchObject({
    status: 201,
    body: { email, state: 'invited', role: 'doctor', name: 'Dr. Nora Neu' },
  });
  const token = (await server.signIn('doctor')).access_token;
  const practitioner = await caller(server, token).json<Practitioner>(`/fhir/${answer.body.person}`);
  expect(practitioner).toMatchObject({
    name: [{ family: 'Neu', given: ['Nora'], prefix: ['Dr.'] }],
    qualification: [{ code: { text: 'MD, Radiology' } }],
    identifier: [{ value: '4711' }],
  });
  const mail = await mailTo(server, email, /Your account/);
  expect(linkIn(mail)).toMatch(/^\/account\/link\//);
  expect(mail.text).not.toContain('Neu');
  for (const password of ['', goodPassword, 'null'])
    await expect(signIn(server.url, { email, password })).rejects.toMatchObject({ status: 403 });
});

test.each([
  ['a second account of an address', { email: 'ADMIN@demo.csss.example' }, 409],
  ['two addresses in one', { email: 'a@x.example,b@x.example' }, 400],
  ['a missing family name', { family: '   ' }, 400],
  ['a name with a control character', { given: 'No\u0007ra' }, 400],
  ['a role that there is not', { role: 'root' }, 400],
  ['staff who shall be a patient of the clinic', { patient: 'demo-patient-1' }, 422],
  ['a patient with a qualification', { role: 'patient', qualification: 'MD' }, 422],
  ['a patient who is not there', { role: 'patient', patient: 'nobody' }, 404],
  ['an unknown member', { isAdmin: true }, 400],
])('an invitation of %s is refused, and nothing is made', async (_name, more, status) => {
  const before = await admin<{ total: number }>('GET', '/portal/users');
  expect((await invite('doctor', more)).answer.status).toBe(status);
  expect((await admin<{ total: number }>('GET', '/portal/users')).body.total).toBe(before.body.total);
}); // prettier-ignore

test('an invitation that is sent again voids the first link', async () => {
  const { email, answer } = await invite();
  const first = await mailTo(server, email, /Your account/);
  expect((await admin('POST', `/portal/users/${answer.body.id}/invite`)).status).toBe(200);
  const second = await mailTo(server, email, /Your account/, first.id);
  expect(linkIn(second)).not.toBe(linkIn(first));
  const links = await server.system.sql.query(`select from one_time_link where account_id = $1`, [answer.body.id]);
  expect(links).toHaveLength(1);
  await answerInvitation(server, answer.body.id);
  expect(await admin('POST', `/portal/users/${answer.body.id}/invite`)).toMatchObject({ status: 409 });
});

test('who is disabled while invited has no link that works, and needs a new invitation', async () => {
  const { answer } = await invite();
  const { id } = answer.body;
  expect(
    await admin<User>('POST', `/portal/users/${id}/disable`, { reason: 'left before the first day' }),
  ).toMatchObject({
    status: 200,
    body: { state: 'disabled' },
  });
  expect(await server.system.sql.query(`select from one_time_link where account_id = $1`, [id])).toEqual([]);
  expect((await admin('POST', `/portal/users/${id}/invite`)).status).toBe(409);
  expect(await admin<User>('POST', `/portal/users/${id}/enable`)).toMatchObject({ body: { state: 'invited' } });
  const again = await admin<User>('POST', `/portal/users/${id}/invite`);
  expect(again.body.invitationEndsAt).toBeDefined();
});

test('the list is found by text, role and state, in pages, with a total', async () => {
  const people = await Promise.all(Array.from({ length: 3 }, () => invite('pharmacist', { family: 'Zaehler%_' })));
  expect(people.map(({ answer }) => answer.status)).toEqual([201, 201, 201]);
  type List = { users: User[]; total: number };
  const page = await admin<List>('GET', `/portal/users?text=${encodeURIComponent('zaehler%_')}&limit=2&offset=2`);
  expect(page.body.total).toBe(3);
  expect(page.body.users).toHaveLength(1);
  expect((await admin<List>('GET', '/portal/users?text=%25%25')).body.total).toBe(0);
  expect((await admin<List>('GET', '/portal/users?state=active&role=doctor')).body.users.map(({ email }) => email)).toContain('doctor@demo.csss.example'); // prettier-ignore
  expect((await admin('GET', '/portal/users?limit=100000')).status).toBe(400);
});

test('a disabled user loses token, refresh, session, FHIR and DICOMweb within a minute, in other processes too', async () => {
  const other = await startTestServer({ beside: server, workers: false });
  try {
    const { id, email } = await colleague(server, 'leaver', 'doctor');
    const browser = new Browser(server.url);
    const tokens = await signIn(server.url, { email, password: goodPassword, browser });
    const elsewhere = other.url;
    const ask = (base: string, path: string) =>
      fetch(base + path, { headers: { Authorization: `Bearer ${tokens.access_token}` } }).then(({ status }) => status);
    expect(await ask(elsewhere, '/fhir/Patient')).toBe(200);
    expect((await admin<User>('GET', `/portal/users/${id}`)).body.sessions.length).toBeGreaterThan(0);
    expect((await admin('POST', `/portal/users/${id}/disable`)).status).toBe(200);
    for (const path of ['/fhir/Patient', '/dicomweb/studies', '/portal/me'])
      expect(await ask(server.url, path)).toBe(401);
    const refreshed = await postToken(server.url, {
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token!,
      client_id: 'csss-viewer',
    });
    expect(refreshed.status).toBe(400);
    const introspected = await fetch(`${server.url}/oidc/token/introspection`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${(await server.signIn('admin')).access_token}` },
      body: new URLSearchParams({ token: tokens.access_token }),
    });
    expect(await introspected.json()).toEqual({ active: false });
    expect((await browser.request('/connected-apps')).status).toBe(401);
    await expect(signIn(server.url, { email, password: goodPassword })).rejects.toMatchObject({ status: 403 });
    const start = Date.now();
    while ((await ask(elsewhere, '/fhir/Patient')) === 200 && Date.now() - start < 60_000)
      await new Promise((done) => setTimeout(done, 1000));
    expect(await ask(elsewhere, '/fhir/Patient')).toBe(401);
    expect(Date.now() - start).toBeLessThan(30_000);
  } finally {
    await other.stop();
  }
}, 90_000);

test('a changed role ends what was granted, keeps the Practitioner, and tells the person', async () => {
  const { id, email, tokens } = await colleague(server, 'mover', 'doctor');
  const before = (await admin<User>('GET', `/portal/users/${id}`)).body;
  const changed = await admin<User>('PUT', `/portal/users/${id}/role`, {
    role: 'admin',
    reason: 'runs the department now',
  });
  expect(changed).toMatchObject({ status: 200, body: { role: 'admin', person: before.person, sessions: [] } });
  expect((await screens(server, tokens.access_token)('GET', '/portal/me')).status).toBe(401);
  expect((await mailTo(server, email, /another role/)).text).toContain('admin');
  const now = screens(server, (await signIn(server.url, { email, password: goodPassword })).access_token);
  expect((await now('GET', '/portal/users')).status).toBe(200);
  expect((await admin('PUT', `/portal/users/${id}/role`, { role: 'patient', reason: 'no reason' })).status).toBe(422);
  expect((await admin('PUT', `/portal/users/${id}/role`, { role: 'doctor', reason: '' })).status).toBe(400);
  await admin('PUT', `/portal/users/${id}/role`, { role: 'doctor', reason: 'back again' });
});

test('a role that was changed while its page was open is told, with who did it', async () => {
  const { id } = await colleague(server, 'twice', 'doctor');
  const act = { role: 'pharmacist', reason: 'moves to the pharmacy', from: 'doctor' };
  expect((await admin('PUT', `/portal/users/${id}/role`, act)).status).toBe(200);
  const second = await admin('PUT', `/portal/users/${id}/role`, { ...act, role: 'admin' });
  expect(second.status).toBe(409);
  expect(second.message).toContain('The role is pharmacist by now, changed by Tomas Novak at ');
});

test('nobody disables or demotes themselves, nor the last administrator', async () => {
  const me = (await admin<User>('GET', '/portal/me')).body;
  expect(await admin('POST', `/portal/users/${me.id}/disable`)).toMatchObject({ status: 422 });
  expect(await admin('PUT', `/portal/users/${me.id}/role`, { role: 'doctor', reason: 'tired of it' })).toMatchObject({ status: 422 }); // prettier-ignore
  // An administrator who was invited and never answered does not count: nobody could sign in.
  await invite('admin');
  const others = await server.system.sql.query<{ id: string }>(
    `select id from account where role = 'admin' and not disabled and password_hash is not null`,
  );
  expect(others).toHaveLength(1);
  const byOperator = inOneTransaction(server.system.world, { principal: systemPrincipal('manage') }, (context) =>
    disableAccount(context, me.id),
  );
  await expect(byOperator).rejects.toMatchObject({ code: 'business-rule' });
});

test('of two administrators who lock each other out at once one stays', async () => {
  for (let round = 0; round < 3; round++) {
    const one = await colleague(server, `left${round}`, 'admin');
    const other = await colleague(server, `right${round}`, 'admin');
    const answers = await Promise.all([
      screens(server, one.tokens.access_token)('POST', `/portal/users/${other.id}/disable`),
      screens(server, other.tokens.access_token)('POST', `/portal/users/${one.id}/disable`),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, expect.toBeOneOf([401, 403])]);
    const standing = await server.system.sql.query(`select from account where id = any ($1) and not disabled`, [[one.id, other.id]]); // prettier-ignore
    expect(standing).toHaveLength(1);
    await server.system.sql.query(`update account set disabled = true where id = any ($1)`, [[one.id, other.id]]);
  }
});

test('the same act of two administrators at once is done once, and the other hears who did it', async () => {
  const helper = await colleague(server, 'helper', 'admin');
  const { id } = await colleague(server, 'wanted', 'doctor');
  const second = screens(server, helper.tokens.access_token);
  const path = `/portal/users/${id}/disable`;
  const answers = await Promise.all([admin('POST', path), second('POST', path)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)!.message).toMatch(/disabled already, changed by .+ at /);
  await admin('POST', `/portal/users/${helper.id}/disable`);
});

test('sessions that are ended, and factors that are reset, sign the person out; the reset mails a link', async () => {
  const { id, email } = await colleague(server, 'phone', 'doctor');
  const signedIn = async () =>
    screens(server, (await signIn(server.url, { email, password: goodPassword })).access_token);
  const first = await signedIn();
  expect((await admin('POST', `/portal/users/${id}/end-sessions`)).status).toBe(200);
  expect((await first('GET', '/portal/me')).status).toBe(401);
  const second = await signedIn();
  expect((await admin('POST', `/portal/users/${id}/reset-factors`)).status).toBe(200);
  expect((await second('GET', '/portal/me')).status).toBe(401);
  expect(linkIn(await mailTo(server, email, /second factor/))).toMatch(/^\/account\/link\//);
});

test('a corrected name reaches the Practitioner; a corrected address is confirmed first', async () => {
  const { id, email } = await colleague(server, 'maiden', 'doctor');
  const changed = await admin<User>('PATCH', `/portal/users/${id}`, { family: 'Wed', qualification: 'MD', email: 'wed@staff.example' }); // prettier-ignore
  expect(changed).toMatchObject({ status: 200, body: { name: 'maiden Wed', email } });
  const token = (await server.signIn('doctor')).access_token;
  expect(await caller(server, token).json(`/fhir/${changed.body.person}`)).toMatchObject({
    name: [{ family: 'Wed', given: ['maiden'] }],
    qualification: [{ code: { text: 'MD' } }],
  });
  expect(linkIn(await mailTo(server, 'wed@staff.example', /Confirm/))).toMatch(/^\/account\/verify\//);
  await mailTo(server, email, /shall have another e-mail address/);
  const { email: old, answer } = await invite();
  const moved = await admin<User>('PATCH', `/portal/users/${answer.body.id}`, { email: 'moved@staff.example' });
  expect(moved.body.email).toBe('moved@staff.example');
  expect(old).not.toBe('moved@staff.example');
  await mailTo(server, 'moved@staff.example', /Your account/);
});

test('users are for administrators through our own application, and each act leaves its rows', async () => {
  for (const role of ['doctor', 'pharmacist', 'patient'] as const) {
    const ask = screens(server, (await server.signIn(role)).access_token);
    expect((await ask('GET', '/portal/users')).status).toBe(403);
    expect((await ask('POST', '/portal/users', {})).status).toBe(403);
  }
  expect((await screens(server, await server.backend())('GET', '/portal/users')).status).toBe(403);
  const rows = await server.system.sql.query<{ event: string }>(`select distinct event from audit where event like 'account:%' or event like 'portal:user%'`); // prettier-ignore
  expect(rows.map(({ event }) => event)).toEqual(
    expect.arrayContaining([
      'account:invite',
      'account:disable',
      'account:role',
      'account:factor',
      'portal:user-invite',
    ]),
  );
});

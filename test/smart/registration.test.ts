import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Patient } from '@medplum/fhirtypes';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { caller, eventually } from '../harness/calls.ts';
import { goodPassword, linkIn, mailsTo, mailTo, openForm, screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { signIn } from '../harness/sign-in.ts';

interface Me {
  id: string;
  person: string;
  tied: boolean;
  name: string;
}

let server: TestServer;
let doctor: ReturnType<typeof screens>;
beforeAll(async () => {
  server = await startTestServer();
  doctor = screens(server, (await server.signIn('doctor')).access_token);
});
afterAll(() => server.stop());

const person = { given: 'Ines', family: 'Probe', birthDate: '1981-03-04' };
let count = 0;

/** The limits are by network, and every test comes from one. */
const forgetTries = () => server.system.sql.query(`delete from sign_in_attempt`);

async function ask(email: string, more: Record<string, string> = {}) {
  await forgetTries();
  const form = await openForm(server, '/account/register');
  return form.submit({ email, ...person, ...more });
}

/** Registered, confirmed and signed in. */
async function registered(more: Record<string, string> = {}) {
  const email = `patient-${++count}@home.example`;
  await ask(email, more);
  const link = linkIn(await mailTo(server, email, /Confirm/));
  const done = await (await openForm(server, link)).submit({ password: goodPassword });
  expect(done.html).toContain('Your account is ready');
  const token = (await signIn(server.url, { email, password: goodPassword })).access_token;
  const call = screens(server, token);
  return { email, token, call, me: (await call<Me>('GET', '/portal/me')).body, link };
}

async function knownPatient(id: string, more: Partial<Patient> = {}): Promise<string> {
  await writeInTransaction(server.system.world, systemPrincipal('test'), {
    method: 'update',
    id,
    resource: { resourceType: 'Patient', id, active: true, name: [{ given: ['Ines'], family: 'Probe' }], birthDate: '1981-03-04', ...more },
  }); // prettier-ignore
  return id;
}

const accountsOf = (email: string) => server.system.sql.query(`select id from account where lower(email) = lower($1)`, [email]); // prettier-ignore

test('there is no account before the address is confirmed; then there is one with an empty record of its own', async () => {
  await knownPatient('same-name-and-date');
  const email = `patient-${++count}@home.example`;
  expect((await ask(email)).html).toContain('Look into your mail');
  const mail = await mailTo(server, email, /Confirm/);
  expect(mail.text).not.toMatch(/Ines|Probe|1981/);
  expect(await accountsOf(email)).toEqual([]);
  const page = await openForm(server, linkIn(mail));
  expect(page.headers.get('cache-control')).toBe('no-store');
  await openForm(server, linkIn(mail)); // a mail scanner uses nothing up
  expect((await page.submit({ password: 'short' })).html).toContain('Use at least 15 characters');
  expect((await page.submit({ password: goodPassword })).html).toContain('Your account is ready');
  const token = (await signIn(server.url, { email, password: goodPassword })).access_token;
  const me = (await screens(server, token)<Me>('GET', '/portal/me')).body;
  expect(me).toMatchObject({ tied: false, name: 'Ines Probe', role: 'patient', verified: true });
  expect(me.person).not.toBe('Patient/same-name-and-date');
  const own = await caller(server, token).search<Patient>('Patient');
  expect(own).toMatchObject([{ name: [{ given: ['Ines'], family: 'Probe' }], birthDate: '1981-03-04' }]);
});

test('a link works once, and an unknown, a used, an old and a foreign one look the same', async () => {
  const { link } = await registered();
  const word = link.split('/').at(-1)!;
  const email = `patient-${++count}@home.example`;
  await ask(email);
  const old = linkIn(await mailTo(server, email, /Confirm/));
  await server.system.sql.query(`update one_time_link set expires_at = now() - interval '1 second' where data ->> 'email' = $1`, [email]); // prettier-ignore
  const dead = [
    link,
    old,
    `/account/verify/${'a'.repeat(43)}`,
    `/account/reset-password/${word}`,
    '/account/verify/%00',
  ];
  for (const path of dead) {
    const page = await openForm(server, path);
    expect(page.status, path).toBe(410);
    expect(page.html).toContain('This link does not work');
  }
});

test('an address that has an account gets a mail that says so, and the page and its time do not', async () => {
  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  const pages = new Set<string>();
  for (let round = 0; round < 4; round++)
    for (const kind of ['known', 'unknown'] as const) {
      const email = kind === 'known' ? 'patient@demo.csss.example' : `nobody-${round}@home.example`;
      const start = performance.now();
      const { status, html } = await ask(email);
      times[kind].push(performance.now() - start);
      pages.add(`${status} ${html}`);
    }
  expect(pages.size).toBe(1);
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[2]!;
  expect(Math.abs(median(times.known) - median(times.unknown))).toBeLessThan(150);
  const mail = await mailTo(server, 'patient@demo.csss.example', /You have an account/);
  expect(mail.text).not.toMatch(/account\/verify/);
});

test('of two sign-ups of one address the first that confirms gets the account', async () => {
  const email = `patient-${++count}@home.example`;
  await ask(email);
  const first = await mailTo(server, email, /Confirm/);
  const shouted = email.replace('patient', 'PATIENT');
  await ask(shouted, { given: 'Other' });
  const second = await mailTo(server, shouted, /Confirm/, first.id);
  const forms = [await openForm(server, linkIn(first)), await openForm(server, linkIn(second))];
  const answers = await Promise.all(forms.map((form) => form.submit({ password: goodPassword })));
  expect(answers.filter(({ html }) => html.includes('Your account is ready'))).toHaveLength(1);
  expect(answers.find(({ status }) => status !== 200)!.html).toContain('This address has an account');
  expect(await accountsOf(email)).toHaveLength(1);
});

test.each([
  ['no address', { email: 'nobody' }, 'This is not an e-mail address.'],
  ['no family name', { family: ' ' }, 'Give the given name and the family name'],
  ['a date that there is not', { birthDate: '2001-02-30' }, 'Give the date of birth'],
  ['a birth to come', { birthDate: '2999-01-01' }, 'Nobody who registers was born'],
])('a form with %s comes back with what was typed, and the fault at its field', async (_name, fields, message) => {
  const { status, html } = await ask('typed@home.example', fields);
  expect(status).toBe(400);
  expect(html).toContain(message);
  expect(html).toContain('aria-invalid="true"');
  expect(html).toContain('value="Ines"');
  expect(await mailsTo(server, 'typed@home.example')).toEqual([]);
});

test('a form from elsewhere is refused, and a network that asks without end waits', async () => {
  await forgetTries();
  const form = await openForm(server, '/account/register');
  expect((await form.submit({ email: 'a@home.example', ...person, proof: 'x' })).status).toBe(403);
  const flood = Array.from({ length: 24 }, (_, at) => form.submit({ email: `flood-${at}@home.example`, ...person }));
  const codes = (await Promise.all(flood)).map(({ status }) => status);
  expect(codes.filter((code) => code === 200)).toHaveLength(20);
  expect(codes.filter((code) => code === 429)).toHaveLength(4);
  await forgetTries();
});

test('an address gets four mails at most in a row, and the page does not show it', async () => {
  const email = 'bombed@home.example';
  await forgetTries();
  const form = await openForm(server, '/account/register');
  for (let at = 0; at < 7; at++)
    expect((await form.submit({ email, ...person })).html).toContain('Look into your mail');
  await eventually(async () => (await mailsTo(server, email)).length >= 4, 'the mails');
  await new Promise((done) => setTimeout(done, 1500));
  expect((await mailsTo(server, email)).length).toBe(4);
});

test('a code of the clinic ties the account to its record, once, and the sign-in goes on', async () => {
  const id = await knownPatient('tied-by-code');
  const { email, call, me } = await registered();
  const { status, body } = await doctor<{ code: string; endsAt: string }>('POST', `/portal/patients/${id}/code`);
  expect(status).toBe(201);
  expect(body.code).toMatch(/^[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{4}){2}$/);
  const [stored] = await server.system.sql.query(`select * from patient_code where patient_id = $1`, [id]);
  expect(JSON.stringify(stored)).not.toContain(body.code.replaceAll('-', '').slice(4));
  const typed = body.code.toLowerCase().replaceAll('-', ' ');
  const tied = await call<Me>('POST', '/portal/me/patient-code', { code: typed });
  expect(tied).toMatchObject({ status: 200, body: { tied: true, person: `Patient/${id}` } });
  expect((await call('GET', '/portal/me')).status).toBe(401); // what was granted was for the other record
  await mailTo(server, email, /Your records/);
  const token = (await signIn(server.url, { email, password: goodPassword })).access_token;
  expect((await caller(server, token).search<Patient>('Patient')).map((one) => one.id)).toEqual([id]);
  const retired = await caller(server, (await server.signIn('admin')).access_token).json<Patient>(`/fhir/${me.person}`);
  expect(retired.active).toBe(false);
  const other = await registered();
  expect((await other.call('POST', '/portal/me/patient-code', { code: body.code })).status).toBe(422);
  const rows = await server.system.sql.query(`select patients from audit where event = 'account:tie'`);
  expect(rows).toHaveLength(1);
});

test('five wrong codes in an hour, and no more; the sixth is not looked at', async () => {
  const id = await knownPatient('guessed');
  const { call } = await registered();
  const { body } = await doctor<{ code: string }>('POST', `/portal/patients/${id}/code`);
  const wrong = `${body.code.slice(0, -4)}2222`;
  for (const code of [wrong, 'ABC', wrong, '', 'x'.repeat(90)])
    expect((await call('POST', '/portal/me/patient-code', { code })).status).toBe(422);
  expect((await call('POST', '/portal/me/patient-code', { code: body.code })).status).toBe(429);
  const { call: parallel } = await registered();
  const answers = await Promise.all(Array.from({ length: 9 }, () => parallel('POST', '/portal/me/patient-code', { code: wrong }))); // prettier-ignore
  expect(answers.filter(({ status }) => status === 422)).toHaveLength(5);
});

test('a new code of a patient voids the old one, and one that is over does nothing', async () => {
  const id = await knownPatient('two-codes');
  const { call } = await registered();
  const first = (await doctor<{ code: string }>('POST', `/portal/patients/${id}/code`)).body.code;
  const second = (await doctor<{ code: string }>('POST', `/portal/patients/${id}/code`)).body.code;
  expect((await call('POST', '/portal/me/patient-code', { code: first })).status).toBe(422);
  await server.system.sql.query(`update patient_code set expires_at = now() where patient_id = $1`, [id]);
  expect((await call('POST', '/portal/me/patient-code', { code: second })).status).toBe(422);
  expect((await doctor('POST', '/portal/patients/nobody/code')).status).toBe(404);
});

test('staff confirm a registration once; what the patient had sent comes along', async () => {
  const id = await knownPatient('tied-by-staff');
  const { email, me } = await registered();
  const [, own] = me.person.split('/');
  await writeInTransaction(server.system.world, systemPrincipal('test'), {
    method: 'update',
    id: 'sent-by-the-patient',
    resource: { resourceType: 'Basic', id: 'sent-by-the-patient', code: { text: 'A letter' }, subject: { reference: me.person as `Patient/${string}` } },
  }); // prettier-ignore
  type Waiting = { registrations: { userId: string; email: string; birthDate: string }[]; total: number };
  const waiting = (await doctor<Waiting>('GET', '/portal/registrations?limit=200')).body;
  expect(waiting.registrations.find((one) => one.userId === me.id)).toMatchObject({ email, birthDate: '1981-03-04' });
  const tie = `/portal/registrations/${me.id}/tie`;
  expect((await doctor('POST', tie, { patient: own })).status).toBe(422);
  expect((await doctor('POST', tie, { patient: 'nobody' })).status).toBe(404);
  const answers = await Promise.all([doctor('POST', tie, { patient: id }), doctor('POST', tie, { patient: id })]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const token = (await signIn(server.url, { email, password: goodPassword })).access_token;
  expect(await caller(server, token).json('/fhir/Basic/sent-by-the-patient')).toMatchObject({ subject: { reference: `Patient/${id}` } }); // prettier-ignore
  const after = (await doctor<Waiting>('GET', '/portal/registrations?limit=200')).body;
  expect(after.registrations.some((one) => one.userId === me.id)).toBe(false);
});

test('patients neither see registrations nor hand out codes, and staff have none to type in', async () => {
  const { call } = await registered();
  expect((await call('GET', '/portal/registrations')).status).toBe(403);
  expect((await call('POST', '/portal/patients/demo-patient-1/code')).status).toBe(403);
  expect((await doctor('POST', '/portal/me/patient-code', { code: 'ABCD-EFGH-JKMN' })).status).toBe(403);
});

test('where registration is closed there is no form, and a link from before makes no account', async () => {
  const email = `patient-${++count}@home.example`;
  await ask(email);
  const link = linkIn(await mailTo(server, email, /Confirm/));
  const form = await openForm(server, link);
  const { settings } = server.system.world;
  settings.registration = 'closed';
  try {
    expect((await openForm(server, '/account/register')).status).toBe(404);
    expect((await openForm(server, link)).status).toBe(410);
    expect((await form.submit({ password: goodPassword })).status).not.toBe(200);
    expect(await accountsOf(email)).toEqual([]);
  } finally {
    settings.registration = 'open';
  }
});

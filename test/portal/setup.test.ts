import type { Bundle, CapabilityStatement, Organization } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { caller, eventually, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The page of the first day, by its routes: an administrator at one process, and a second process beside it.
let server: TestServer;
let beside: TestServer;
let admin: Caller;
let doctor: Caller;

beforeAll(async () => {
  server = await startTestServer();
  beside = await startTestServer({ beside: server, workers: false });
  await server.system.sql.query(`delete from smart_client where id = 'csss-demo-app'`); // a site without an app
  admin = caller(server, (await server.signIn('admin')).access_token);
  doctor = caller(server, (await server.signIn('doctor')).access_token);
});
afterAll(async () => {
  await beside.stop();
  await server.stop();
});

interface Setup {
  steps: { id: string; state: string; detail?: string }[];
  organisation: Record<string, unknown>;
  fixed: string[];
  pending?: { timeZone: string; inUse: string; how: string };
}

const clinic = {
  name: 'Klinik am See',
  address: { line: ['Seestraße 1', 'Haus B'], city: 'Kleinstadt', postalCode: '12345', country: 'DE' },
  phone: '+49 30 1234',
  timeZone: 'UTC',
  languages: ['de-de', 'en', 'de-DE'],
};

const setup = () => admin.json<Setup>('/portal/setup');
const stateOf = async (id: string) => (await setup()).steps.find((step) => step.id === id)?.state;
const status = async (at: TestServer) =>
  (await (await fetch(`${at.url}/api/status`)).json()) as Record<string, unknown>;
const json = { 'Content-Type': 'application/json' };
const put = (organisation: object) => admin.send('PUT', '/portal/setup/organisation', organisation, json);

async function refusal(answer: Response): Promise<[number, string, string | undefined]> {
  const { issue } = (await answer.json()) as { issue: { diagnostics?: string; details?: { text?: string }; expression?: string[] }[] };
  return [answer.status, issue[0]!.diagnostics ?? issue[0]!.details?.text ?? '', issue[0]!.expression?.[0]];
} // prettier-ignore

test('before anybody has set it up, the steps say what is there: the demo has a doctor, and no name, mail or sender', async () => {
  const { steps, organisation, fixed } = await setup();
  expect(steps.map(({ id, state }) => [id, state])).toEqual([
    ['organisation', 'open'],
    ['mail', 'open'],
    ['doctors', 'done'],
    ['sender', 'done'], // the backend client of the tests
    ['app', 'open'],
  ]);
  expect([organisation.name, organisation.logo, fixed]).toEqual(['', false, []]);
  expect((await status(server)).siteName).toBe('CSSS Demo Hospital');
});

test('what is said of the site is told by every process within seconds, and by the Organization of the FHIR service', async () => {
  const answer = await put(clinic);
  expect(answer.status).toBe(200);
  const { organisation, steps } = (await answer.json()) as Setup;
  expect(organisation).toEqual({ ...clinic, languages: ['de-DE', 'en'], logo: false });
  expect(steps[0]).toMatchObject({ state: 'done' });
  expect(await status(server)).toMatchObject({ siteName: 'Klinik am See', languages: ['de-DE', 'en'], logo: false });
  await eventually(async () => (await status(beside)).siteName === 'Klinik am See', 'the other process', 20);
  const { implementation } = (await (await fetch(`${server.fhir}/metadata`)).json()) as CapabilityStatement;
  expect(implementation?.description).toBe('Klinik am See');
  const [organization] = await doctor.search<Organization>('Organization?name:exact=Klinik am See');
  expect(organization).toMatchObject({
    active: true,
    telecom: [{ system: 'phone', value: '+49 30 1234' }],
    address: [{ line: ['Seestraße 1', 'Haus B'], city: 'Kleinstadt', postalCode: '12345', country: 'DE' }],
  });
});

test('a change is another version of the same Organization, and keeps what other systems added', async () => {
  const [before] = await doctor.search<Organization>('Organization?name:exact=Klinik am See');
  const email = { system: 'email', value: 'info@clinic.example' };
  const changed = { ...before, telecom: [...(before!.telecom ?? []), email] };
  expect((await admin.send('PUT', `/fhir/Organization/${before!.id}`, changed)).status).toBe(200);
  const { phone: _none, ...withoutPhone } = clinic;
  expect((await put({ ...withoutPhone, name: 'Klinik am Fluss' })).status).toBe(200);
  const after = await doctor.json<Organization>(`/fhir/Organization/${before!.id}`);
  expect([after.name, after.telecom]).toEqual(['Klinik am Fluss', [email]]);
  expect((await put({ ...withoutPhone, name: 'Klinik am Fluss' })).status).toBe(200);
  const history = await doctor.json<Bundle>(`/fhir/Organization/${before!.id}/_history`);
  expect(history.total ?? history.entry?.length).toBe(3); // nothing said anew makes no version
});

test('bad input is refused with the field at fault, and nothing is half-changed', async () => {
  const bad: [object, number, string][] = [
    [{ ...clinic, name: '  ' }, 400, 'name'],
    [{ ...clinic, timeZone: 'Mars/Olympus' }, 400, 'timeZone'],
    [{ ...clinic, timeZone: '+05:30' }, 400, 'timeZone'],
    [{ ...clinic, languages: ['en', 'not a language'] }, 400, 'languages'],
    [{ ...clinic, address: { ...clinic.address, line: Array(5).fill('x') } }, 400, 'address.line'],
    [{ ...clinic, name: 'x'.repeat(201) }, 400, 'name'],
  ];
  const before = await setup();
  for (const [organisation, code, field] of bad) {
    const [answered, , expression] = await refusal(await put(organisation));
    expect([answered, expression]).toEqual([code, field]);
  }
  expect((await put({ ...clinic, more: 1 })).status).toBe(400);
  expect(await setup()).toEqual(before);
});

test('another time zone waits for a restart, which is said', async () => {
  expect((await put({ ...clinic, timeZone: 'Asia/Kolkata' })).status).toBe(200);
  expect((await setup()).pending).toMatchObject({ timeZone: 'Asia/Kolkata', inUse: 'UTC', how: expect.stringContaining('migrate') as string });
  expect((await status(server)).timeZone).toBe('UTC');
  // A process that migrates indexes for it when it starts.
  const restarted = await startTestServer({ beside: server, workers: false });
  expect((await status(restarted)).timeZone).toBe('Asia/Kolkata');
  await restarted.stop();
  expect((await put(clinic)).status).toBe(200);
  const back = await startTestServer({ beside: server, workers: false });
  expect((await status(back)).timeZone).toBe('UTC');
  await back.stop();
}); // prettier-ignore

test('a logo is PNG or JPEG by its content, small, and given to everybody', async () => {
  const picture = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#0b6b83' } });
  const send = (bytes: Uint8Array) => fetch(`${server.url}/portal/setup/logo`, {
    method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: new Uint8Array(bytes) });
  const { access_token: token } = await server.signIn('admin');
  expect((await fetch(`${server.url}/api/logo`)).status).toBe(404);
  for (const [type, bytes] of [
    ['image/png', await picture(300, 100).png().toBuffer()],
    ['image/jpeg', await picture(2000, 500).jpeg().toBuffer()],
    ['image/jpeg', await picture(40, 40).jpeg({ progressive: true }).toBuffer()],
  ] as const) {
    expect((await send(bytes)).status).toBe(204);
    const answer = await fetch(`${server.url}/api/logo`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type]);
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await status(server)).logo).toBe(true);
  }
  const png = await picture(30, 30).png().toBuffer();
  for (const [bytes, code] of [
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 415],
    [await picture(20, 20).webp().toBuffer(), 415],
    [Buffer.alloc(0), 415],
    [png.subarray(0, 60), 400],
    [await picture(2001, 10).png().toBuffer(), 400],
    [Buffer.concat([png, Buffer.alloc(520 * 1024)]), 413],
  ] as const)
    expect((await send(bytes)).status).toBe(code);
  expect((await fetch(`${server.url}/api/logo`)).status).toBe(200); // what was there stays
  expect((await admin.send('DELETE', '/portal/setup/logo', '')).status).toBe(204);
  expect((await fetch(`${server.url}/api/logo`)).status).toBe(404);
}); // prettier-ignore

test('the step of the mail is done when the relay took a test mail', async () => {
  const answer = await admin.send('POST', '/portal/setup/mail-test', { to: 'admin@clinic.example' }, json);
  expect([answer.status, await answer.json()]).toEqual([202, { delivery: expect.any(String) as string }]);
  await eventually(async () => (await stateOf('mail')) === 'done', 'the test mail');
  const refused = await admin.send('POST', '/portal/setup/mail-test', { to: 'a@b.example, c@d.example' }, json);
  expect((await refusal(refused))[0]).toBe(400);
});

test('a step that is not wanted is remembered, and one that is done is done all the same', async () => {
  await server.system.sql.query(`delete from smart_client where id = 'csss-demo-app'`); // every start brings it back
  expect((await admin.send('POST', '/portal/setup/steps/app/skip', '', json)).status).toBe(200);
  expect((await admin.send('POST', '/portal/setup/steps/doctors/skip', '', json)).status).toBe(200);
  expect([await stateOf('app'), await stateOf('doctors')]).toEqual(['skipped', 'done']);
  expect((await admin.send('POST', '/portal/setup/steps/constructor/skip', '', json)).status).toBe(404);
});

test('nobody but an administrator in our own application gets there, and each act is a row of the trail', async () => {
  expect((await doctor.get('/portal/setup')).status).toBe(403);
  expect((await caller(server, await server.backend()).get('/portal/setup')).status).toBe(403);
  expect((await caller(server, undefined).get('/portal/setup')).status).toBe(401);
  const rows = await server.system.sql.query<{ event: string; outcome: string; entities: string[] }>(
    `select event, outcome, entities from audit where event in ('settings:change', 'mail:test', 'portal:setup') order by seq`,
  );
  for (const row of [
    { event: 'settings:change', outcome: 'success', entities: ['organisation'] },
    { event: 'settings:change', outcome: 'failed', entities: [] },
    { event: 'settings:change', outcome: 'success', entities: ['logo'] },
    { event: 'settings:change', outcome: 'success', entities: ['skip app'] },
    { event: 'mail:test', outcome: 'success', entities: [] },
    { event: 'portal:setup', outcome: 'refused', entities: [] },
  ])
    expect(rows).toContainEqual(row);
});

test('what the environment says wins, is told as fixed, and cannot be changed on the page', async () => {
  const fixed = await startTestServer({
    beside: server, workers: false, environment: { SITE_NAME: 'By the environment', SITE_TIME_ZONE: 'UTC' },
  }); // prettier-ignore
  const there = caller(fixed, (await server.signIn('admin')).access_token);
  const { fixed: names, organisation } = await there.json<Setup>('/portal/setup');
  expect([names, organisation.name]).toEqual([['name', 'timeZone'], 'By the environment']);
  expect((await status(fixed)).siteName).toBe('By the environment');
  const refused = await there.send('PUT', '/portal/setup/organisation', clinic, json);
  expect(await refusal(refused)).toEqual([422, expect.stringContaining('SITE_NAME'), 'name']);
  await fixed.stop();
});

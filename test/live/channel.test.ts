import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, eventually } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { changeOf, livePage, openLivePage, type LivePage } from '../harness/live-page.ts';
import { colleague } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// What an open page hears, and what it does not.
let server: TestServer;
let service: ReturnType<typeof caller>;
const tokens = new Map<string, string>();
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  service = caller(server, await server.backend());
  for (const role of ['doctor', 'pharmacist', 'admin', 'patient'] as const)
    tokens.set(role, (await server.signIn(role)).access_token);
});
afterAll(() => server.stop());

const pageOf = (role: string, more?: Record<string, unknown>) => livePage(server, tokens.get(role)!, more);
const put = async (resource: { resourceType: string; id: string; [other: string]: unknown }) =>
  expect((await service.send('PUT', `/fhir/${resource.resourceType}/${resource.id}`, resource)).ok).toBe(true);

/** What was told of a mark that everybody hears stands after whatever was to be told before. */
let marks = 0;
async function mark(...pages: LivePage[]): Promise<void> {
  const id = `mark-${++marks}`;
  await put({ resourceType: 'ValueSet', id, status: 'active' });
  await Promise.all(pages.map((page) => page.until(changeOf(id), `the mark ${id}`)));
}
const idsOf = (page: LivePage) => page.told.flatMap(({ changes }) => changes?.map(({ id }) => id) ?? []);
const typesOf = (page: LivePage) =>
  new Set(page.told.flatMap(({ changes, gone }) => [...(changes?.map(({ type }) => type) ?? []), ...(gone ?? [])]));

test('a page hears of a record that somebody else wrote: its type, its id and what was done, and nothing of what is in it', async () => {
  const page = await pageOf('doctor');
  await put({ resourceType: 'Patient', id: 'heard' });
  const created = await page.until(changeOf('heard'), 'the new record');
  expect(Object.keys(created).sort()).toEqual(['changes', 'cursor', 'gone', 'topics', 'type']);
  expect(created.changes).toEqual([{ type: 'Patient', id: 'heard', act: 'create' }]);
  await put({ resourceType: 'Patient', id: 'heard', gender: 'female' });
  await page.until(({ changes }) => changes?.some(({ act }) => act === 'update') === true, 'the change');
  expect((await service.send('DELETE', '/fhir/Patient/heard', undefined)).ok).toBe(true);
  await page.until(({ changes }) => changes?.some(({ act }) => act === 'delete') === true, 'the deletion');
  expect(JSON.stringify(page.told)).not.toContain('female');
  page.close();
});

test('after a break a page is told what it missed, each record once and in one piece', async () => {
  const page = await pageOf('doctor');
  await put({ resourceType: 'Patient', id: 'before-the-break' });
  await page.until(changeOf('before-the-break'), 'the record before');
  page.socket.terminate();
  await page.closed;
  for (let i = 0; i < 3; i++)
    await put({ resourceType: 'Patient', id: 'in-the-break', gender: i % 2 ? 'male' : 'female' });
  await put({ resourceType: 'Patient', id: 'also-in-the-break' });
  const again = await pageOf('doctor', { after: page.cursor()! });
  await again.until(changeOf('also-in-the-break'), 'what was missed');
  await mark(again);
  expect(
    idsOf(again)
      .filter((id) => id.includes('break'))
      .sort(),
  ).toEqual(['also-in-the-break', 'in-the-break']);
  expect(again.told.some(({ type }) => type === 'reset')).toBe(false);
  again.close();
});

test('breaks in the middle of a stream of writes lose none of them', async () => {
  const heard = new Set<string>();
  const wanted = Array.from({ length: 200 }, (_, i) => `streamed-${i}`);
  const writing = (async () => {
    for (const id of wanted) await put({ resourceType: 'Patient', id });
  })();
  let page = await pageOf('doctor');
  let over = false;
  void writing.then(() => (over = true));
  const collect = () => idsOf(page).forEach((id) => heard.add(id));
  for (let breaks = 0; !over && breaks < 15; breaks++) {
    await new Promise((done) => setTimeout(done, 80));
    page.socket.terminate();
    await page.closed;
    collect();
    page = await pageOf('doctor', { after: page.cursor()! });
  }
  await writing;
  // What was written before the first page was open is not its news.
  await eventually(async () => (collect(), heard.has(wanted.at(-1)!)), 'the last one');
  const first = wanted.findIndex((id) => heard.has(id));
  expect(first).toBeLessThan(wanted.length);
  expect(wanted.slice(first).filter((id) => !heard.has(id))).toEqual([]);
  page.close();
});

test('a page is told what was written while it was being loaded', async () => {
  await new Promise((done) => setTimeout(done, 1_500));
  await put({ resourceType: 'Patient', id: 'while-loading' });
  const page = await pageOf('doctor', { age: 1_400 });
  await page.until(changeOf('while-loading'), 'what was written a moment before');
  page.close();
  const quiet = await pageOf('doctor', { age: 0 });
  await mark(quiet);
  expect(idsOf(quiet)).not.toContain('while-loading');
  quiet.close();
});

test.each(['0.0', '999999999999999999.1', 'x', '5.5; drop table change', '1.1'])(
  'a page that comes from where nobody knows asks everything anew, or is told all: %s',
  async (after) => {
    const page = await pageOf('doctor', { after });
    await page.until(({ type }) => type === 'reset' || type === 'changes', 'where to begin');
    await mark(page);
    page.close();
  },
);

test('a patient hears of the own records only, and of nothing that is not released', async () => {
  const [patient, doctor] = [await pageOf('patient'), await pageOf('doctor')];
  const file = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: 'LIVE-P', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await service.store([file])).status).toBe(200);
  await put({ resourceType: 'Patient', id: 'somebody-else' });
  await put({ resourceType: 'Observation', id: 'of-somebody-else', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/somebody-else' } }); // prettier-ignore
  await mark(patient, doctor);
  expect([...typesOf(doctor)]).toEqual(expect.arrayContaining(['ImagingStudy', 'Task', 'DiagnosticReport', 'Patient']));
  // The study and its review; not the step for staff, not the report that nobody has signed.
  const types = typesOf(patient);
  expect([...types].sort()).toEqual(expect.arrayContaining(['ImagingStudy', 'Task']));
  expect(
    [...types].filter((type) => ['DiagnosticReport', 'Observation', 'Patient', 'Provenance'].includes(type)),
  ).toEqual([]);
  const tasks = patient.told.flatMap(({ changes }) => changes ?? []).filter(({ type }) => type === 'Task');
  const own = caller(server, tokens.get('patient')!);
  for (const { id } of tasks) expect((await own.get(`/fhir/Task/${id}`)).status).toBe(200);
  expect(idsOf(patient)).not.toContain('of-somebody-else');
  patient.close();
  doctor.close();
});

test('a step of a review, and its report, name the review', async () => {
  const doctor = await pageOf('doctor');
  const file = await chestFilm('film-2.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: newUid(), accession: 'LIVE-R', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await service.store([file])).status).toBe(200);
  await mark(doctor);
  const changes = doctor.told.flatMap((message) => message.changes ?? []);
  const reviews = new Set(changes.filter(({ type }) => type === 'Task').map(({ review }) => review));
  expect(reviews.size).toBe(1);
  const [review] = reviews;
  expect((await caller(server, tokens.get('doctor')!).get(`/fhir/Task/${review}`)).status).toBe(200);
  expect(changes.find(({ type }) => type === 'DiagnosticReport')?.review).toBe(review);
  doctor.close();
});

test('what no doctor has verified a pharmacist hears no id of, only that something of its kind may have gone', async () => {
  const page = await pageOf('pharmacist');
  const report = {
    resourceType: 'DiagnosticReport',
    code: { text: 'x' },
    subject: { reference: 'Patient/somebody-else' },
  };
  await put({ ...report, id: 'verified-one', status: 'preliminary' });
  await put({ ...report, id: 'draft-one', status: 'partial' });
  await mark(page);
  expect(idsOf(page)).toContain('verified-one');
  expect(idsOf(page)).not.toContain('draft-one');
  expect(page.told.flatMap(({ gone }) => gone ?? [])).toEqual([]);
  await put({ ...report, id: 'verified-one', status: 'partial' });
  const left = await page.until(
    ({ gone }) => gone?.includes('DiagnosticReport') === true,
    'that something may have gone',
  );
  expect(left.changes).toEqual([]);
  page.close();
});

test('a restricted record is heard of by those who may read it, and by who has opened it while it is open', async () => {
  const restricted = { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] } }; // prettier-ignore
  await put({ resourceType: 'Patient', id: 'live-vip', ...restricted, identifier: [{ value: 'LIVE-VIP' }], name: [{ family: 'Vip' }] }); // prettier-ignore
  const fresh = await colleague(server, 'livia', 'doctor');
  const [doctor, admin] = [await livePage(server, fresh.tokens.access_token), await pageOf('admin')];
  const about = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/live-vip' } }; // prettier-ignore
  await put({ ...about, id: 'vip-1' });
  await mark(doctor, admin);
  expect(idsOf(admin)).toContain('vip-1');
  expect(JSON.stringify(doctor.told)).not.toContain('vip');
  expect(typesOf(doctor).has('Observation')).toBe(false);
  const opened = await caller(server, fresh.tokens.access_token).send(
    'POST',
    '/portal/emergency-access',
    { patient: 'live-vip', reason: 'Unconscious in the emergency room' },
    { 'Content-Type': 'application/json' },
  );
  expect(opened.status, await opened.clone().text()).toBeLessThan(300);
  // What the page shows is another page now.
  await doctor.until(({ type }) => type === 'reset', 'that the rights have changed', 50_000);
  await doctor.until(({ topics }) => topics?.includes('emergency') === true, 'the emergency');
  await admin.until(({ topics }) => topics?.includes('emergency') === true, 'the emergency, for administrators');
  await put({ ...about, id: 'vip-2' });
  await doctor.until(changeOf('vip-2'), 'the opened record');
  for (const page of [doctor, admin]) page.close();
});

test('what is no record is told by topics, to those whom it concerns', async () => {
  const pages = { admin: await pageOf('admin'), doctor: await pageOf('doctor'), patient: await pageOf('patient') };
  const { world } = server.system;
  const account = (await world.read(({ accounts }) => accounts.byEmail('doctor@demo.csss.example')))!.id;
  await world.transaction(async ({ news }) => {
    await news.post('notices', { account });
    await news.post('notices', { account });
    await news.post('uploads', { role: ['admin', 'patient'] });
    await news.post('site');
  });
  await expect(
    world.transaction(async ({ news }) => {
      await news.post('models');
      throw new Error('rolled back');
    }),
  ).rejects.toThrow('rolled back');
  await colleague(server, 'toni', 'pharmacist'); // a new account
  await mark(...Object.values(pages));
  const topics = (page: LivePage) => page.told.flatMap((message) => message.topics ?? []).sort();
  expect(new Set(topics(pages.admin))).toEqual(new Set(['site', 'uploads', 'users', 'registrations']));
  expect(topics(pages.doctor).filter((topic) => topic !== 'registrations')).toEqual(['notices', 'site']);
  expect(topics(pages.patient)).toEqual(['site', 'uploads']);
  for (const page of Object.values(pages)) page.close();
});

test('each channel leaves a row in the audit trail, a refused one too', async () => {
  const page = await pageOf('doctor');
  page.close();
  const refused = await openLivePage(server, { token: 'no.good.token' });
  expect(await refused.closed).toBe(4401);
  const rows = await server.system.sql.query<{ outcome: string; subject: string | null }>(
    `select outcome, subject from audit where event = 'portal:live' order by seq desc limit 2`,
  );
  expect(rows).toEqual([
    { outcome: 'refused', subject: null },
    { outcome: 'success', subject: expect.any(String) as string },
  ]);
});

import type { ImagingStudy, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, completeStep, eventually, openStep, reviewData, scanFinding, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// One scan from its arrival to the report: who is told what, and who is not.
let server: TestServer;
let who: Record<'patient' | 'doctor' | 'pharmacist' | 'admin' | 'pacs', Caller>;
let study: ImagingStudy;

interface Told {
  notices: { id: string; kind: string; seen: boolean; review?: string; scan?: string; study?: string }[];
  unseen: number;
}

beforeAll(async () => {
  server = await startTestServer();
  const role = async (name: 'patient' | 'doctor' | 'pharmacist' | 'admin') =>
    caller(server, (await server.signIn(name)).access_token);
  who = {
    patient: await role('patient'),
    doctor: await role('doctor'),
    pharmacist: await role('pharmacist'),
    admin: await role('admin'),
    pacs: caller(server, await server.backend()),
  };
  study = await arrives('ACC-1', 'DEMO-1001', 'Rao^Arjun', '19850412');
});
afterAll(() => server.stop());

async function arrives(
  accession: string,
  patientId: string,
  patientName: string,
  birthDate: string,
): Promise<ImagingStudy> {
  const uid = newUid();
  const film = await chestFilm('film-1.jpg', { patientId, patientName, birthDate, sex: 'M', studyUID: uid, accession, description: 'Chest PA', studyDate: '20261120', studyTime: '101500' }); // prettier-ignore
  expect((await who.pacs.store([film])).status).toBe(200);
  return (await who.admin.search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`))[0]!;
}

const told = (caller: Caller, query = '') => caller.json<Told>(`/portal/me/notices${query}`);
const kinds = async (caller: Caller) => (await told(caller)).notices.map(({ kind }) => kind);

const output = (code: string, value: object) => ({
  op: 'add',
  path: '/output/-',
  value: { type: { coding: [{ system: reviewData, code }] }, ...value },
});

async function verified(task: Task): Promise<void> {
  const done = await completeStep(who.doctor, task, [
    { op: 'add', path: '/note', value: [{ text: 'Heart and lungs are normal.' }] },
    { op: 'add', path: '/output', value: [] },
    output('conclusion', { valueCodeableConcept: { coding: [{ system: scanFinding, code: 'Normal' }] } }),
    output('disagreement', { valueString: 'The film is normal.' }),
  ]);
  expect([done.status, done.status === 200 ? '' : await done.text()]).toEqual([200, '']);
}

test('doctors are told that a scan has arrived, with its number; nobody else is', async () => {
  const { notices, unseen } = await told(who.doctor);
  expect(notices).toMatchObject([{ kind: 'scan-arrived', scan: 'ACC-1', study: study.id, seen: false }]);
  expect(unseen).toBe(1);
  for (const other of ['patient', 'pharmacist', 'admin'] as const) expect(await kinds(who[other])).toEqual([]);
});

test('each step tells whom it is for, in the transaction that opened it, and not who caused it', async () => {
  const skipped = await openStep(who.doctor, 'ai-inference', study.id!);
  const reason = { op: 'add', path: '/statusReason', value: { text: 'The model is not needed.' } };
  expect((await who.doctor.patchTask(skipped, [reason, { op: 'replace', path: '/status', value: 'cancelled' }])).status).toBe(200);
  expect(await kinds(who.doctor)).toEqual(['scan-arrived']); // the doctor knows
  await verified(await openStep(who.doctor, 'physician-verification', study.id!));
  expect(await kinds(who.pharmacist)).toEqual(['to-prescribe']);
  const back = await openStep(who.pharmacist, 'pharmacist-review', study.id!);
  const claimed = (await (await who.pharmacist.patchTask(back, [{ op: 'replace', path: '/status', value: 'in-progress' }])).json()) as Task;
  const refused = await who.pharmacist.patchTask(claimed, [
    { op: 'add', path: '/statusReason', value: { text: 'Which side?' } },
    { op: 'replace', path: '/status', value: 'failed' },
  ]);
  expect(refused.status).toBe(200);
  expect(await kinds(who.doctor)).toEqual(['sent-back', 'scan-arrived']);
}); // prettier-ignore

test('the patient is told when the report is there, without a number, and of nothing before', async () => {
  await verified(await openStep(who.doctor, 'physician-verification', study.id!));
  const prescribed = await completeStep(
    who.pharmacist,
    await openStep(who.pharmacist, 'pharmacist-review', study.id!),
    [
      { op: 'add', path: '/note', value: [{ text: 'No medication.' }] },
      { op: 'add', path: '/output', value: [] },
      output('medication', { valueCodeableConcept: { coding: [{ system: reviewData, code: 'none-needed' }] } }),
    ],
  );
  expect([prescribed.status, prescribed.status === 200 ? '' : await prescribed.text()]).toEqual([200, '']);
  expect(await kinds(who.admin)).toEqual(['to-approve']);
  expect(await kinds(who.patient)).toEqual([]);
  const approved = await completeStep(who.admin, await openStep(who.admin, 'release-approval', study.id!), []);
  expect(approved.status).toBe(200);
  await eventually(async () => (await kinds(who.patient)).includes('report-ready'), 'the notice of the report');
  const [notice] = (await told(who.patient)).notices;
  expect(notice).not.toHaveProperty('scan');
  const [row] = await server.system.sql.query<{ row: string }>(
    `select string_agg(notice::text, ' ') as row from notice`,
  );
  expect(row!.row).not.toMatch(/Rao|ACC-1|normal/i);
});

test('what was seen is seen on every page, and what comes after it is not, whatever its number', async () => {
  const { notices } = await told(who.doctor);
  const upTo = notices[0]!.id;
  // A number below the mark whose transaction had not ended.
  await server.system.sql.query(`delete from notice where id = $1`, [notices.at(-1)!.id]);
  const json = { 'Content-Type': 'application/json' };
  expect((await who.doctor.send('POST', '/portal/me/notices/seen', { upTo }, json)).status).toBe(204);
  expect((await told(who.doctor)).unseen).toBe(0);
  await server.system.sql.query(
    `insert into notice (id, kind, role, review) overriding system value values ($1, 'scan-arrived', 'doctor', $2)`,
    [notices.at(-1)!.id, notices[0]!.review],
  );
  expect(await who.doctor.json('/portal/me/notices/unseen')).toEqual({ unseen: 1 });
  expect((await told(who.doctor)).notices.filter(({ seen }) => !seen).map(({ id }) => id)).toEqual([
    notices.at(-1)!.id,
  ]);
});

test('a review that is hidden from somebody is in none of their notices, from that moment on', async () => {
  await arrives('ACC-2', 'DEMO-1002', 'Menon^Priya', '19900101');
  expect((await told(who.doctor)).notices.map(({ scan }) => scan)).toContain('ACC-2');
  const before = await who.doctor.json<{ unseen: number }>('/portal/me/notices/unseen');
  const [{ for: about }] = (await who.admin.search<Task>(`Task?group-identifier=ACC-2&code=fulfill`)) as [Task];
  const id = about!.reference!.split('/')[1]!;
  await server.system.world.transaction(({ restricted }) => restricted.restrict(id, []));
  await eventually(
    async () => !(await told(who.doctor)).notices.some(({ scan }) => scan === 'ACC-2'),
    'the notice to go',
  );
  expect(await who.doctor.json('/portal/me/notices/unseen')).toEqual({ unseen: before.unseen - 1 });
});

test('pages of a list follow each other, and a list that was asked for is a row of the audit trail', async () => {
  const all = (await told(who.doctor)).notices.map(({ id }) => id);
  const first = (await told(who.doctor, '?limit=1')).notices;
  const second = (await told(who.doctor, `?limit=1&before=${first[0]!.id}`)).notices;
  expect([...first, ...second].map(({ id }) => id)).toEqual(all.slice(0, 2));
  expect((await who.doctor.get('/portal/me/notices?before=x')).status).toBeGreaterThanOrEqual(400);
  const rows = await server.system.sql.query(
    `select from audit where event = 'portal:my-notices' and outcome = 'success'`,
  );
  expect(rows.length).toBeGreaterThan(3);
});

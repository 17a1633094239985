import type { Consent } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, openStep } from '../harness/calls.ts';
import { mailTo, screens } from '../harness/people.ts';
import { arrivedScan, crewOf, prescribeNothing, readScan, releaseScan, type Crew, type Scan } from '../harness/released-scan.ts'; // prettier-ignore
import { startTestServer, type TestServer } from '../harness/server.ts';

// A patient's own scans and decisions, as the own page asks for them.

interface PatientScan {
  review: string;
  state: string;
  study?: Record<string, unknown>;
  reason?: object;
  happened: { kind: string; at: string; who?: string }[];
  sent: { kind: string; state: string; to?: string }[];
}
interface Scans {
  scans: PatientScan[];
  total: number;
  ready: number;
  waiting: number;
  next?: string;
}

let server: TestServer;
let who: Crew;
let patient: ReturnType<typeof screens>;
let scan: Scan;

beforeAll(async () => {
  server = await startTestServer();
  who = await crewOf(server);
  patient = screens(server, (await server.signIn('patient')).access_token);
  scan = await arrivedScan(who, 'TOLD-1');
});
afterAll(() => server.stop());

const scans = async (query = '') => (await patient<Scans>('GET', `/portal/me/scans${query}`)).body;
const told = async (review = scan.review) => (await scans()).scans.find((one) => one.review === review)!;

test('each step is told when it is done, with who did it, and nothing of the AI or of what was written', async () => {
  expect(await told()).toMatchObject({
    state: 'received',
    study: {
      modality: 'DX',
      bodyPart: '51185008',
      takenOn: expect.stringContaining('2026-03-12') as string,
      images: 1,
    },
    happened: [{ kind: 'received' }],
    sent: [],
  });
  const inference = await openStep(who.doctor, 'ai-inference', scan.studyId);
  await who.doctor.patchTask(inference, [{ op: 'replace', path: '/status', value: 'accepted' }]);
  await openStep(who.doctor, 'physician-verification', scan.studyId);
  const analysed = await scans();
  expect(analysed.scans[0]!.state).toBe('received');
  expect(JSON.stringify(analysed)).not.toMatch(/\bAI\b|PENDING|ANALYZED|probab|ai-/i);
  const other = await arrivedScan(who, 'TOLD-2');
  await readScan(who, other, 'Words of the doctor.');
  expect(await told(other.review)).toMatchObject({
    state: 'read',
    happened: [{ kind: 'received' }, { kind: 'read', who: 'Dr. Meera Iyer' }],
  });
  await prescribeNothing(who, other);
  expect((await told(other.review)).state).toBe('checked');
  expect(JSON.stringify(await scans())).not.toContain('Words of the doctor');
  await releaseScan(who, other);
  const done = await eventually(async () => {
    const one = await told(other.review);
    return one.sent.some(({ state }) => state === 'sent') && one;
  }, 'the mail');
  expect(done).toMatchObject({
    state: 'ready',
    happened: [
      { kind: 'received' },
      { kind: 'read' },
      { kind: 'medication', who: 'Lena Fischer' },
      { kind: 'released' },
    ],
    sent: [{ kind: 'report', state: 'sent', to: 'patient@demo.csss.example' }],
  });
  expect(await scans()).toMatchObject({ total: 2, ready: 1, waiting: 1 });
});

test('a new image is asked for with the words of the doctor', async () => {
  const poor = await arrivedScan(who, 'TOLD-3');
  const step = await openStep(who.doctor, 'ai-inference', poor.studyId);
  const statusReason = { text: 'The image is blurred: please breathe in and hold still.' };
  const answer = await who.doctor.patchTask(step, [
    { op: 'replace', path: '/status', value: 'rejected' },
    { op: 'add', path: '/statusReason', value: statusReason },
  ]);
  expect(answer.status).toBe(200);
  expect(await told(poor.review)).toMatchObject({
    state: 'new-image',
    reason: statusReason,
    happened: [{ kind: 'received' }, { kind: 'new-image' }],
  });
});

test('a long list comes page by page, each scan once; the place is nobody else’s', async () => {
  const seen: string[] = [];
  let next: string | undefined;
  do {
    const page = await scans(`?limit=1${next === undefined ? '' : `&after=${encodeURIComponent(next)}`}`);
    seen.push(...page.scans.map(({ review }) => review));
    next = page.next;
  } while (next !== undefined && seen.length < 10);
  expect(new Set(seen).size).toBe(3);
  expect(seen).toHaveLength(3);
  expect((await patient('GET', '/portal/me/scans?after=nonsense')).status).toBe(400);
});

test('staff, and patients of other apps, do not ask for it', async () => {
  const doctor = screens(server, (await server.signIn('doctor')).access_token);
  for (const path of ['/portal/me/scans', '/portal/me/shares', '/portal/me/consents'])
    expect((await doctor('GET', path)).status, path).toBe(403);
});

interface Consents {
  consents: { kind: string; permitted: boolean; decidedAt?: string }[];
}
const category = (kind: string) => `https://csss.example/fhir/CodeSystem/consent-kind|${kind}`;
const recorded = (kind: string) =>
  who.doctor.search<Consent>(`Consent?patient=Patient/demo-patient-1&category=${encodeURIComponent(category(kind))}`);

test('nothing is agreed to by silence but the mail with the report; each decision is a Consent that staff read', async () => {
  const usual = (await patient<Consents>('GET', '/portal/me/consents')).body.consents;
  expect(usual).toEqual([
    { kind: 'share-by-link', permitted: true },
    { kind: 'report-by-mail', permitted: true },
    { kind: 'improve-model', permitted: false },
  ]);
  expect(await recorded('improve-model')).toEqual([]);
  const said = await patient<Consents>('PUT', '/portal/me/consents/improve-model', { permitted: true });
  expect(said.body.consents[2]).toMatchObject({ permitted: true, decidedAt: expect.any(String) as string });
  const [record] = await recorded('improve-model');
  expect(record).toMatchObject({
    status: 'active',
    scope: { coding: [{ code: 'research' }] },
    patient: { reference: 'Patient/demo-patient-1' },
    performer: [{ reference: 'Patient/demo-patient-1' }],
    policyRule: { coding: [{ code: 'OPTIN' }] },
    provision: { type: 'permit' },
  });
  await patient('PUT', '/portal/me/consents/improve-model', { permitted: false });
  expect(await recorded('improve-model')).toMatchObject([{ id: record!.id, provision: { type: 'deny' } }]);
  expect((await patient('PUT', '/portal/me/consents/other', { permitted: true })).status).toBe(404);
});

test('nobody but the patient decides: staff and services neither write, change nor delete such a record, nor count with one of their own', async () => {
  const [record] = await recorded('improve-model');
  const agreed = { ...record, provision: { type: 'permit' } };
  for (const one of [who.doctor, who.admin, who.pacs, who.patient]) {
    expect((await one.send('PUT', `/fhir/Consent/${record!.id}`, agreed)).status).toBe(403);
    expect((await one.send('DELETE', `/fhir/Consent/${record!.id}`, undefined)).status).toBe(403);
  }
  const { id: _, meta: __, ...copy } = agreed;
  expect((await who.pacs.send('POST', '/fhir/Consent', { ...copy, dateTime: '2099-01-01T00:00:00Z' })).status).toBe(
    201,
  );
  const { consents } = (await patient<Consents>('GET', '/portal/me/consents')).body;
  expect(consents.find(({ kind }) => kind === 'improve-model')!.permitted).toBe(false);
});

test('the mail with a report is one decision, wherever it is taken', async () => {
  await patient('PATCH', '/portal/me', { notifications: { reportReady: false } });
  const mail = async () =>
    (await patient<Consents>('GET', '/portal/me/consents')).body.consents.find(({ kind }) => kind === 'report-by-mail');
  expect(await mail()).toMatchObject({ permitted: false });
  expect(await recorded('report-by-mail')).toMatchObject([{ provision: { type: 'deny' } }]);
  await patient('PUT', '/portal/me/consents/report-by-mail', { permitted: true });
  const { body } = await patient<{ notifications: { reportReady: boolean } }>('GET', '/portal/me');
  expect(body.notifications.reportReady).toBe(true);
  expect(await recorded('report-by-mail')).toMatchObject([{ provision: { type: 'permit' } }]);
  await mailTo(server, 'patient@demo.csss.example', /is ready/);
});

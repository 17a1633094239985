import { setTimeout as sleep } from 'node:timers/promises';
import type { Device, DocumentReference, ImagingStudy, Observation, Patient, Task } from '@medplum/fhirtypes';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { caller, completeStep, eventually, openStep, reviewData, reviewStatus, scanFinding, type Caller } from '../harness/calls.ts'; // prettier-ignore
import { emptyCopy } from '../harness/database.ts';
import { newUid } from '../harness/dicom-file.ts';
import { createPatient, expectAllThereOnce, storeImage, type Load } from '../harness/load.ts';
import { startMailRelay, type MailRelay } from '../harness/mail-relay.ts';
import { processTree, type RunningProcess } from '../harness/process-tree.ts';
import { backendKey, startServerProcess, temporaryFolder, type ServerProcess } from '../harness/server-process.ts';
import { freePort } from '../harness/server.ts';
import { signIn } from '../harness/sign-in.ts';

// A hospital's installation: two processes that answer and two that work, on one PostgreSQL and one folder of images.
type Person = 'patient' | 'doctor' | 'pharmacist' | 'admin';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let database: Awaited<ReturnType<typeof emptyCopy>>;
let relay: MailRelay;
let sql: pg.Client;
let apis: [ServerProcess, ServerProcess];
let workers: [ServerProcess, ServerProcess];
/** Each person at each API: signed in at the first, known at both. */
const who = {} as Record<Person, [Caller, Caller]>;
let pacs: [Caller, Caller];

beforeAll(async () => {
  [folder, database, relay] = await Promise.all([temporaryFolder(), emptyCopy(), startMailRelay()]);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  const [key, port] = [await backendKey(), await freePort()];
  const shared = {
    DATABASE_URL: database.url,
    DATA_DIR: folder.path,
    PUBLIC_URL: `http://localhost:${port}`,
    SMTP_URL: relay.url,
    FOUR_EYES: 'false',
    LOG_LEVEL: 'info',
    STUDY_QUIET_SECONDS: '1',
    NODE_TLS_REJECT_UNAUTHORIZED: '0', // the relay's certificate is signed by nobody
  };
  const start = (ROLE: string, more: { port?: number } = {}) =>
    startServerProcess({ environment: { ...shared, ROLE }, key, demoData: true, ...more });
  const [one, other, ...working] = await Promise.all([start('api', { port }), start('api'), start('worker'), start('worker')]); // prettier-ignore
  [apis, workers] = [[one!, other!], working as [ServerProcess, ServerProcess]];
  for (const role of ['patient', 'doctor', 'pharmacist', 'admin'] as const) {
    const person = { email: `${role}@demo.csss.example`, password: demoPassword };
    const { access_token } = await signIn(apis[0].url, person);
    who[role] = [caller(apis[0], access_token), caller(apis[1], access_token)];
  }
  pacs = [await apis[0].caller(), await apis[1].caller()];
});
afterAll(async () => {
  for (const one of [...(apis ?? []), ...(workers ?? [])]) {
    one.process.kill('SIGCONT');
    await one.end();
  }
  await sql?.end();
  await relay?.close();
  await database?.drop();
  await folder?.remove();
});

/** A film of the demo patient, sent to one API and looked for at the other. */
async function sendFilm(at: 0 | 1): Promise<ImagingStudy> {
  const studyUID = newUid();
  const film = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await pacs[at].store([film])).status).toBe(200);
  const [study] = await who.doctor[1 - at]!.search<ImagingStudy>(`ImagingStudy?identifier=urn:oid:${studyUID}`);
  return study!;
}

async function accept(at: 0 | 1, study: ImagingStudy): Promise<number> {
  const step = await openStep(who.doctor[at], 'ai-inference', study.id!);
  return (await who.doctor[at].patchTask(step, [{ op: 'replace', path: '/status', value: 'accepted' }])).status;
}

const findings = ({ id }: ImagingStudy, at: 0 | 1 = 0) =>
  pacs[at].search<Observation>(`Observation?part-of=ImagingStudy/${id}`);

async function rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
  return (await sql.query<Row>(text, values)).rows;
}

test('each process says what it has: an API no browser, model or mail, a worker nothing but its health', async () => {
  for (const api of apis) {
    const { status, body } = await api.readyz();
    expect([status, Object.keys(body.components).sort()]).toEqual([
      200,
      ['blob store', 'database', 'job queue', 'pixels', 'reader', 'server'],
    ]);
  }
  for (const worker of workers) {
    const { status, body } = await worker.readyz();
    expect([status, body.degraded]).toEqual([200, []]);
    expect(Object.keys(body.components)).toEqual(expect.arrayContaining(['browser', 'model', 'mail']));
    for (const path of ['/', '/fhir/metadata', '/dicomweb/studies', '/api/status', '/oidc/jwks', '/portal/models'])
      expect([path, (await fetch(worker.url + path)).status]).toEqual([path, 404]);
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200);
  }
  const status = (await (await fetch(`${apis[1].url}/api/status`)).json()) as { model: object };
  expect(status.model).toEqual({
    name: 'chest-mobilenet-v2',
    version: expect.any(String) as string,
    trained: true,
    accuracy: expect.any(Number) as number,
    testImages: expect.any(Number) as number,
  });
  const listing = await who.admin[1].json<{ models: object[]; serving: object }>('/portal/models');
  expect(listing.models).toEqual([expect.objectContaining({ state: 'active', present: true })]);
  expect(listing.serving).toMatchObject({ ready: false, elsewhere: true });
});

test('what one API takes, the other shows at once, and demo people and their data were made once', async () => {
  const load: Load = { patients: [], images: [] };
  for (const who of pacs) expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  await expectAllThereOnce(pacs[0], load);
  await expectAllThereOnce(pacs[1], load);
  for (const at of pacs) expect(await at.search<Patient>('Patient?identifier=DEMO-1001')).toHaveLength(1);
  const study = await sendFilm(0);
  expect(study).toMatchObject({ status: 'available', numberOfInstances: 1 });
});

test('a review goes from the scan to the mail with both APIs in turn; each result, report and mail is there once', async () => {
  const study = await sendFilm(1);
  const reached = (code: string, at: 0 | 1) =>
    eventually(async () => {
      const query = `Task?business-status=${reviewStatus}|${code}&patient=Patient/demo-patient-1`;
      return (await who.admin[at].search<Task>(query))[0];
    }, `status ${code}`);
  expect(await accept(1, study)).toBe(200);
  await reached('AI_ANALYZED', 0);
  expect(await findings(study)).toHaveLength(1);

  const output = (type: string, system: string, code: string) => ({
    op: 'add',
    path: '/output',
    value: [
      { type: { coding: [{ system: reviewData, code: type }] }, valueCodeableConcept: { coding: [{ system, code }] } },
    ],
  });
  const note = { op: 'add', path: '/note', value: [{ text: 'Seen.' }] };
  const verification = await openStep(who.doctor[0], 'physician-verification', study.id!);
  const verified = await completeStep(who.doctor[1], verification, [note, output('conclusion', scanFinding, 'Normal')]);
  expect(verified.status).toBe(200);
  const medication = await openStep(who.pharmacist[0], 'pharmacist-review', study.id!);
  const prescribed = await completeStep(who.pharmacist[0], medication, [note, output('medication', reviewData, 'none-needed')]); // prettier-ignore
  expect(prescribed.status).toBe(200);
  const approval = await openStep(who.admin[1], 'release-approval', study.id!);
  expect((await completeStep(who.admin[0], approval, [])).status).toBe(200);
  await reached('REPORT_READY', 1);

  const [document, ...others] = await who.patient[0].search<DocumentReference>('DocumentReference');
  expect(others).toEqual([]);
  const { pathname } = new URL(document!.content[0]!.attachment.url!, `${apis[1].url}/fhir/`);
  const path = pathname.startsWith('/fhir') ? pathname : `/fhir${pathname}`;
  const pdf = await who.patient[1].get(path, { Accept: 'application/pdf' });
  expect([
    pdf.status,
    Buffer.from(await pdf.arrayBuffer())
      .subarray(0, 5)
      .toString(),
  ]).toEqual([200, '%PDF-']);
  await eventually(async () => relay.mails.length > 0, 'the mail');
  await idle();
  expect(relay.mails.map(({ to }) => to)).toEqual([['patient@demo.csss.example']]);
  expect(relay.mails[0]!.mail.attachments.map(({ mimeType }) => mimeType)).toEqual(['application/pdf']);
});

test('the work was done by workers, each job once', async () => {
  const done = (one: ServerProcess) => one.log().filter(({ msg }) => msg === 'job done');
  expect(apis.flatMap(done)).toEqual([]);
  const jobs = workers.flatMap(done).map(({ job, key }) => `${String(job)} ${String(key)}`);
  expect(jobs.map((job) => job.split(' ')[0])).toEqual(expect.arrayContaining(['analyze', 'issue-report', 'send-report'])); // prettier-ignore
  expect(new Set(jobs).size).toBe(jobs.length);
  expect(await rows(`select name from job.job where state <> 'completed' or retry_count > 0`)).toEqual([]);
});

test('no browser and no model belongs to an API, which needs less memory than a worker with its own', () => {
  const [answering, working] = [apis, workers].map((two) => two.map(({ process: own }) => processTree(own.pid!)));
  for (const tree of answering!) expect(tree).toHaveLength(1);
  for (const tree of working!) {
    expect(tree.some(({ args }) => args.includes('inference-process.ts'))).toBe(true);
    expect(tree.some(({ args }) => /chrom/i.test(args))).toBe(true);
  }
  const memory = (tree: RunningProcess[]) => tree.reduce((sum, { residentMiB }) => sum + residentMiB, 0);
  expect(Math.max(...answering!.map(memory))).toBeLessThan(Math.min(...working!.map(memory)));
});

test('an administrator switches the model off and on at an API: the other refuses at once, the workers follow', async () => {
  const { models } = await who.admin[0].json<{ models: { digest: string; device: string }[] }>('/portal/models');
  const [{ digest, device }] = models as [{ digest: string; device: string }];
  const change = (at: 0 | 1, act: string) =>
    who.admin[at].send('POST', `/portal/models/${digest}/${act}`, { reason: 'as a test' }, { 'Content-Type': 'application/json' }); // prettier-ignore
  const study = await sendFilm(0);
  expect((await change(0, 'deactivate')).status).toBe(200);
  expect(await accept(1, study)).toBe(409);
  await eventually(
    async () => (await workers[0].readyz()).body.components.model === 'switched off by an administrator',
    'a worker without a model',
  );
  expect((await change(1, 'promote')).status).toBe(200);
  const alone = async () => processTree(apis[1].process.pid!).length === 1;
  await eventually(alone, 'the end of the self-test with its process', 5);
  expect(await accept(0, study)).toBe(200);
  await eventually(async () => (await findings(study, 1)).length > 0, 'the analysis');
  // What it runs on is said by who runs it.
  const { version } = await who.admin[1].json<Device>(`/fhir/${device}`);
  expect(version).toContainEqual(expect.objectContaining({ value: 'cpu' }));
});

/** Stops the worker at a moment at which it holds an analysis; false if it was faster. */
async function stopAtWork(worker: ServerProcess): Promise<boolean> {
  const active = () => rows(`select id from job.job where name = 'analyze' and state = 'active'`);
  while ((await active()).length === 0) {
    const [left] = await rows(`select id from job.job where name = 'analyze' and state < 'active'`);
    if (!left) return false;
  }
  worker.process.kill('SIGSTOP');
  await sleep(50); // what was on its way to the database has arrived
  if ((await active()).length > 0) return true;
  worker.process.kill('SIGCONT');
  return false;
}

test('the work of a worker that is killed in the middle of it is done by the other, each result once', async () => {
  const [doomed, other] = workers;
  const studies: ImagingStudy[] = [];
  let caught = false;
  for (let round = 0; round < 10 && !caught; round++) {
    const films = [await sendFilm(0), await sendFilm(1), await sendFilm(0)];
    other.process.kill('SIGSTOP');
    for (const [at, film] of films.entries()) expect(await accept((at % 2) as 0 | 1, film)).toBe(200);
    caught = await stopAtWork(doomed);
    other.process.kill('SIGCONT');
    studies.push(...films);
  }
  expect(caught).toBe(true);
  expect(await doomed.end('SIGKILL')).toEqual([null, 'SIGKILL']);
  for (const study of studies)
    await eventually(async () => (await findings(study)).length > 0, 'the analysis by the other', 45);
  await idle();
  for (const study of studies) expect(await findings(study, 1)).toHaveLength(1);
  const again = await rows<{ retry_count: number }>(`select retry_count from job.job where name = 'analyze' and retry_count > 0`); // prettier-ignore
  expect(again.length).toBeGreaterThan(0);
  expect(await other.end()).toEqual([0, null]);
}, 90_000);

test('without any worker the APIs answer and take work, which waits', async () => {
  const study = await sendFilm(1);
  expect(await accept(0, study)).toBe(200);
  expect([(await apis[0].readyz()).status, (await apis[1].readyz()).status]).toEqual([200, 200]);
  expect(await rows(`select name, state::text from job.job where state < 'active' order by name`)).toEqual([
    { name: 'analyze', state: 'created' },
    { name: 'complete-study', state: 'created' },
  ]);
  expect([await apis[0].end(), await apis[1].end()]).toEqual([
    [0, null],
    [0, null],
  ]);
});

/** No job waits or runs. */
async function idle(): Promise<void> {
  const open = () => rows(`select id from job.job where state < 'completed'`);
  await eventually(async () => (await open()).length === 0, 'the end of all jobs');
}

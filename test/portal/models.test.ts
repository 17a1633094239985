import type { Device, Observation, OperationOutcome, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { changeModel } from '../../server/core/analysis/registry/change-model.ts';
import { deviceIdOf } from '../../server/core/analysis/findings.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { shadow as runShadow } from '../../server/work/shadow.ts';
import {
  caller,
  completeStep,
  eventually,
  openStep,
  reviewData,
  reviewStep,
  scanFinding,
  type Caller,
} from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { alteredCopy, makeModel, makeUntrained, type MadeModel, shippedVersion } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { SHIPPED } from '../models/shipped.ts';

// Real models on a machine that may be busy: waiting long is no failure, a wrong answer is.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// The registry over HTTP, on two processes with one database and one folder of models.
let folder: string;
let server: TestServer;
let beside: TestServer;
let [admin, doctor, pacs]: Caller[] = [];
let [fit, worse, watched]: MadeModel[] = [];
const shipped = SHIPPED.manifest().model.sha256;

interface Listing {
  models: { digest: string; version: string; state: string; acts: string[]; shortcomings: { code: string }[] }[];
  refused: { folder: string; code: string; reason: string }[];
  serving: { ready: boolean; reason?: string };
  switchedOff: boolean;
  rollbackTo: string | null;
  history: {
    digest: string;
    act: string;
    from: string | null;
    to: string;
    by: { name: string };
    reason: string;
    override?: object;
  }[];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-registry-'));
  fit = await makeModel(folder, { version: '2.0.0', temperature: 3 });
  worse = await makeModel(folder, { version: '3.0.0', temperature: 1.5, evaluation: 'worse' });
  watched = await makeModel(folder, { version: '5.0.0', temperature: 2 });
  await makeUntrained(folder);
  await alteredCopy(fit.folder, join(folder, 'broken'), 'model.onnx', (bytes) => bytes.subarray(0, 100));
  const environment = { MODELS_DIR: folder };
  server = await startTestServer({ environment });
  beside = await startTestServer({ environment, beside: server });
  admin = caller(server, (await server.signIn('admin')).access_token);
  doctor = caller(server, (await server.signIn('doctor')).access_token);
  pacs = caller(server, await server.backend());
}, 240_000);
afterAll(async () => {
  await beside.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const json = { 'Content-Type': 'application/json' };
const post = (path: string, body: object, who = admin!) => who.send('POST', `/portal/models/${path}`, body, json);
const list = () => admin!.json<Listing>('/portal/models');
const stateOf = async (digest: string) => (await list()).models.find((model) => model.digest === digest)?.state;
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;
const versionIn = ({ system }: TestServer) => {
  const state = system.world.classifier.state();
  return state.ready ? state.model.version : state.reason;
};

/** A film of its own, stored; gives the ImagingStudy's id. */
async function film(): Promise<string> {
  const study = newUid();
  const bytes = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: study, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await pacs!.store([bytes])).status).toBe(200);
  const [found] = await doctor!.search(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${study}`);
  return found!.id!;
}

const startAi = async (study: string) =>
  doctor!.patchTask(await openStep(doctor!, 'ai-inference', study), [
    { op: 'replace', path: '/status', value: 'accepted' },
  ]);
const inference = async (study: string, status = 'completed') =>
  (await doctor!.search<Task>(`Task?code=${reviewStep}|ai-inference&focus=ImagingStudy/${study}&status=${status}`))[0];
const findings = (study: string) =>
  doctor!.search<Observation>(`Observation?code=${scanFinding}|ai-classification&part-of=ImagingStudy/${study}`);
const digestIn = (finding: Observation) =>
  finding.component!.find(({ code }) => code.coding![0]!.code === 'model-digest')!.valueString!;
const analysed = (study: string) =>
  eventually(async () => (await inference(study)) && (await findings(study))[0], 'the analysis');

test('at the first start the shipped model is active, the others are candidates, a broken folder is listed', async () => {
  const found = await list();
  expect(Object.fromEntries(found.models.map(({ version, state }) => [version, state]))).toEqual({
    [shippedVersion]: 'active',
    '2.0.0': 'candidate',
    '3.0.0': 'candidate',
    '5.0.0': 'candidate',
    '0.0.1': 'candidate',
  });
  expect(found.refused).toMatchObject([{ folder: 'broken', code: 'digest' }]);
  expect(JSON.stringify(found)).not.toContain(folder);
  const lacks = Object.fromEntries(
    found.models.map(({ version, shortcomings }) => [version, shortcomings.map(({ code }) => code)]),
  );
  expect(lacks).toEqual({
    [shippedVersion]: [],
    '2.0.0': [],
    '3.0.0': ['macro-f1'],
    '5.0.0': [],
    '0.0.1': ['untrained'],
  });
  expect(found.history.filter(({ to }) => to === 'active')).toMatchObject([
    { digest: shipped, act: 'promote', by: { name: 'CSSS' } },
  ]);
});

test('promoted and rolled back while analyses run: none is lost, none doubled, each says truly which model made it', async () => {
  const studies: string[] = [];
  for (let i = 0; i < 8; i++) studies.push(await film());
  const started = studies.map(startAi);
  const promoted = await post(`${fit!.digest}/promote`, { reason: 'better on our films' });
  expect(promoted.status).toBe(200);
  await Promise.all(started.map(async (answer) => expect((await answer).status).toBe(200)));
  await eventually(async () => versionIn(beside) === '2.0.0', 'the other process following', 60);
  const more = [await film(), await film()];
  for (const study of more) await startAi(study);
  await Promise.all(more.map(analysed));
  expect((await post('rollback', { reason: 'worse in practice' })).status).toBe(200);
  expect([versionIn(server), (await list()).rollbackTo]).toEqual([shippedVersion, null]);
  await eventually(async () => versionIn(beside) === shippedVersion, 'the other process following back', 60);

  for (const study of [...studies, ...more]) await analysed(study);
  const seen = new Set<string>();
  for (const study of [...studies, ...more]) {
    const all = await findings(study);
    expect(all).toHaveLength(1);
    const digest = digestIn(all[0]!);
    seen.add(digest);
    expect(all[0]!.device!.reference).toBe(`Device/${deviceIdOf(digest)}`);
    expect((await inference(study))!.owner!.reference).toBe(`Device/${deviceIdOf(digest)}`);
  }
  expect(seen).toContain(fit!.digest);
  const [{ count } = { count: 0 }] = await server.system.sql.query<{ count: number }>(
    `select count(*) as count from analysis`,
  );
  expect(count).toBe(10);
}, 240_000);

test('FHIR says which model is in service; results keep theirs', async () => {
  const device = (digest: string) => doctor!.json<Device>(`/fhir/Device/${deviceIdOf(digest)}`);
  expect((await device(shipped)).status).toBe('active');
  expect((await device(fit!.digest)).status).toBe('inactive');
  expect((await doctor!.get(`/fhir/Device/${deviceIdOf(worse!.digest)}`)).status).toBe(404);
});

test('two promotions at the same moment end with one active model', async () => {
  const override = 'a test of two at once';
  const other = { principal: systemPrincipal('test'), name: 'Another admin' };
  const ended = await Promise.allSettled([
    post(`${worse!.digest}/promote`, { reason: 'first', override }).then(({ status }) => expect(status).toBe(200)),
    changeModel(beside.system.world, other, { act: 'promote', digest: fit!.digest, reason: 'second' }),
  ]);
  expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true);
  const { models, history } = await list();
  const active = models.filter(({ state }) => state === 'active');
  expect(active).toHaveLength(1);
  const kept = history.find(({ digest, act }) => digest === worse!.digest && act === 'promote');
  if (kept)
    expect(kept.override).toMatchObject({ reason: override, shortcomings: [expect.stringMatching(/macro-F1/)] });
  await eventually(
    async () => versionIn(server) === active[0]!.version && versionIn(beside) === active[0]!.version,
    'both processes agreeing',
    60,
  );
  if (active[0]!.digest !== shipped)
    expect((await post(`${shipped}/promote`, { reason: 'back to the start' })).status).toBe(200);
  await eventually(async () => versionIn(beside) === shippedVersion, 'the other process following', 60);
});

test('switched off: results stop at once with the reason, Tasks keep their place, and go on when it is on again', async () => {
  const [waiting, asked] = [await film(), await film()];
  expect((await post(`${shipped}/deactivate`, { reason: 'misses lateral films' })).status).toBe(200);
  const off = await list();
  expect([off.switchedOff, off.serving.reason]).toEqual([
    true,
    expect.stringMatching(/^switched off by .+: misses lateral films$/),
  ]);
  await eventually(async () => versionIn(beside).startsWith('switched off by'), 'the other process following', 60);
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, JSON.stringify(await ready.json())]).toEqual([
    200,
    expect.stringMatching(/switched off by an administrator/),
  ]);

  const refused = await startAi(asked);
  expect([refused.status, await said(refused)]).toEqual([409, expect.stringMatching(/switched off/)]);
  expect((await openStep(doctor!, 'ai-inference', asked)).status).toBe('requested');
  // As when the images were taken in, or the button was pressed, just before: accepted, and the job is owed.
  const step = await openStep(doctor!, 'ai-inference', waiting);
  const { world } = server.system;
  await writeInTransaction(world, systemPrincipal('test'), {
    method: 'update',
    id: step.id!,
    resource: { ...step, status: 'accepted' },
  });
  await world.transaction(({ jobs }) => jobs.enqueue({ kind: 'analyze', key: step.id!, data: { task: step.id! } }));
  await new Promise((done) => setTimeout(done, 3_000));
  expect((await inference(waiting, 'accepted'))?.id).toBe(step.id);
  expect(await findings(waiting)).toEqual([]);

  expect((await post(`${shipped}/promote`, { reason: 'checked, it was the positioning' })).status).toBe(200);
  expect(digestIn((await analysed(waiting))!)).toBe(shipped);
}, 240_000);

describe('in the shadow', () => {
  let study: string;
  let finding: Observation;
  beforeAll(async () => {
    expect((await post(`${watched!.digest}/shadow`, { reason: 'watch it for a month' })).status).toBe(200);
    study = await film();
    await startAi(study);
    finding = (await analysed(study))!;
    await eventually(async () => (await rows(watched!.digest)).length === 1, 'the shadow run', 60);
  });
  const rows = (digest: string) =>
    server.system.sql.query<{ task: string; probability: number }>(
      `select task, probability from shadow_analysis where digest = $1`,
      [digest],
    );

  test('each result is of the active model; the shadow answers once, in its own table', async () => {
    expect(digestIn(finding)).toBe(shipped);
    expect((await rows(watched!.digest))[0]).toMatchObject({ task: (await inference(study))!.id });
    const { world } = server.system;
    const again = taken({
      kind: 'shadow',
      key: 'again',
      data: { task: (await inference(study))!.id!, finding: finding.id!, digest: watched!.digest },
    });
    await Promise.all([runShadow(world, again), runShadow(world, again)]);
    expect(await rows(watched!.digest)).toHaveLength(1);
  });

  test('nobody finds it by FHIR, in no type, history or text', async () => {
    const tokens = [pacs!, admin!, doctor!];
    for (const role of ['pharmacist', 'patient'] as const)
      tokens.push(caller(server, (await server.signIn(role)).access_token));
    for (const who of tokens) {
      for (const path of [
        'Observation',
        'Media',
        'Task',
        'DiagnosticReport',
        'Provenance',
        'Device',
        'Device/_history',
        '_history',
      ]) {
        const answer = await who.get(`/fhir/${path}?_count=200`);
        if (answer.status !== 200) continue;
        const text = await answer.text();
        expect([path, text.includes(watched!.digest), text.includes(deviceIdOf(watched!.digest))]).toEqual([
          path,
          false,
          false,
        ]);
      }
    }
    const kept = await server.system.sql.query(`select type, content from record_version where content like any ($1)`, [
      [`%${watched!.digest}%`, `%${deviceIdOf(watched!.digest)}%`],
    ]);
    expect(kept).toEqual([]);
  });

  test('its failure touches no result and keeps nothing half', async () => {
    const other = await film();
    const { world } = server.system;
    const hold = () => ({
      ...world.shadow.hold(),
      classify: () => Promise.reject(new Error('the shadow model broke')),
    });
    await startAi(other);
    const result = (await analysed(other))!;
    const job = taken({
      kind: 'shadow',
      key: 'x',
      data: { task: 'another-task', finding: result.id!, digest: watched!.digest },
    });
    await expect(runShadow({ ...world, shadow: { ...world.shadow, hold } }, job)).rejects.toThrow(/broke/);
    expect((await rows(watched!.digest)).map(({ task }) => task)).not.toContain('another-task');
    expect((await inference(other))!.status).toBe('completed');
    expect(
      await doctor!.search<Task>(
        `Task?code=${reviewStep}|physician-verification&focus=ImagingStudy/${other}&status=requested`,
      ),
    ).toHaveLength(1);
  });

  test('the comparison counts both against the doctor, for administrators', async () => {
    const verification = await openStep(doctor!, 'physician-verification', study);
    const output = {
      type: { coding: [{ system: reviewData, code: 'conclusion' }] },
      valueCodeableConcept: { coding: [{ system: scanFinding, code: 'COVID' }] },
    };
    const word = {
      type: { coding: [{ system: reviewData, code: 'disagreement' }] },
      valueString: 'Ground glass at both bases.',
    };
    const answer = await completeStep(doctor!, verification, [
      { op: 'add', path: '/note', value: [{ text: 'Normal film.' }] },
      { op: 'add', path: '/output', value: [output, word] },
    ]);
    expect([answer.status, answer.status === 200 ? '' : await answer.text()]).toEqual([200, '']);
    await eventually(async () => (await rows(watched!.digest)).length === 2, 'the second shadow run', 60);
    const found = await admin!.json<{
      count: number;
      agreement: number;
      meanDifference: number;
      confusion: number[][];
      doctor: object;
      groups: object[];
      from: string;
    }>('/portal/models/comparison');
    expect(found).toMatchObject({ active: shipped, shadow: watched!.digest, count: 2, doctor: { count: 1 } });
    expect(found.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(2);
    expect(found.meanDifference).toBeGreaterThan(0.01);
    expect(found.groups).toMatchObject([{ modality: expect.any(String) as string, count: 2 }]);
    expect(Date.parse(found.from)).toBeGreaterThan(0);
  });

  test('no more, when it is withdrawn', async () => {
    expect((await post(`${watched!.digest}/withdraw`, { reason: 'seen enough' })).status).toBe(200);
    const other = await film();
    await startAi(other);
    await analysed(other);
    const [{ count } = { count: 1 }] = await server.system.sql.query<{ count: number }>(
      `select count(*) as count from job.job where name = 'shadow' and state < 'completed'`,
    );
    expect(count).toBe(0);
    expect(await rows(watched!.digest)).toHaveLength(2);
  });
});

test('drift over HTTP is what the table holds, by week and scanner, without a patient', async () => {
  const found = await admin!.json<{
    reference: { kind: string };
    points: {
      week: string;
      scanner: string | null;
      count: number;
      overrideRate: number | null;
      psi: number | null;
      noPsi: object;
    }[];
  }>('/portal/models/drift');
  const [{ count } = { count: 0 }] = await server.system.sql.query<{ count: number }>(
    `select count(*) as count from analysis where digest = $1`,
    [shipped],
  );
  expect(found.reference.kind).toBe('validation');
  const all = found.points.find(({ scanner }) => scanner === null);
  expect(all).toMatchObject({ count, overrideRate: 1, psi: null, noPsi: { code: 'too-few-images', needed: 50 } });
  expect(JSON.stringify(found)).not.toMatch(/Patient|Rao|DEMO-1001/);
  const own = await admin!.json<typeof found>('/portal/models/drift?reference=first-weeks');
  expect([own.reference.kind, own.points[0]!.psi]).toEqual(['first-weeks', null]);
  expect((await admin!.get('/portal/models/drift?model=x')).status).toBe(400);
});

test('a rescan finds a new folder without a restart; an altered one cannot become active', async () => {
  const late = await makeModel(folder, { version: '4.0.0', temperature: 1.1 });
  expect((await post('rescan', {})).status).toBe(200);
  expect(await stateOf(late.digest)).toBe('candidate');
  const file = join(late.folder, 'model.onnx');
  await writeFile(file, (await readFile(file)).subarray(0, -1));
  const answer = await post(`${late.digest}/promote`, { reason: 'looks good' });
  expect([answer.status, await said(answer)]).toEqual([422, expect.stringMatching(/SHA-256/)]);
  expect([await stateOf(late.digest), await stateOf(shipped), versionIn(server)]).toEqual([
    'candidate',
    'active',
    shippedVersion,
  ]);
  await post('rescan', {});
  expect((await list()).refused.map(({ folder: name, code }) => [name, code])).toContainEqual([
    'model-4.0.0',
    'digest',
  ]);
  expect((await post(`${late.digest}/retire`, { reason: 'the file is damaged' })).status).toBe(200);
});

test('a release that ships another model adds a candidate; the active one goes on, from its copy', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'csss-release-'));
  const next = await makeModel(elsewhere, { version: '9.0.0', temperature: 1.3 });
  const upgraded = await startTestServer({
    environment: { MODELS_DIR: folder, MODEL_DIR: next.folder },
    beside: server,
    workers: false,
  });
  try {
    expect([versionIn(upgraded), await stateOf(next.digest), await stateOf(shipped)]).toEqual([
      shippedVersion,
      'candidate',
      'active',
    ]);
  } finally {
    await upgraded.stop();
    await rm(elsewhere, { recursive: true, force: true });
  }
});

import type { Observation, Task } from '@medplum/fhirtypes';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, eventually, openStep, reviewStep, scanFinding, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { alteredCopy, shippedFolder } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { strikeSessions } from '../harness/session-processes.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// A server whose model cannot run when it starts: it says why and what to do, loses nothing, and heals by itself.
let folder: string;
const servers: TestServer[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-healing-'));
});
afterEach(async () => {
  for (const server of servers.splice(0).reverse()) await server.stop();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(options: Parameters<typeof startTestServer>[0]): Promise<TestServer> {
  const server = await startTestServer(options);
  servers.push(server);
  return server;
}

const readyz = async ({ url }: TestServer) => {
  const answer = await fetch(`${url}/readyz`);
  return {
    status: answer.status,
    model: ((await answer.json()) as { components: { model: string } }).components.model,
  };
};
const healed = (server: TestServer) => eventually(async () => (await readyz(server)).status === 200, 'the model', 30);

/** A study whose analysis a doctor asked for. */
async function asked(server: TestServer, doctor: Caller): Promise<string> {
  const study = newUid();
  const bytes = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: study, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await caller(server, await server.backend()).store([bytes])).status).toBe(200);
  const [found] = await doctor.search(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${study}`);
  const step = await openStep(doctor, 'ai-inference', found!.id!);
  expect((await doctor.patchTask(step, [{ op: 'replace', path: '/status', value: 'accepted' }])).status).toBe(200);
  return found!.id!;
}
const steps = (doctor: Caller, study: string) =>
  doctor.search<Task>(`Task?code=${reviewStep}|ai-inference&focus=ImagingStudy/${study}`);
const findings = (doctor: Caller, study: string) =>
  doctor.search<Observation>(`Observation?code=${scanFinding}|ai-classification&part-of=ImagingStudy/${study}`);

test('the folder of the model is missing at the first start: Tasks wait, and are done when it is there', async () => {
  const place = join(folder, 'missing');
  const server = await start({ environment: { MODEL_DIR: place } });
  expect(await readyz(server)).toEqual({
    status: 503,
    model: expect.stringMatching(
      /the model folder has no readable model\.json\. Put the folder of the model back.*tries again by itself/,
    ) as string,
  });
  const admin = caller(server, (await server.signIn('admin')).access_token);
  const { serving } = await admin.json<{ serving: { ready: boolean; reason: string } }>('/portal/models');
  expect(serving).toMatchObject({ ready: false, reason: (await readyz(server)).model });

  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  const study = await asked(server, doctor);
  // Longer than all tries of a job take: none of them may fail the Task.
  await eventually(async () => (await jobsOwed(server)) === 0, 'the end of the tries', 60);
  expect((await steps(doctor, study)).map(({ status }) => status)).toEqual(['accepted']);
  expect(await findings(doctor, study)).toEqual([]);

  await cp(shippedFolder, place, { recursive: true });
  await healed(server);
  await eventually(async () => (await findings(doctor, study))[0], 'the analysis', 10);
  expect((await steps(doctor, study)).map(({ status }) => status)).toEqual(['completed']);
});

test('the active model is damaged when a server starts: it says so, and the repaired file is taken without a restart', async () => {
  const first = await start({ workers: false });
  const place = await alteredCopy(shippedFolder, join(folder, 'damaged'), 'model.onnx', (bytes) => bytes.subarray(0, 999)); // prettier-ignore
  const second = await start({
    environment: { MODEL_DIR: place, MODELS_DIR: join(folder, 'no-copies') },
    beside: first,
    workers: false,
  });
  expect(await readyz(second)).toEqual({
    status: 503,
    model: expect.stringMatching(/model\.onnx is not the file.*SHA-256.*Copy the folder.*tries again/) as string,
  });
  expect((await readyz(first)).status).toBe(200);
  await writeFile(join(place, 'model.onnx'), await readFile(join(shippedFolder, 'model.onnx')));
  await healed(second);

  // What it serves is in memory: the same damage does not stop it now.
  await writeFile(join(place, 'model.onnx'), 'damaged again');
  await sleep(2_500);
  expect((await readyz(second)).status).toBe(200);
});

test('the process of the model dies while it starts, as without memory: later it lives', async () => {
  const server = await strikeSessions('SIGKILL', async () => {
    const struck = await start({ workers: false });
    expect(await readyz(struck)).toEqual({
      status: 503,
      model: expect.stringMatching(/was ended by SIGKILL\. Check that the machine has memory left/) as string,
    });
    await sleep(9_000); // the first try fails like the start
    expect((await readyz(struck)).status).toBe(503);
    return struck;
  });
  await healed(server);
});

test('an administrator need not wait for the next try', async () => {
  const place = join(folder, 'soon');
  const server = await start({ environment: { MODEL_DIR: place }, workers: false });
  const admin = caller(server, (await server.signIn('admin')).access_token);
  await cp(shippedFolder, place, { recursive: true });
  const answer = await admin.send('POST', '/portal/models/rescan', {}, { 'Content-Type': 'application/json' });
  expect(await answer.json()).toMatchObject({ serving: { ready: true } });
  expect((await readyz(server)).status).toBe(200);
});

async function jobsOwed({ system }: TestServer): Promise<number> {
  const [row] = await system.sql.query<{ count: number }>(
    `select count(*) as count from job.job where name = 'analyze' and state < 'completed'`,
  );
  return Number(row!.count);
}

import type { Observation } from '@medplum/fhirtypes';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { eventually } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { acknowledged, expectAllThereOnce, expectHonestRefusals, startLoad } from '../harness/load.ts';
import {
  backendKey,
  postmasterOf,
  startServerProcess,
  temporaryFolder,
  type ServerProcess,
} from '../harness/server-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: ServerProcess;
beforeAll(async () => {
  folder = await temporaryFolder();
  const environment = { DATA_DIR: folder.path, ANALYZE_ON_ARRIVAL: 'true', STUDY_QUIET_SECONDS: '1' };
  server = await startServerProcess({ environment, key: await backendKey() });
});
afterAll(async () => {
  await server?.end();
  await folder.remove();
});

test('PostgreSQL killed under load: refusals say when to come again, it is started again, nothing acknowledged is lost', async () => {
  const who = await server.caller();
  const running = startLoad(who);
  await eventually(async () => acknowledged(running.load.images).length > 5, 'some work');
  process.kill(await postmasterOf(folder.path), 'SIGKILL');
  await eventually(async () => (await server.readyz()).status === 503, 'readiness that sees it');
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200); // a restart of this process would not help
  await eventually(async () => (await server.readyz()).status === 200, 'readiness', 30);
  const before = acknowledged(running.load.images).length;
  await eventually(async () => acknowledged(running.load.images).length > before + 5, 'work as before', 20);
  const load = await running.stop();
  expectHonestRefusals(load);
  await expectAllThereOnce(who, load);
  expect((await server.readyz()).body.components.database).toBe('up');
});

test('afterwards the job queue goes on: an image that comes is analysed, once', async () => {
  const who = await server.caller();
  const studyUID = newUid();
  const film = await chestFilm('film-1.jpg', {
    patientId: 'FAULT-1', patientName: 'Fault^Fay', birthDate: '19850412', sex: 'F', studyUID, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await who.store([film])).status).toBe(200);
  const findings = () => who.search<Observation>(`Observation?part-of:ImagingStudy.identifier=urn:oid:${studyUID}`);
  await eventually(async () => (await findings()).length > 0, 'the analysis', 40);
  await sleep(500);
  expect(await findings()).toHaveLength(1);
});

test('each refusal is one line of the log, with the id that the caller was told and with the reason', async () => {
  const lines = server.log().filter(({ status }) => Number(status) >= 500);
  expect(lines.length).toBeGreaterThan(0);
  const ids = lines.map(({ requestId }) => requestId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { err } of lines.filter(({ route }) => route !== '/readyz'))
    expect(err).toMatchObject({ type: 'Problem' });
});

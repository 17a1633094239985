import type { Observation, OperationOutcome } from '@medplum/fhirtypes';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { caller, eventually, openStep, scanFinding, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { makeModel, shippedVersion } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { sessionProcesses, strikeSessions } from '../harness/session-processes.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// A native crash of the runtime: the session's process gets the signal that the kernel would send it.
let folder: string;
let server: TestServer;
let [admin, doctor, pacs]: Caller[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-isolated-'));
  server = await startTestServer({ environment: { MODELS_DIR: folder } });
  admin = caller(server, (await server.signIn('admin')).access_token);
  doctor = caller(server, (await server.signIn('doctor')).access_token);
  pacs = caller(server, await server.backend());
});
afterAll(async () => {
  await server.stop();
  expect(sessionProcesses()).toEqual([]);
  await rm(folder, { recursive: true, force: true });
});

interface Listing {
  models: { version: string; state: string }[];
  refused: { folder: string; code: string; reason: string }[];
  serving: { ready: boolean };
}
const post = (path: string, body: object) =>
  admin!.send('POST', `/portal/models/${path}`, body, { 'Content-Type': 'application/json' });
const states = ({ models }: Listing) => Object.fromEntries(models.map(({ version, state }) => [version, state]));
const readyz = async () => (await fetch(`${server.url}/readyz`)).status;

async function startedAnalysis(): Promise<string> {
  const study = newUid();
  const bytes = await chestFilm('film-1.jpg', {
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M', studyUID: study, accession: '', description: 'Chest PA', studyDate: '20261120', studyTime: '101500',
  }); // prettier-ignore
  expect((await pacs!.store([bytes])).status).toBe(200);
  const [found] = await doctor!.search(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${study}`);
  const step = await openStep(doctor!, 'ai-inference', found!.id!);
  const started = await doctor!.patchTask(step, [{ op: 'replace', path: '/status', value: 'accepted' }]);
  expect(started.status).toBe(200);
  return found!.id!;
}
const analysed = (study: string) =>
  eventually(
    async () =>
      (
        await doctor!.search<Observation>(
          `Observation?code=${scanFinding}|ai-classification&part-of=ImagingStudy/${study}`,
        )
      )[0],
    'the analysis',
    60,
  );

test('a new model that crashes in its self-test is refused with a code; the server goes on; a second look may take it in', async () => {
  const made = await makeModel(folder, { version: '2.0.0', temperature: 3 });
  const study = await startedAnalysis();
  await analysed(study);
  const answer = await strikeSessions('SIGSEGV', () => post('rescan', {}));
  expect(answer.status).toBe(200);
  const listing = (await answer.json()) as Listing;
  expect(states(listing)).toEqual({ [shippedVersion]: 'active' });
  expect(listing.refused).toMatchObject([
    { folder: 'model-2.0.0', code: 'crash', reason: 'the process that ran it was ended by SIGSEGV' },
  ]);
  expect([listing.serving.ready, await readyz()]).toEqual([true, 200]);
  await analysed(await startedAnalysis());

  expect(states((await (await post('rescan', {})).json()) as Listing)['2.0.0']).toBe('candidate');
  const promoted = await strikeSessions('SIGABRT', () => post(`${made.digest}/promote`, { reason: 'try it' }));
  const { issue } = (await promoted.json()) as OperationOutcome;
  expect([promoted.status, issue[0]!.code, issue[0]!.diagnostics]).toEqual([
    422,
    'business-rule',
    expect.stringMatching(/ended by SIGABRT\. Check that the machine has memory left/),
  ]);
  expect(states(await admin!.json<Listing>('/portal/models'))).toEqual({
    [shippedVersion]: 'active',
    '2.0.0': 'candidate',
  });
  expect(await readyz()).toBe(200);
});

test('the session that answers doctors crashes: the analysis is made all the same, nothing else notices', async () => {
  const before = sessionProcesses();
  expect(before.length).toBeGreaterThan(0);
  const studies = [await startedAnalysis(), await startedAnalysis()];
  for (const pid of before) process.kill(pid, 'SIGSEGV');
  for (const study of studies) await analysed(study);
  expect(await readyz()).toBe(200);
  expect(sessionProcesses().filter((pid) => before.includes(pid))).toEqual([]);
});

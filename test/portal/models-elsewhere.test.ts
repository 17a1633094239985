import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { caller, eventually, type Caller } from '../harness/calls.ts';
import { alteredCopy, makeModel, type MadeModel, shippedFolder, shippedVersion } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { sessionProcesses } from '../harness/session-processes.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The registry in a process that answers and runs no model, before there is any worker.
let folder: string;
let api: TestServer;
let admin: Caller;
let fit: MadeModel;

interface Listing {
  models: { digest: string; version: string; state: string; present: boolean }[];
  refused: { folder: string; code: string }[];
  serving: object;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-elsewhere-'));
  fit = await makeModel(folder, { version: '2.0.0', temperature: 3 });
  await alteredCopy(fit.folder, join(folder, 'broken'), 'model.onnx', (bytes) => bytes.subarray(0, 100));
  const environment = { ROLE: 'api', PUBLIC_URL: 'http://localhost:1', MODELS_DIR: folder };
  api = await startTestServer({ environment, workers: false });
  admin = caller(api, (await api.signIn('admin')).access_token);
});
afterAll(async () => {
  await api?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A process that was told to end needs a moment. */
const noSession = () => eventually(async () => sessionProcesses().length === 0, 'the end of the test session', 5);
const list = () => admin.json<Listing>('/portal/models');
const post = (path: string) =>
  admin.send('POST', `/portal/models/${path}`, { reason: 'as a test' }, { 'Content-Type': 'application/json' });
const status = async () => ((await (await fetch(`${api.url}/api/status`)).json()) as { model?: object }).model;

test('it takes in no model by itself and starts none, and says which folders are bad', async () => {
  const { models, refused, serving } = await list();
  expect([models, refused]).toEqual([[], [expect.objectContaining({ folder: 'broken', code: 'digest' })]]);
  expect(serving).toEqual({ ready: false, reason: expect.stringContaining('no model is active') as string });
  expect([await status(), sessionProcesses()]).toEqual([undefined, []]);
});

test('an administrator who looks for models has them tested here, in a process that ends with the test', async () => {
  expect((await post('rescan')).status).toBe(200);
  const { models, serving } = await list();
  const shipped = { version: shippedVersion, state: 'active', present: true };
  const candidate = { digest: fit.digest, version: '2.0.0', state: 'candidate', present: true };
  expect(models).toEqual(
    expect.arrayContaining([expect.objectContaining(shipped), expect.objectContaining(candidate)]),
  );
  expect(models).toHaveLength(2);
  expect(serving).toEqual({ ready: false, elsewhere: true, reason: expect.stringContaining('workers') as string });
  expect(await status()).toEqual({
    name: 'chest-mobilenet-v2',
    version: shippedVersion,
    trained: true,
    accuracy: expect.any(Number) as number,
    testImages: expect.any(Number) as number,
  });
  await noSession();
});

test('one that is activated was tested, and no session is left; one that computes something else is refused', async () => {
  expect((await post(`${fit.digest}/shadow`)).status).toBe(200);
  expect((await post(`${fit.digest}/promote`)).status).toBe(200);
  await noSession();
  expect(await status()).toMatchObject({ version: '2.0.0' });
  const golden = join(fit.folder, 'golden.json');
  const whole = await readFile(golden);
  await writeFile(golden, await readFile(join(shippedFolder, 'golden.json')));
  expect((await post('rollback')).status).toBe(200);
  const refused = await post(`${fit.digest}/promote`);
  expect([refused.status, await refused.text()]).toEqual([422, expect.stringContaining('self-test')]);
  await writeFile(golden, whole);
  await noSession();
  expect(await status()).toMatchObject({ version: shippedVersion });
});

import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../harness/calls.ts';
import { acknowledged, createPatient, expectAllThereOnce, startLoad, storeImage } from '../harness/load.ts';
import { backendKey, startServerProcess, temporaryFolder } from '../harness/server-process.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder.path, 'blobs'), { recursive: true });
});
afterAll(() => folder.remove());

test('killed in the middle of stores and started again: what was acknowledged is whole, the rest is whole or absent', async () => {
  const start = { environment: { DATA_DIR: folder.path }, key: await backendKey() };
  const killed = await startServerProcess(start);
  const running = startLoad(await killed.caller(), { callers: 6 });
  await eventually(async () => acknowledged(running.load.images).length > 10, 'some work');
  await eventually(async () => (await readdir(join(folder.path, 'blobs', 'incoming'))).length > 0, 'a store under way');
  await killed.end('SIGKILL');
  await sleep(100);
  const load = await running.stop();
  const next = await startServerProcess({ ...start, port: killed.port });
  const who = await next.caller();
  await expectAllThereOnce(who, load);
  expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  expect((await next.readyz()).status).toBe(200);
  expect(await next.end()).toEqual([0, null]);
});

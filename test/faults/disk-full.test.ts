import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../server/infrastructure/postgres/embedded.ts';
import { caller, eventually, type Caller } from '../harness/calls.ts';
import {
  createPatient,
  expectAllThereOnce,
  expectHonestRefusals,
  startLoad,
  storeImage,
  type Load,
} from '../harness/load.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { canMount, smallDisk, type SmallDisk } from '../harness/small-disk.ts';

const readyz = async ({ url }: TestServer) => {
  const answer = await fetch(`${url}/readyz`);
  return { status: answer.status, ...((await answer.json()) as { components: Record<string, string> }) };
};

describe.runIf(canMount)('the disk of the images is full', () => {
  let disk: SmallDisk;
  let server: TestServer;
  let who: Caller;
  const load: Load = { patients: [], images: [] };
  beforeAll(async () => {
    disk = await smallDisk(160);
    server = await startTestServer({ environment: { DATA_DIR: disk.path } });
    who = caller(server, await server.backend());
  });
  afterAll(async () => {
    await server?.stop();
    await disk.remove();
  });

  test.each([
    ['the reserve is reached', 32 << 20],
    ['there is no byte left', 0],
  ])(
    '%s: images are refused as such, records go on, and it is right again when there is room',
    async (_what, leave) => {
      expect(await storeImage(who, load)).toBe(200);
      await disk.fill(leave);
      await eventually(async () => (await readyz(server)).status === 503, 'readiness that sees it', 10);
      expect((await readyz(server)).components['blob store']).toMatch(/free|full/);
      expect(await storeImage(who, load)).toBe(507);
      expect(await createPatient(who, load)).toBe(201);
      await expectAllThereOnce(who, load); // what is there can be read
      await disk.free();
      expect(await eventually(async () => (await storeImage(who, load)) === 200, 'the next store', 5)).toBe(true);
      await eventually(async () => (await readyz(server)).status === 200, 'readiness', 10);
      expectHonestRefusals(load);
      await expectAllThereOnce(who, load);
    },
  );
});

describe.runIf(canMount)('the disk of the database is full', () => {
  let disk: SmallDisk;
  let database: EmbeddedPostgres;
  let server: TestServer;
  let images: string;
  beforeAll(async () => {
    disk = await smallDisk(320);
    images = await mkdtemp(join(tmpdir(), 'csss-fault-'));
    database = await startEmbeddedPostgres(join(disk.path, 'postgres'));
    server = await startTestServer({ environment: { DATABASE_URL: database.url, DATA_DIR: images } });
  });
  afterAll(async () => {
    await server?.stop();
    await database?.stop();
    await disk.remove();
    await rm(images, { recursive: true, force: true });
  });

  test('writes are refused as such, nothing acknowledged is lost, and it is right again when there is room', async () => {
    const who = caller(server, await server.backend());
    const running = startLoad(who, { bulk: 50_000 });
    await eventually(async () => running.load.images.length > 5, 'some work');
    await disk.fill(1 << 20);
    const refused = () => running.load.patients.filter(({ status }) => status !== 201).length;
    await eventually(async () => refused() > 3, 'a refusal', 30);
    const seen = await eventually(async () => {
      const { status, components } = await readyz(server);
      return status === 503 && components;
    }, 'readiness that sees it'); // prettier-ignore
    expect(seen.database).not.toBe('up');
    await disk.free();
    await eventually(async () => (await readyz(server)).status === 200, 'readiness', 30);
    await eventually(async () => running.load.images.at(-1)?.status === 200, 'work as before', 20);
    const load = await running.stop();
    expectHonestRefusals(load);
    await expectAllThereOnce(who, load);
  });
});

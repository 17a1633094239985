import type { Observation, Patient, Task } from '@medplum/fhirtypes';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { eventually } from '../harness/calls.ts';
import { createPatient, expectAllThereOnce, storeImage, type Load } from '../harness/load.ts';
import { backendKey, startServerProcess, temporaryFolder, type ServerProcess } from '../harness/server-process.ts';
import { freePort } from '../harness/server.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let key: Awaited<ReturnType<typeof backendKey>>;
const processes: ServerProcess[] = [];
beforeAll(async () => {
  folder = await temporaryFolder();
  key = await backendKey();
});
afterAll(async () => {
  for (const one of processes) await one.end();
  await folder.remove();
});

async function emptyDatabase(): Promise<{
  url: string;
  query<Row>(text: string): Promise<Row[]>;
  drop(): Promise<void>;
}> {
  const url = new URL(inject('templateUrl'));
  const admin = new pg.Client({ connectionString: url.href.replace(url.pathname, '/postgres') });
  await admin.connect();
  const name = `empty_${process.pid}`;
  await admin.query(`create database ${name}`);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async query<Row>(text: string) {
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      try {
        return (await client.query(text)).rows as Row[];
      } finally {
        await client.end();
      }
    },
    async drop() {
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

test('two processes that start at the same moment on an empty database both serve, and make everything once', async () => {
  const database = await emptyDatabase();
  const port = await freePort();
  const environment = {
    DATABASE_URL: database.url,
    DATA_DIR: folder.path,
    PUBLIC_URL: `http://localhost:${port}`,
  };
  const [one, two] = await Promise.all([
    startServerProcess({ environment, key, port, demoData: true }),
    startServerProcess({ environment, key, demoData: true }),
  ]);
  processes.push(one, two);
  expect([(await one.readyz()).status, (await two.readyz()).status]).toEqual([200, 200]);
  expect(await database.query(`select count(*)::int as n from migration group by name having count(*) > 1`)).toEqual(
    [],
  );

  const load: Load = { patients: [], images: [] };
  const [here, there] = [await one.caller(), await two.caller()];
  expect(await here.search<Patient>('Patient?identifier=DEMO-1001')).toHaveLength(1);
  for (const who of [here, there])
    expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  await expectAllThereOnce(here, load); // what one took, the other shows
  await expectAllThereOnce(there, load);

  const analysed = () => here.search<Task>('Task?code=ai-inference&status=completed');
  await eventually(async () => (await analysed()).length > 0, 'the analysis of the demo film');
  expect(await there.search<Observation>('Observation?patient=Patient/demo-patient-2')).toHaveLength(1);
  expect(await one.end()).toEqual([0, null]);
  expect(await createPatient(there, load)).toBe(201);
  expect(await two.end()).toEqual([0, null]);
  await database.drop();
}, 120_000);

test('two processes on one folder use one embedded database; the one that stops leaves it to the other', async () => {
  const [one, two] = await Promise.all(
    [0, 1].map(() => startServerProcess({ environment: { DATA_DIR: folder.path }, key })),
  ) as [ServerProcess, ServerProcess]; // prettier-ignore
  processes.push(one, two);
  const load: Load = { patients: [], images: [] };
  const who = await two.caller();
  expect(await one.end()).toEqual([0, null]);
  expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  expect((await two.readyz()).status).toBe(200);
  expect(two.output()).not.toContain('embedded database'); // nothing had to be started again
  expect(await two.end()).toEqual([0, null]);
}, 120_000);

test('a second start at the same address ends at once with a sentence, and the first does not notice', async () => {
  const first = await startServerProcess({ environment: { DATA_DIR: folder.path }, key });
  processes.push(first);
  const second = startServerProcess({ environment: { DATA_DIR: folder.path }, key, port: first.port });
  await expect(second).rejects.toThrow(`Port ${first.port} is taken`);
  expect((await first.readyz()).status).toBe(200);
  expect(first.output()).not.toContain('embedded database');
  await first.end();
}, 120_000);

import { createHash } from 'node:crypto';
import type { Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../../server/core/principal.ts';
import { searchOwn } from '../../../server/core/records/own-search.ts';
import { writeInTransaction } from '../../../server/core/records/write.ts';
import { reindexRecords } from '../../../server/infrastructure/postgres/records/reindex.ts';
import { recordsWorld, type RecordsWorld } from '../../harness/records.ts';

// The tables are spoilt by hand, as a release with other search parameters or a fault would leave them.
let world: RecordsWorld;
const number = 230;
const tables = ['token', 'string', 'date', 'reference', 'quantity'];

beforeAll(async () => {
  world = await recordsWorld();
  for (let at = 0; at < number; at++)
    await writeInTransaction(world.world, systemPrincipal('test'), {
      method: 'update',
      id: `patient-${at}`,
      resource: {
        resourceType: 'Patient',
        id: `patient-${at}`,
        identifier: [{ system: 'urn:test', value: `number-${at}` }],
        name: [{ family: `Müller${at}`, given: ['Élise'] }],
        birthDate: '1980-02-03',
        generalPractitioner: [{ reference: 'https://elsewhere.example/fhir/Practitioner/1' }],
      } as Patient,
    });
});
afterAll(() => world.database.close());

async function rows(): Promise<string> {
  const all: unknown[] = [];
  for (const table of tables)
    all.push(await world.database.sql.query(`select s::text from search_${table} s order by s::text`));
  return createHash('sha256').update(JSON.stringify(all)).digest('hex');
}

async function isFound(at: number): Promise<boolean> {
  const named = { parameter: 'family', values: [`muller${at}`] };
  const { found } = await world.world.read((stores) => searchOwn(stores, 'Patient', [named], { count: 2 }));
  return found.some(({ id }) => id === `patient-${at}`);
}

test('an index that is right stays as it is', async () => {
  const before = await rows();
  const done = await reindexRecords(world.database.dataSource, world.world.checker);
  expect(done).toEqual({ records: number, changed: 0, resumed: false });
  expect(await rows()).toBe(before);
});

test('rows that lack, that are too many and that are wrong are put right in every table', async () => {
  const before = await rows();
  const { sql } = world.database;
  await sql.query(`delete from search_string where rid % 3 = 0`);
  await sql.query(`update search_string set folded = 'x' where rid % 3 = 1`);
  await sql.query(`update search_token set code = 'wrong' where rid % 3 = 2`);
  await sql.query(`insert into search_date select rid, 0, 'Patient.death-date', now(), now() from record`);
  await sql.query(`delete from search_reference`);
  expect(await isFound(8)).toBe(false);
  const { records, changed } = await reindexRecords(world.database.dataSource, world.world.checker);
  expect([records, changed]).toEqual([number, number]);
  expect(await rows()).toBe(before);
  expect(await isFound(8)).toBe(true);
});

test('a run that was cut short is gone on with where it ended', async () => {
  const before = await rows();
  await world.database.sql.query(`delete from search_string`);
  let calls = 0;
  const failing = {
    indexRows(content: string) {
      if (++calls > 150) throw new Error('the machine is switched off');
      return world.world.checker.indexRows(content);
    },
  };
  await expect(reindexRecords(world.database.dataSource, failing)).rejects.toThrow('switched off');
  expect(await isFound(8)).toBe(true);
  expect(await isFound(120)).toBe(false); // of the batch that was rolled back
  const done = await reindexRecords(world.database.dataSource, world.world.checker);
  expect(done).toEqual({ records: number - 100, changed: number, resumed: true });
  expect(await rows()).toBe(before);
});

test('deleted records get no rows', async () => {
  await writeInTransaction(world.world, systemPrincipal('test'), {
    method: 'delete',
    type: 'Patient',
    id: 'patient-3',
  });
  await reindexRecords(world.database.dataSource, world.world.checker);
  expect(await isFound(3)).toBe(false);
});

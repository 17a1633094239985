import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AuditRow } from '../../server/core/access/audit-trail.ts';
import { connect, poolSql, type Sql } from '../../server/infrastructure/postgres/connection.ts';
import { sharedAudit } from '../../server/infrastructure/postgres/audit/audit.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import { caller } from '../harness/records.ts';
import { testStamp } from '../harness/world.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const row = (entity: string): AuditRow => ({
  action: 'R', event: 'dicomweb:retrieve', outcome: 'success', principal: caller('user/*.rs'), patients: ['p'], entities: [entity],
}); // prettier-ignore

/** The trail, and for each of its statements whether its commit waited for the disk. */
function watched() {
  const waited: boolean[] = [];
  const sql: Sql = {
    ...database.sql,
    prepared: (text, values) => {
      waited.push(!text.includes('synchronous_commit'));
      return database.sql.prepared(text, values);
    },
  };
  return { trail: sharedAudit(sql, testStamp), waited };
}

test('the first access of its kind is on disk when it resolves; for the same again nobody waits, and it is written with the next', async () => {
  const { trail, waited } = watched();
  await trail.append(row('studies/1/a'), 'token one');
  await trail.append(row('studies/1/b'), 'token one');
  await trail.append(row('studies/1/c'), 'token two');
  await trail.append(row('studies/1/d'));
  await trail.append(row('studies/1/e'), 'token two');
  await trail.flush();
  expect(waited.filter(Boolean)).toHaveLength(3); // a, c and d
  expect(waited.at(-1)).toBe(false);
  const kept = await database.sql.query(`select entities[1] as entity from audit where entities[1] like 'studies/1/%'`);
  expect(kept).toHaveLength(5);
});

test('a row that waits for the disk takes those with it that came together', async () => {
  const { trail, waited } = watched();
  await trail.append(row('studies/2/a'), 'known');
  await trail.append(row('studies/2/b'), 'known');
  await trail.append(row('studies/2/c'), 'known');
  await trail.append(row('studies/2/d'), 'new');
  await trail.flush();
  expect(waited.filter(Boolean)).toHaveLength(2); // a and d
  const kept = await database.sql.query(`select from audit where entities[1] like 'studies/2/%'`);
  expect(kept).toHaveLength(4);
});

test('what nobody waits for is written a moment later, and again after a failure', async () => {
  let failing = true;
  const sql: Sql = {
    ...database.sql,
    prepared: (text, values) =>
      failing && text.includes('synchronous_commit')
        ? Promise.reject(new Error('the database is away'))
        : database.sql.prepared(text, values),
  };
  const trail = sharedAudit(sql, testStamp);
  const count = async () => (await database.sql.query(`select from audit where entities[1] like 'studies/5/%'`)).length;
  await trail.append(row('studies/5/a'), 'owed');
  for (let n = 0; n < 600; n++) await trail.append(row(`studies/5/${n}`), 'owed');
  await expect(trail.flush()).rejects.toThrow('away');
  expect(await count()).toBe(1);
  failing = false;
  await vi.waitFor(async () => expect(await count()).toBe(601), { timeout: 20_000 });
});

test('more than can be owed is waited for', async () => {
  const { trail } = watched();
  await trail.append(row('studies/6/a'), 'many');
  const all = Array.from({ length: 2_500 }, (_, n) => trail.append(row(`studies/6/${n}`), 'many'));
  await Promise.all(all);
  await trail.flush();
  expect(await database.sql.query(`select from audit where entities[1] like 'studies/6/%'`)).toHaveLength(2_501);
});

test('what was not written is no access that is known', async () => {
  const { trail, waited } = watched();
  const failing = { ...row('x'), entities: ['\0'] }; // no text of PostgreSQL's
  await expect(trail.append(failing, 'unwritten')).rejects.toThrow();
  await trail.append(row('studies/3/a'), 'unwritten');
  expect(waited).toEqual([true, true]);
});

test('its setting ends with its transaction', async () => {
  await database.sql.query(
    `do $$ begin execute 'alter database ' || current_database() || ' set synchronous_commit = on'; end $$`,
  );
  const dataSource = await connect(database.url, { poolSize: 1 });
  try {
    const sql = poolSql(dataSource);
    const trail = sharedAudit(sql, testStamp);
    for (let n = 0; n < 5; n++) {
      await trail.append(row(`studies/4/${n}`), 'again');
      await trail.flush();
    }
    expect(await sql.query('show synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
  } finally {
    await dataSource.destroy();
  }
});

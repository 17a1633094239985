import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('the first access of its kind is on disk when it resolves; the same again is committed', async () => {
  const { trail, waited } = watched();
  await trail.append(row('studies/1/a'), 'token one');
  await trail.append(row('studies/1/b'), 'token one');
  await trail.append(row('studies/1/c'), 'token two');
  await trail.append(row('studies/1/d'));
  await trail.append(row('studies/1/e'), 'token two');
  expect(waited).toEqual([true, false, true, true, false]);
  const kept = await database.sql.query(`select entities[1] as entity from audit where entities[1] like 'studies/1/%'`);
  expect(kept).toHaveLength(5);
});

test('a row that waits for the disk takes those with it that came together', async () => {
  const { trail, waited } = watched();
  await trail.append(row('studies/2/a'), 'known');
  await Promise.all([
    trail.append(row('studies/2/b'), 'known'),
    trail.append(row('studies/2/c'), 'known'),
    trail.append(row('studies/2/d'), 'new'),
  ]);
  expect(waited).toEqual([true, false, true]);
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
    for (let n = 0; n < 5; n++) await trail.append(row(`studies/4/${n}`), 'again');
    expect(await sql.query('show synchronous_commit')).toEqual([{ synchronous_commit: 'on' }]);
  } finally {
    await dataSource.destroy();
  }
});

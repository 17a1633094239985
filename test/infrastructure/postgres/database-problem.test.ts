import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Problem } from '../../../server/core/problem.ts';
import { statusOf } from '../../../server/http/answer/problem-status.ts';
import { connect, poolSql } from '../../../server/infrastructure/postgres/connection.ts';
import { classes, codeOf, databaseProblem, states } from '../../../server/infrastructure/postgres/database-problem.ts';
import { inTransaction } from '../../../server/infrastructure/postgres/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

let database: TestDatabase;
beforeAll(async () => (database = await freshDatabase()));
afterAll(() => database.close());

const withCode = (code: string) => Object.assign(new Error('any'), { code });
const failing = (work: Promise<unknown>) => work.then(() => undefined, (error: unknown) => error); // prettier-ignore

describe('an error of the database', () => {
  // What can happen to any statement whatever our code does (PostgreSQL, Appendix A).
  test.each([
    ['57014', 503], ['55P03', 503], ['40001', 503], ['40P01', 503], ['40003', 503], ['53000', 503], ['53200', 503], ['53300', 503], ['53400', 503],
    ['57P01', 503], ['57P02', 503], ['57P03', 503], ['57P05', 503], ['08000', 503], ['08001', 503], ['08003', 503], ['08004', 503], ['08006', 503],
    ['28P01', 503], ['3D000', 503], ['58000', 503], ['58030', 503], ['25006', 503], ['25P03', 503], ['53100', 507], ['22021', 400], ['22P05', 400], ['22003', 400], ['22008', 400],
    ['2201B', 400], ['54000', 413], ['23505', 409], ['ECONNREFUSED', 503], ['ECONNRESET', 503], ['EPIPE', 503], ['ETIMEDOUT', 503],
    ['ENOTFOUND', 503], ['EAI_AGAIN', 503], ['EMFILE', 503],
  ] as const)('%s is answered with %i', (code, status) => {
    const problem = databaseProblem(withCode(code));
    expect(problem && statusOf[problem.code]).toBe(status);
    if (status === 503) expect(problem!.retryAfter).toBeGreaterThan(0);
    expect(codeOf(problem)).toBe(code);
  }); // prettier-ignore

  test('that is our own bug is no Problem', () => {
    for (const code of ['42601', '42703', '42P01', '23502', '22P02', 'P0001'])
      expect(databaseProblem(withCode(code)), code).toBeUndefined();
    expect(databaseProblem(new TypeError('x is not a function'))).toBeUndefined();
    expect(databaseProblem(undefined)).toBeUndefined();
  });

  test('says when to come again wherever that helps, and names no value', () => {
    for (const { code, retryAfter, message } of [...states.values(), ...classes.values()]) {
      expect(code === 'transient').toBe(retryAfter !== undefined);
      expect(message).not.toMatch(/\$|"|%/);
    }
  });

  test('is named in one file only', () => {
    const folder = join(import.meta.dirname, '../../../server');
    const elsewhere = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.name.endsWith('.ts') && !entry.parentPath.includes('migrations'))
      .filter(({ name }) => !['database-problem.ts', 'cluster.ts', 'migrate.ts'].includes(name)) // which start the database
      .filter((entry) => /'(0[89]|2[238]|3D|40|5[3-8])[0-9A-Z]{3}'/.test(readFileSync(join(entry.parentPath, entry.name), 'utf8')))
      .map(({ name }) => name); // prettier-ignore
    expect(elsewhere).toEqual([]);
  });
});

describe('a statement', () => {
  test('that runs into its time or waits too long for a lock is a Problem, in and outside of transactions', async () => {
    const slow = inTransaction(database.dataSource, async (statement) => {
      await statement.query(`set local statement_timeout = 50`);
      await statement.query(`select pg_sleep(5)`);
    }); // prettier-ignore
    expect(await failing(slow)).toMatchObject({ code: 'transient' });
    const held = inTransaction(database.dataSource, async (statement) => {
      await statement.query(`set local lock_timeout = 50`);
      await statement.query(`select pg_advisory_xact_lock(1)`);
      await failing(inTransaction(database.dataSource, async (second) => {
        await second.query(`set local lock_timeout = 50`);
        await second.query(`select pg_advisory_xact_lock(1)`);
      })).then((error) => { throw error; });
    }); // prettier-ignore
    expect(await failing(held)).toMatchObject({ code: 'transient', retryAfter: 2 });
  });

  test('whose text the database cannot hold is the caller’s fault', async () => {
    expect(await failing(database.sql.query(`select $1::text`, ['\0']))).toMatchObject({ code: 'value' });
    expect(await failing(database.sql.query(`select $1::jsonb`, ['"\\u0000"']))).toMatchObject({ code: 'value' });
  });

  test('on a connection that is refused, ended or missing is a Problem', async () => {
    const none = await connect(database.url, { poolSize: 1 });
    const sql = poolSql(none);
    await none.destroy();
    expect(await failing(sql.query('select 1'))).toMatchObject({ code: 'transient' });
    expect(await failing(inTransaction(none, async () => 1))).toMatchObject({ code: 'transient' });

    const ended = await connect(database.url, { poolSize: 1 });
    const killed = inTransaction(ended, async (statement) => {
      const [row] = await statement.query<{ pid: number }>(`select pg_backend_pid() as pid`);
      await database.sql.query(`select pg_terminate_backend($1)`, [row!.pid]);
      await statement.query(`select 1`);
    }); // prettier-ignore
    const error = await failing(killed);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'transient' });
    await ended.destroy();
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { untilMigrated } from '../../server/compose/migration.ts';
import { ConfigurationError, readConfig } from '../../server/config.ts';
import { createLogger } from '../../server/log.ts';
import { backendKey, startServerProcess, temporaryFolder } from '../harness/server-process.ts';

// A database that nobody has migrated yet, and processes that do not do it themselves.
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let admin: pg.Client;
let sql: pg.Client;
let environment: Record<string, string>;
const name = `unmade_${randomBytes(6).toString('hex')}`;

beforeAll(async () => {
  folder = await temporaryFolder();
  const url = new URL(inject('templateUrl'));
  url.pathname = '/postgres';
  admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query(`create database ${name}`);
  url.pathname = `/${name}`;
  sql = new pg.Client({ connectionString: url.href });
  await sql.connect();
  environment = { DATABASE_URL: url.href, DATA_DIR: folder.path, PUBLIC_URL: 'http://localhost:1', LOG_LEVEL: 'error' };
});
afterAll(async () => {
  await sql?.end();
  await admin?.query(`drop database if exists ${name} with (force)`);
  await admin?.end();
  await folder?.remove();
});

/** `npm run migrate`, without npm. */
async function migrate(more: Record<string, string> = {}): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'server/migrate.ts'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: { ...process.env, ...environment, ...more },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number | null]>]);
  return { code, said };
}

const wait = (more: Record<string, string> = {}) => {
  const config = readConfig({ ...environment, ROLE: 'api', ...more });
  const start = { config, log: createLogger('silent'), onProgress: () => undefined };
  return untilMigrated(environment.DATABASE_URL!, start, { patienceMs: 300 });
};

test('a process that does not migrate says after its patience what the database lacks, and has made nothing', async () => {
  await expect(wait()).rejects.toThrow(/of an earlier release .* npm run migrate/);
  const made = await sql.query(`select from information_schema.tables where table_schema in ('public', 'job')`);
  expect(made.rowCount).toBe(0);
});

test('an API that starts first waits for the command, which makes all tables; a second run finds nothing to do', async () => {
  const api = startServerProcess({ environment: { ...environment, ROLE: 'api' }, key: await backendKey() });
  const first = await migrate();
  expect(first).toEqual({
    code: 0,
    said: expect.stringMatching(/Migrated: Foundation\d+, .*\nThe job queue is ready/),
  });
  const { readyz, end, output } = await api;
  expect((await readyz()).status).toBe(200);
  expect(output()).not.toContain('migrating the database');
  expect(await end()).toEqual([0, null]);
  expect(await migrate()).toEqual({ code: 0, said: expect.stringContaining('of this release already') });
});

test("the site's time zone is changed by the command; a process with another one does not start", async () => {
  const zone = { SITE_TIME_ZONE: 'Asia/Kolkata' };
  await expect(wait(zone)).rejects.toThrow('indexed for the time zone UTC, and SITE_TIME_ZONE is Asia/Kolkata here');
  expect((await migrate(zone)).code).toBe(0);
  await (await wait(zone)).stop();
  expect((await migrate()).code).toBe(0);
});

test('a job queue that is not there whole is waited for too', async () => {
  await sql.query(`update job.version set version = version - 1`);
  await expect(wait()).rejects.toThrow('The tables of the job queue are not those of this release');
  await sql.query(`update job.version set version = version + 1`);
  await (await wait()).stop();
});

test('a database of a later release is refused at once, with the exit code that no restart follows', async () => {
  await sql.query(`insert into migration (timestamp, name) values (9999999999999, 'Later9999999999999')`);
  await expect(wait()).rejects.toThrow(ConfigurationError);
  const starting = startServerProcess({ environment: { ...environment, ROLE: 'api' }, key: await backendKey() });
  await expect(starting).rejects.toThrow(/of a later release than this program \(Later9999999999999\)/);
});

test('without a database the command ends with a sentence and 1, with a wrong setting with 78', async () => {
  expect(await migrate({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })).toEqual({
    code: 1,
    said: expect.stringContaining('The database could not be migrated'),
  });
  expect((await migrate({ ROLE: 'everything' })).code).toBe(78);
});

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startEmbeddedPostgres } from '../../../server/infrastructure/postgres/embedded.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-embedded-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(url: string, statement: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(statement);
  } finally {
    await client.end();
  }
}

test('what was committed is there after a stop and a start', async () => {
  const first = await startEmbeddedPostgres(folder);
  await run(first.url, `create table kept as select 7 as n`);
  await first.stop();
  const second = await startEmbeddedPostgres(folder);
  expect((await run(second.url, `select n from kept`)).rows).toEqual([{ n: 7 }]);
  await second.stop();
});

test('a server that outlived its process is used again instead of being started twice', async () => {
  const owner = fork(join(import.meta.dirname, '../../harness/postgres-owner.ts'), [folder]);
  const [url] = (await once(owner, 'message')) as [string];
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  const found = await startEmbeddedPostgres(folder);
  expect(new URL(found.url).port).toBe(new URL(url).port);
  await found.stop();
  await expect(run(url, `select 1`)).rejects.toThrow(/ECONNREFUSED/);
});

test('two that start at the same moment from nothing share one server, and the last to stop stops it', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'csss-embedded-'));
  const [one, two] = await Promise.all([startEmbeddedPostgres(empty), startEmbeddedPostgres(empty)]);
  expect(one.url).toBe(two.url);
  await one.stop();
  expect((await run(two.url, `select 1 as n`)).rows).toEqual([{ n: 1 }]);
  await two.stop();
  await expect(run(two.url, `select 1`)).rejects.toThrow(/ECONNREFUSED/);
  expect((await readdir(join(empty))).sort()).toEqual(['cluster', 'password']);
  await rm(empty, { recursive: true, force: true });
});

test('a server that is killed is started again at its address, with all that was committed', async () => {
  const changes: string[] = [];
  const server = await startEmbeddedPostgres(folder, { onChange: ({ state }) => changes.push(state) });
  await run(server.url, `create table survives as select 8 as n`);
  for (let kill = 0; kill < 2; kill++) {
    const pid = Number((await readFile(join(folder, 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(changes.filter((state) => state === 'started again')).toHaveLength(kill + 1), 20_000);
    expect((await run(server.url, `select n from survives`)).rows).toEqual([{ n: 8 }]);
  }
  expect(changes[0]).toBe('lost');
  await server.stop();
  await expect(run(server.url, `select 1`)).rejects.toThrow(/ECONNREFUSED/);
});

test('only this machine can reach it, and only with the password', async () => {
  const server = await startEmbeddedPostgres(folder);
  const wrong = new URL(server.url);
  wrong.password = 'guessed';
  await expect(run(wrong.href, `select 1`)).rejects.toThrow(/password authentication failed/);
  expect((await run(server.url, `show listen_addresses`)).rows[0].listen_addresses).toBe('127.0.0.1');
  await server.stop();
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
  const orphan = await startEmbeddedPostgres(folder);
  const found = await startEmbeddedPostgres(folder);
  expect(new URL(found.url).port).toBe(new URL(orphan.url).port);
  await found.stop();
  await expect(run(orphan.url, `select 1`)).rejects.toThrow(/ECONNREFUSED/);
});

test('only this machine can reach it, and only with the password', async () => {
  const server = await startEmbeddedPostgres(folder);
  const wrong = new URL(server.url);
  wrong.password = 'guessed';
  await expect(run(wrong.href, `select 1`)).rejects.toThrow(/password authentication failed/);
  expect((await run(server.url, `show listen_addresses`)).rows[0].listen_addresses).toBe('127.0.0.1');
  await server.stop();
});

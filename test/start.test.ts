import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../server/infrastructure/postgres/embedded.ts';
import { freePort } from './harness/server.ts';

// The server as a process of its own, with the embedded database, as `npm start` runs it.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-start-'));
});
afterAll(async () => {
  await (await startEmbeddedPostgres(join(folder, 'postgres'))).stop();
  await rm(folder, { recursive: true, force: true });
});

interface Running {
  process: ChildProcess;
  output(): string;
  url: string;
}

async function start(): Promise<Running> {
  const port = await freePort();
  const process_ = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'server/main.ts', '--no-demo-data'],
    {
      cwd: join(import.meta.dirname, '..'),
      env: { ...process.env, PORT: String(port), DATA_DIR: folder, EXECUTION_PROVIDERS: 'cpu', ANALYSIS_WORKERS: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let text = '';
  for (const stream of [process_.stdout, process_.stderr])
    stream!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (let waited = 0; !text.includes('Ctrl-C stops it') && waited < 60_000; waited += 50) {
    if (process_.exitCode !== null) throw new Error(`ended while starting: ${text}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return { process: process_, output: () => text, url: `http://localhost:${port}` };
}

test('Ctrl-C ends requests, jobs, browser and database before the process, with exit code 0', async () => {
  const server = await start();
  expect(server.output()).toMatch(/database +up/);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  server.process.kill('SIGINT');
  const [code] = (await once(server.process, 'exit')) as [number];
  expect([code, server.output().includes('"msg":"stopped"')]).toEqual([0, true]);
});

test('after kill -9 the next start finds the database that was left running and works', async () => {
  const killed = await start();
  killed.process.kill('SIGKILL');
  await once(killed.process, 'exit');
  const next = await start();
  expect((await fetch(`${next.url}/readyz`)).status).toBe(200);
  next.process.kill('SIGTERM');
  expect((await once(next.process, 'exit'))[0]).toBe(0);
});

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { managerSql } from '../../../server/infrastructure/postgres/connection.ts';
import type { TakenJob } from '../../../server/core/jobs.ts';
import { startJobs, type JobRunner } from '../../../server/infrastructure/postgres/jobs/jobs.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

let database: TestDatabase;
let jobs: JobRunner;
beforeEach(async () => {
  database = await freshDatabase();
  jobs = await startJobs(database.url, { supervise: true });
});
afterEach(async () => {
  await jobs.stop();
  await database.close();
});

const job = (key: string) => ({ kind: 'analyze', key, data: { task: key } }) as const;

function collector(): {
  taken: TakenJob[];
  until(count: number, ms?: number): Promise<void>;
  handler(job: TakenJob): Promise<void>;
} {
  const taken: TakenJob[] = [];
  return {
    taken,
    async handler(one) {
      taken.push(one);
    },
    async until(count, ms = 10_000) {
      for (const end = Date.now() + ms; taken.length < count && Date.now() < end;) await sleep(2);
      expect(taken.length).toBe(count);
    },
  };
}

test('a job starts when its transaction commits, woken and not polled for', async () => {
  const { handler, until, taken } = collector();
  await jobs.work('analyze', 1, handler);
  await sleep(300); // the worker listens and has found nothing
  let committed = 0;
  await database.dataSource.transaction(async (manager) => {
    await jobs.queue(await managerSql(manager)).enqueue(job('a'));
    await sleep(100);
    expect(taken).toEqual([]);
    committed = performance.now();
  });
  await until(1);
  // Polling would take up to two seconds; the bound is wide because the machine may be busy.
  expect(performance.now() - committed).toBeLessThan(1000);
  expect(taken[0]).toMatchObject({ kind: 'analyze', key: 'a', data: { task: 'a' }, attempt: 1, final: false });
});

test('a job of a transaction that rolls back never was', async () => {
  const { handler, taken } = collector();
  await jobs.work('analyze', 1, handler);
  const rolledBack = database.dataSource.transaction(async (manager) => {
    await jobs.queue(await managerSql(manager)).enqueue(job('a'));
    throw new Error('no');
  });
  await expect(rolledBack).rejects.toThrow('no');
  await sleep(2500); // longer than a polling interval
  expect(taken).toEqual([]);
});

test('asking twice for the same work queues it once', async () => {
  const queue = jobs.queue(database.sql);
  await queue.enqueue(job('a'));
  await queue.enqueue(job('a'));
  await queue.enqueue(job('b'));
  const { handler, until } = collector();
  await jobs.work('analyze', 2, handler);
  await until(2);
});

test('urgent work overtakes what waited longer', async () => {
  const queue = jobs.queue(database.sql);
  await queue.enqueue(job('routine-1'));
  await queue.enqueue(job('routine-2'));
  await queue.enqueue({ ...job('stat'), priority: 10 });
  const { handler, until, taken } = collector();
  await jobs.work('analyze', 1, handler);
  await until(3);
  expect(taken[0]!.key).toBe('stat');
});

test('a backlog goes job after job, by every loop, without waiting for polls', async () => {
  const queue = jobs.queue(database.sql);
  for (let i = 0; i < 20; i++) await queue.enqueue(job(`job-${i}`));
  const { handler, until } = collector();
  const begun = performance.now();
  await jobs.work('analyze', 2, handler);
  await until(20, 30_000);
  // Two loops that poll each two seconds need twenty.
  expect(performance.now() - begun).toBeLessThan(12_000);
});

test('a handler that throws runs again, with the attempt counted', async () => {
  await jobs.queue(database.sql).enqueue(job('a'));
  const attempts: number[] = [];
  await jobs.work('analyze', 1, async ({ attempt }) => {
    attempts.push(attempt);
    if (attempt === 1) throw new Error('first try fails');
  });
  for (let i = 0; i < 1000 && attempts.length < 2; i++) await sleep(20);
  expect(attempts).toEqual([1, 2]);
});

test('the job of a killed worker comes back to another within 30 seconds', async () => {
  const doomed = fork(join(import.meta.dirname, '../../harness/hanging-worker.ts'), [database.url], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  await once(doomed, 'message'); // it works
  await jobs.queue(database.sql).enqueue(job('a'));
  await once(doomed, 'message'); // it holds the job
  doomed.kill('SIGKILL');
  const killed = Date.now();
  const { handler, until, taken } = collector();
  await jobs.work('analyze', 1, handler);
  await until(1, 45_000);
  expect(Date.now() - killed).toBeLessThan(30_000);
  expect(taken[0]!.attempt).toBe(2);
}, 90_000);

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WorkerPool } from '../../../server/infrastructure/threads/worker-pool.ts';

/** Threads that do what the task says, also what no decoder should. */
const script = `
  import { parentPort, threadId } from 'node:worker_threads';
  parentPort.on('message', (task) => {
    if (task === 'loop') for (;;);
    if (task === 'hoard') { const all = []; for (;;) all.push(new Array(100000).fill({})); }
    if (task === 'exit') process.exit(3);
    if (task === 'throw') throw new Error('on purpose');
    if (task === 'slow') return void setTimeout(() => parentPort.postMessage({ threadId }), 200);
    parentPort.postMessage({ threadId, spoiled: task === 'spoil' });
  });`;
let folder: string;
let pool: WorkerPool<string, { threadId: number; spoiled?: boolean }>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-pool-'));
  await writeFile(join(folder, 'worker.mjs'), script);
  pool = new WorkerPool(pathToFileURL(join(folder, 'worker.mjs')), {
    threads: 1,
    waiting: 3,
    timeoutMs: 2_000,
    heapMb: 32,
  });
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

it('uses one thread again and again', async () => {
  const [first, second] = [await pool.run('work'), await pool.run('work')];
  expect(second.threadId).toBe(first.threadId);
});

it('ends a thread that takes too long, and the next task gets another', async () => {
  const before = await pool.run('work');
  await expect(pool.run('loop')).rejects.toMatchObject({ code: 'timeout' });
  expect((await pool.run('work')).threadId).not.toBe(before.threadId);
});

it('loses one task to a thread that runs out of memory, exits or throws', async () => {
  const [hoard, next] = await Promise.allSettled([pool.run('hoard'), pool.run('work')]);
  expect(hoard).toMatchObject({ status: 'rejected', reason: { code: 'too-costly' } });
  expect(next.status).toBe('fulfilled');
  await expect(pool.run('exit')).rejects.toThrow('ended by itself');
  await expect(pool.run('throw')).rejects.toThrow('on purpose');
  expect((await pool.run('work')).threadId).toBeGreaterThan(0);
});

it('does not use a thread again whose answer says that it is spoiled', async () => {
  const spoiled = await pool.run('spoil');
  expect((await pool.run('work')).threadId).not.toBe(spoiled.threadId);
});

it('refuses tasks beyond those that may wait, with the time to come again', async () => {
  const taken = [pool.run('slow'), pool.run('slow'), pool.run('slow'), pool.run('slow')];
  await expect(pool.run('work')).rejects.toMatchObject({ code: 'transient', retryAfter: 2 });
  expect(await Promise.all(taken)).toHaveLength(4);
});

it('refuses what waits when it is closed', async () => {
  const other = new WorkerPool<string, object>(pathToFileURL(join(folder, 'worker.mjs')), {
    threads: 1,
    waiting: 3,
    timeoutMs: 2_000,
    heapMb: 32,
  });
  const [running, waiting] = [other.run('slow'), other.run('slow')];
  const outcomes = Promise.allSettled([running, waiting]);
  await other.close();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(other.run('work')).rejects.toMatchObject({ code: 'transient' });
});

it('does not begin what nobody waits for, and ends a thread that works for nobody', async () => {
  const [gone, leaving] = [new AbortController(), new AbortController()];
  const slow = pool.run('slow');
  const waits = pool.run('loop', [], { signal: gone.signal });
  gone.abort(new Error('gone'));
  await expect(waits).rejects.toThrow('gone');
  const before = await slow;
  const looping = pool.run('loop', [], { signal: leaving.signal });
  leaving.abort(new Error('left'));
  await expect(looping).rejects.toThrow('ended by itself');
  expect((await pool.run('work')).threadId).not.toBe(before.threadId);
});

it('gives callers turns: who has few tasks waits for one of the others, not for all', async () => {
  const order: string[] = [];
  const run = (caller: string) => pool.run('slow', [], { caller }).then(() => order.push(caller));
  const first = run('many');
  await Promise.all([first, run('many'), run('many'), run('few')]);
  expect(order).toEqual(['many', 'few', 'many', 'many']);
});

it('has its threads before the first task where it is told to, and says how busy they are', async () => {
  const limits = { threads: 2, waiting: 3, timeoutMs: 2_000, heapMb: 32 };
  const early = new WorkerPool<string, object>(pathToFileURL(join(folder, 'worker.mjs')), { ...limits, started: true });
  try {
    expect(early.load()).toEqual({ threads: 2, busy: 0, waiting: 0 });
    const running = Promise.all([early.run('slow'), early.run('slow'), early.run('slow')]);
    expect(early.load()).toEqual({ threads: 2, busy: 2, waiting: 1 });
    await running;
    await expect(early.run('exit')).rejects.toThrow('ended by itself');
    await early.ping();
    expect(await early.run('work')).toMatchObject({ spoiled: false });
  } finally {
    await early.close();
  }
});

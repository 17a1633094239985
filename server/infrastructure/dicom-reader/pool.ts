import { availableParallelism } from 'node:os';
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { DicomReader, ReadInstance } from '../../core/studies/dicom-reader.ts';
import { Problem } from '../../core/problem.ts';
import type { Reading } from './read-worker.ts';

export interface ReaderPool extends DicomReader {
  /** Resolves when a thread answers; it goes before the files that wait. */
  ping(): Promise<void>;
  load(): { threads: number; busy: number; waiting: number };
  close(): Promise<void>;
}

interface Task {
  path: string;
  /** It waits no longer. */
  begun?(): void;
  done(instance: ReadInstance | undefined): void;
  fail(error: unknown): void;
}

interface Thread {
  worker: Worker;
  ready?: true;
  task?: Task;
  timer?: NodeJS.Timeout;
}

/**
 * Worker threads that read DICOM files, one file at a time each. A thread that takes longer than the limit,
 * or dies, is replaced; only the file that it was reading fails.
 *
 * @param options.waiting files that may wait before others are refused: each request reads a few ahead, so this many
 * means that more requests came at once than are read in a few seconds
 */
export function dicomReader(options: { threads?: number; timeLimitMs?: number; waiting?: number } = {}): ReaderPool {
  const size = options.threads ?? Math.max(1, Math.min(4, availableParallelism() - 1));
  const waitingLimit = options.waiting ?? 1024;
  // What a file may cost is limited by its elements; time is the last resort, because a busy machine is no fault of the file.
  const timeLimitMs = options.timeLimitMs ?? 60_000;
  const waiting: Task[] = [];
  const idle: Thread[] = [];
  const threads = new Set<Thread>();
  let closed = false;

  function start(): void {
    const worker = new Worker(new URL('./read-worker.ts', import.meta.url), {
      // A header is read and gone: without a limit the young generation grows to tens of megabytes, and stays.
      resourceLimits: { maxOldGenerationSizeMb: 1024, maxYoungGenerationSizeMb: 4, stackSizeMb: 4 },
    });
    worker.unref();
    const thread: Thread = { worker };
    threads.add(thread);
    worker.on('message', (message: Reading | 'ready') => {
      if (message === 'ready') thread.ready = true;
      else finish(thread, message);
      idle.push(thread);
      next();
    });
    // Out of memory, or a bug in the thread: the file is to blame as far as the sender is concerned.
    worker.on('error', () => end(thread, new Problem('too-costly', 'Reading the file takes more memory than allowed')));
    worker.on('exit', () => end(thread, new Problem('transient', 'The reader stopped; try again.', { retryAfter: 1 })));
  }

  function next(): void {
    while (waiting.length > 0 && idle.length > 0) {
      const thread = idle.pop()!;
      if (!threads.has(thread)) continue;
      const task = waiting.shift()!;
      task.begun?.();
      thread.task = task;
      thread.worker.ref();
      thread.timer = setTimeout(() => {
        end(thread, new Problem('too-costly', `Reading the file takes longer than ${timeLimitMs} ms`));
        void thread.worker.terminate();
        void rm(`${task.path}.inflated`, { force: true });
      }, timeLimitMs);
      thread.worker.postMessage(task.path);
    }
  }

  /** A file that is being read is read to its end. */
  function leave(task: Task, reason: unknown): void {
    const at = waiting.indexOf(task);
    if (at < 0) return;
    waiting.splice(at, 1);
    task.fail(reason);
  }

  function finish(thread: Thread, reading: Reading): void {
    const { task } = thread;
    clearTimeout(thread.timer);
    delete thread.task;
    thread.worker.unref();
    if ('instance' in reading) task?.done(reading.instance);
    else if ('pong' in reading) task?.done(undefined);
    else if ('code' in reading) task?.fail(new Problem(reading.code, reading.message));
    else task?.fail(reading.fault);
  }

  function end(thread: Thread, reason: Problem): void {
    if (!threads.delete(thread)) return;
    clearTimeout(thread.timer);
    thread.task?.fail(reason);
    if (closed) return;
    // One that could not even start would not start at once either: there may be no memory or descriptors for it.
    if (thread.ready) start();
    else setTimeout(() => !closed && start(), 250).unref();
    next();
  }

  for (let i = 0; i < size; i++) start();
  return {
    read(path, signal) {
      if (closed)
        return Promise.reject(new Problem('transient', 'The server is stopping; try again.', { retryAfter: 5 }));
      if (waiting.length >= waitingLimit)
        return Promise.reject(new Problem('transient', 'Too many files wait to be read', { retryAfter: 5 }));
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      return new Promise<ReadInstance>((done, fail) => {
        const task: Task = { path, done: (instance) => done(instance!), fail };
        if (signal) {
          const leaves = () => leave(task, signal.reason);
          signal.addEventListener('abort', leaves, { once: true });
          task.begun = () => signal.removeEventListener('abort', leaves);
        }
        waiting.push(task);
        next();
      });
    },
    ping() {
      return new Promise((done, fail) => {
        waiting.unshift({ path: 'ping', done: () => done(), fail });
        next();
      });
    },
    load: () => ({
      threads: threads.size,
      busy: [...threads].filter(({ task }) => task !== undefined).length,
      waiting: waiting.length,
    }),
    async close() {
      closed = true;
      for (const task of waiting.splice(0))
        task.fail(new Problem('transient', 'The server is stopping; try again.', { retryAfter: 5 }));
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

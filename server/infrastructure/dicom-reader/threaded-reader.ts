import { availableParallelism } from 'node:os';
import { rm } from 'node:fs/promises';
import type { DicomReader } from '../../core/studies/dicom-reader.ts';
import { Problem } from '../../core/problem.ts';
import { WorkerPool } from '../threads/worker-pool.ts';
import type { Reading, ReadingTask } from './read-worker.ts';

export interface ThreadedReader extends DicomReader {
  /** Resolves when a thread answers. */
  ping(): Promise<void>;
  load(): { threads: number; busy: number; waiting: number };
  close(): Promise<void>;
}

/**
 * The reader port on worker threads, which are there before the first file comes. A thread that takes longer than the
 * limit, or dies, is replaced; only the file that it was reading fails.
 *
 * @param options.waiting files that may wait before others are refused: each request reads a few ahead, so this many
 * means that more requests came at once than are read in a few seconds
 */
export function dicomReader(
  options: { threads?: number; timeLimitMs?: number; waiting?: number } = {},
): ThreadedReader {
  // What a file may cost is limited by its elements. Time is the last resort, and generous: a busy machine is no fault of the file.
  const timeoutMs = options.timeLimitMs ?? 300_000;
  const pool = new WorkerPool<ReadingTask, Reading>(new URL('./read-worker.ts', import.meta.url), {
    threads: options.threads ?? Math.max(1, Math.min(4, availableParallelism() - 1)),
    waiting: options.waiting ?? 1024,
    timeoutMs,
    heapMb: 1024,
    // A header is read and gone.
    youngMb: 4,
    stackMb: 4,
    subject: 'file',
    started: true,
  });

  function notRead(error: unknown, signal?: AbortSignal): never {
    signal?.throwIfAborted();
    if (!(error instanceof Problem))
      throw new Problem('transient', 'The reader stopped; try again.', { retryAfter: 1, cause: error });
    if (error.code !== 'timeout') throw error;
    throw new Problem('too-costly', `Reading the file takes longer than ${timeoutMs} ms`);
  }

  function refused(reading: Reading): never {
    if ('code' in reading) throw new Problem(reading.code, reading.message);
    throw 'fault' in reading ? reading.fault : new Error('the reader answered something else');
  }

  return {
    async read(path, signal) {
      const reading = await pool.run({ path }, [], signal ? { signal } : {}).catch(async (error: unknown) => {
        // A thread that was ended has not cleaned up.
        for (const made of ['inflated', 'repaired']) await rm(`${path}.${made}`, { force: true });
        return notRead(error, signal);
      });
      if ('instance' in reading) return reading.instance;
      return refused(reading);
    },
    async coerced(path, coercion) {
      const reading = await pool.run({ path, coercion }).catch((error: unknown) => notRead(error));
      if ('coerced' in reading) return reading.coerced;
      return refused(reading);
    },
    ping: () => pool.ping(),
    load: () => pool.load(),
    close: () => pool.close(),
  };
}

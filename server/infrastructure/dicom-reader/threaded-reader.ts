import { availableParallelism } from 'node:os';
import { rm } from 'node:fs/promises';
import type { DicomReader } from '../../core/studies/dicom-reader.ts';
import { Problem } from '../../core/problem.ts';
import { WorkerPool } from '../threads/worker-pool.ts';
import type { Reading } from './read-worker.ts';

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
  // What a file may cost is limited by its elements; time is the last resort, because a busy machine is no fault of the file.
  const timeoutMs = options.timeLimitMs ?? 60_000;
  const pool = new WorkerPool<string, Reading>(new URL('./read-worker.ts', import.meta.url), {
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

  async function notRead(path: string, error: unknown, signal: AbortSignal | undefined): Promise<never> {
    // A thread that was ended has not cleaned up.
    await rm(`${path}.inflated`, { force: true });
    signal?.throwIfAborted();
    if (!(error instanceof Problem))
      throw new Problem('transient', 'The reader stopped; try again.', { retryAfter: 1, cause: error });
    if (error.code !== 'timeout') throw error;
    throw new Problem('too-costly', `Reading the file takes longer than ${timeoutMs} ms`);
  }

  return {
    async read(path, signal) {
      const reading = await pool
        .run(path, [], signal ? { signal } : {})
        .catch((error: unknown) => notRead(path, error, signal));
      if ('instance' in reading) return reading.instance;
      if ('code' in reading) throw new Problem(reading.code, reading.message);
      throw reading.fault;
    },
    ping: () => pool.ping(),
    load: () => pool.load(),
    close: () => pool.close(),
  };
}

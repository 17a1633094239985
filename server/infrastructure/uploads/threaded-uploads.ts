import { Problem } from '../../core/problem.ts';
import type { ArchiveContent, MadeFile, Readable, UploadReader } from '../../core/studies/uploads/upload-ports.ts';
import { WorkerPool } from '../threads/worker-pool.ts';
import type { UploadRead, UploadTask } from './upload-worker.ts';

export interface ThreadedUploads extends UploadReader {
  close(): Promise<void>;
}

/**
 * The reader of uploads on worker threads, which start when they are first needed. One that runs out of time or memory is replaced, and the
 * file that it was at is refused.
 */
export function threadedUploads(options: { threads?: number; timeoutMs?: number } = {}): ThreadedUploads {
  const pool = new WorkerPool<UploadTask, UploadRead>(new URL('./upload-worker.ts', import.meta.url), {
    threads: options.threads ?? 2,
    waiting: 256,
    timeoutMs: options.timeoutMs ?? 600_000,
    heapMb: 512,
    subject: 'file',
  });

  async function perform<Made extends MadeFile | ArchiveContent>(task: UploadTask): Promise<Readable<Made>> {
    try {
      const read = await pool.run(task);
      if ('made' in read) return read.made as Readable<Made>;
      if ('code' in read) throw new Problem(read.code, read.message);
      throw new Error(`an upload could not be read: ${read.fault}`);
    } catch (error) {
      if (error instanceof Problem && (error.code === 'timeout' || error.code === 'too-costly')) return { refused: 'too-large' };
      throw error;
    }
  } // prettier-ignore

  return {
    capture: (path, to, facts, pixels) => perform<MadeFile>({ kind: 'capture', path, to, facts, pixels }),
    unpack: (path, folder, limits) => perform<ArchiveContent>({ kind: 'unpack', path, folder, ...limits }),
    close: () => pool.close(),
  };
}

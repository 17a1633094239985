/** Thread body: reads one file for each message. Whatever hostile bytes do here, the server's event loop does not feel it. */
import '../../core/sealed-prototype.ts';
import { closeSync, openSync, rmSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { readFileMeta, readInstance } from '../../core/dicom/part10.ts';
import type { ReadInstance } from '../../core/ports.ts';
import { Problem, type ProblemCode } from '../../core/problem.ts';
import { diskProblem } from '../blobs/disk-problem.ts';
import { fileSource } from './file-source.ts';
import { inflateFile } from './inflate.ts';

export type Reading =
  { instance: ReadInstance } | { code: ProblemCode; message: string } | { fault: unknown } | { pong: true };

parentPort!.on('message', (path: string | 'ping') => {
  if (path === 'ping') return parentPort!.postMessage({ pong: true } satisfies Reading);
  void read(path).then((reading) => parentPort!.postMessage(reading));
});
parentPort!.postMessage('ready');

async function read(path: string): Promise<Reading> {
  try {
    return { instance: await readPath(path) };
  } catch (error) {
    // A class does not survive the way to another thread; its content does.
    const problem = error instanceof Problem ? error : diskProblem(error);
    return problem ? { code: problem.code, message: problem.message } : { fault: error };
  }
}

async function readPath(path: string): Promise<ReadInstance> {
  const meta = withSource(path, readFileMeta);
  if (!meta.syntax.deflated) return withSource(path, (source) => readInstance(source, meta));
  const inflated = await inflateFile(path, meta);
  try {
    return { ...withSource(inflated.path, (source) => readInstance(source, meta)), inflated };
  } catch (error) {
    rmSync(inflated.path, { force: true });
    throw error;
  }
}

function withSource<T>(path: string, use: (source: ReturnType<typeof fileSource>) => T): T {
  const descriptor = openSync(path, 'r');
  try {
    return use(fileSource(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

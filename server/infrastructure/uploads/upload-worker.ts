/** Thread body: reads one picture or archive for each message. Whatever hostile bytes do here, the server's event loop does not feel it. */
import '../../core/sealed-prototype.ts';
import { parentPort } from 'node:worker_threads';
import type { CaptureFacts } from '../../core/dicom/secondary-capture.ts';
import { Problem, type ProblemCode } from '../../core/problem.ts';
import type { ArchiveContent, MadeFile, Readable } from '../../core/studies/uploads/upload-ports.ts';
import { diskProblem } from '../blobs/disk-problem.ts';
import { capturePicture } from './capture-picture.ts';
import { unpackArchive } from './unpack-archive.ts';

export type UploadTask =
  | { kind: 'capture'; path: string; to: string; facts: CaptureFacts; pixels: number }
  | { kind: 'unpack'; path: string; folder: string; files: number; bytes: number };

export type UploadRead =
  { made: Readable<MadeFile> | Readable<ArchiveContent> } | { code: ProblemCode; message: string } | { fault: string };

parentPort!.on('message', (task: UploadTask | 'ping') => {
  if (task === 'ping') return parentPort!.postMessage({});
  void perform(task).then((read) => parentPort!.postMessage(read));
});

async function perform(task: UploadTask): Promise<UploadRead> {
  try {
    return { made: task.kind === 'capture' ? await capturePicture(task) : await unpackArchive(task) };
  } catch (error) {
    const problem = error instanceof Problem ? error : diskProblem(error);
    if (problem) return { code: problem.code, message: problem.message };
    return { fault: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

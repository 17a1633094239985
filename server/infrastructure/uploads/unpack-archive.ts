import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { Problem } from '../../core/problem.ts';
import { kindOf, tellingBytes } from '../../core/studies/uploads/upload-kinds.ts';
import { mayBecome } from '../../core/studies/uploads/upload-limits.ts';
import type { ArchiveContent, MadeFile, Readable, UploadRefusal } from '../../core/studies/uploads/upload-ports.ts';
import { defaultReserve, spaceAlong } from '../blobs/disk.ts';
import { diskProblem } from '../blobs/disk-problem.ts';

export interface Unpacking {
  path: string;
  folder: string;
  /** In the archive. */
  files: number;
  /** Of all of them, unpacked. */
  bytes: number;
}

/** Of names, comments and what else the table of contents holds, which is in memory. */
const mostWords = 16 << 20;

/**
 * Unpacks a ZIP archive: images and pictures, each under a number, whatever its name is. The names are looked at all the same: an archive that
 * wants to be written somewhere else is not what it says. Nothing is unpacked before its table of contents is within the limits.
 */
export async function unpackArchive({ path, folder, files, bytes }: Unpacking): Promise<Readable<ArchiveContent>> {
  let archive: ZipFile;
  try {
    archive = await openPromise(path, { autoClose: false });
  } catch (error) {
    return refusal(error);
  }
  try {
    const entries = await contents(archive, { files, bytes: Math.min(bytes, mayBecome(archive.fileSize)) });
    if ('refused' in entries) return entries;
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize - sumOf(entries) < defaultReserve)
      throw new Problem('no-store', 'There is no room to unpack the archive now. Nothing was stored; try again later.');
    const expectSpace = spaceAlong(folder);
    const content: ArchiveContent = { files: [], leftOut: 0 };
    for (const [i, entry] of entries.entries()) {
      const made = await unpack(archive, entry, { to: join(folder, String(i)), expectSpace });
      if (made) content.files.push(made);
      else content.leftOut++;
    }
    return content;
  } catch (error) {
    return refusal(error);
  } finally {
    archive.close();
  }
}

const sumOf = (entries: readonly Entry[]) => entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);

async function contents(
  archive: ZipFile,
  { files, bytes }: Pick<Unpacking, 'files' | 'bytes'>,
): Promise<Entry[] | { refused: UploadRefusal }> {
  const entries: Entry[] = [];
  let [words, size, all] = [0, 0, 0];
  for await (const entry of archive.eachEntry()) {
    words += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    size += entry.uncompressedSize;
    if (++all > files || words > mostWords || size > bytes) return { refused: 'archive-too-large' };
    if (entry.isEncrypted()) return { refused: 'locked' };
    if (!entry.fileName.endsWith('/')) entries.push(entry);
  }
  return entries;
}

/** @returns undefined for what is none of the kinds, of which no more than the beginning is unpacked. */
async function unpack(
  archive: ZipFile,
  entry: Entry,
  place: Place,
): Promise<ArchiveContent['files'][number] | undefined> {
  let begun = Buffer.alloc(0);
  const bytes = (await archive.openReadStreamPromise(entry))[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  while (begun.length < tellingBytes) {
    const { value, done } = await bytes.next();
    if (done) break;
    begun = Buffer.concat([begun, value]);
  }
  const kind = kindOf(begun);
  if (kind === undefined || kind === 'two-kinds' || kind === 'zip') {
    await bytes.return?.();
    return kind === 'zip' ? { path: place.to, size: 0, kind } : undefined;
  }
  return { ...(await write(begun, bytes, entry, place)), kind };
}

interface Place {
  to: string;
  /** Of the whole archive, whose files may be small and many. */
  expectSpace: (bytes: number) => Promise<void>;
}

async function write(
  begun: Buffer,
  rest: AsyncIterator<Buffer>,
  entry: Entry,
  { to, expectSpace }: Place,
): Promise<MadeFile> {
  const file = await open(to, 'wx', 0o600);
  try {
    let size = 0;
    let sum = 0;
    for (let piece = begun; ;) {
      sum = crc32(piece, sum);
      size += piece.length;
      await expectSpace(piece.length);
      for (let done = 0; done < piece.length;) done += (await file.write(piece, done)).bytesWritten;
      const next = await rest.next();
      if (next.done) break;
      piece = next.value;
    }
    if (sum !== entry.crc32) throw new Error('a file in the archive is damaged');
    return { path: to, size };
  } catch (error) {
    await rest.return?.();
    await rm(to, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Yauzl has sentences only. */
function refusal(error: unknown): { refused: UploadRefusal } {
  if (error instanceof Problem) throw error;
  const problem = diskProblem(error);
  if (problem) throw problem;
  const words = error instanceof Error ? error.message : '';
  if (/relative path|absolute path|characters in fileName/.test(words)) return { refused: 'archive-paths' };
  return { refused: /encrypt/.test(words) ? 'locked' : 'unreadable' };
}

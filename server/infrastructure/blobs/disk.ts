import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { open, mkdir, readdir, rename, rm, stat, statfs, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Blobs, ReceivedBlob } from '../../core/studies/blobs.ts';
import { Problem } from '../../core/problem.ts';
import { Buffers } from './buffers.ts';
import { putBackSwept, removeLeftFiles, temporaryName } from './temporary-files.ts';
import { throwDiskProblem } from './disk-problem.ts';
import { damaged, LentPieces } from './lent-pieces.ts';
import { room, WriteBehind } from './write-behind.ts';

/** Bytes of all senders that are taken and not yet on disk. */
const unwritten = 8 << 20;
/** The streams of one reader. */
const readSize = 256 << 10;
/** Bytes that stay free on the volume. */
export const defaultReserve = 64 << 20;
/** Bytes of a long file after which it is asked again how much is free. */
const spaceStep = 8 << 20;
/** Milliseconds. What is taken in meanwhile is a fraction of what is kept free. */
const spaceAge = 100;
const digestForm = /^[0-9a-f]{64}$/;

/**
 * A content-addressed store in a folder: `ab/cd/abcd...` is the file whose SHA-256 is `abcd...`. New bytes
 * are first in `incoming/` on the same volume, so that a rename makes them visible all at once.
 *
 * @param options.reserve bytes that stay free on the volume (default 64 MiB): stores are refused before
 * nothing else, the database's log for one, can be written.
 */
export async function diskBlobs(folder: string, options: { reserve?: number } = {}): Promise<Blobs> {
  const reserve = options.reserve ?? defaultReserve;
  const incoming = join(folder, 'incoming');
  const swept = join(folder, 'swept');
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await mkdir(swept, { recursive: true, mode: 0o700 });

  function pathOf(digest: string): string {
    if (!digestForm.test(digest)) throw new Problem('not-found', 'No such content');
    return join(folder, digest.slice(0, 2), digest.slice(2, 4), digest);
  }

  await removeLeftFiles(incoming);
  await putBackSwept(swept, pathOf);

  const buffers = new Buffers();
  const waiting = room(unwritten);
  const expectSpace = spaceOn(folder, reserve);

  /** Folders that are on disk for sure, with the way to them: they are never removed. */
  const made = new Set<string>();

  async function openTemporary(path: string): Promise<FileHandle> {
    await expectSpace();
    return open(path, 'wx', 0o600);
  }

  const lent = new LentPieces(buffers);

  async function openBlob(digest: string): Promise<FileHandle> {
    return open(pathOf(digest), 'r').catch(notThere);
  }

  async function notThere(error: unknown): Promise<never> {
    // Of a store that is not mounted nothing is missing.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && (await statOf(incoming)))
      throw new Problem('not-found', 'The stored content is missing', { cause: error });
    return throwDiskProblem(error);
  }

  return {
    pathOf,

    async receive(bytes, limit = Infinity) {
      const path = join(incoming, temporaryName());
      const file = new WriteBehind(openTemporary(path), waiting, buffers);
      try {
        return { ...(await copy(bytes, file, { limit, expectSpace: spaceAlong(folder, reserve) })), path };
      } catch (error) {
        await file.abandon();
        await rm(path, { force: true });
        return throwDiskProblem(error);
      }
    },

    async keep(received) {
      try {
        // All at once: the file system answers many fsyncs with few flushes.
        await Promise.all(received.map(({ path, written }) => written ?? syncFile(path)));
        const folders = new Set(received.map(({ digest }) => dirname(pathOf(digest))));
        const unmade = [...folders].filter((path) => !made.has(path));
        await Promise.all(unmade.map((path) => mkdir(path, { recursive: true, mode: 0o700 })));
        await Promise.all(
          received.map(async ({ path, digest }) => {
            // The time of keeping, not of receiving, tells the sweep how old a blob is: a request may last for hours.
            const now = new Date();
            await utimes(path, now, now);
            // Over a blob of the same name, too: should that one be damaged, sending it again heals it.
            await rename(path, pathOf(digest));
          }),
        );
        // Whoever made a folder, it counts as made only when its entry was synced here: it may be another's of this moment.
        const above = unmade.length > 0 ? [...unmade.map(dirname), folder] : [];
        await Promise.all([...new Set([...folders, ...above])].map(syncFolder));
        for (const path of unmade) made.add(path);
      } catch (error) {
        throwDiskProblem(error);
      }
    },

    async *openReceived({ path, written }, { offset, length }) {
      await written;
      const file = await open(path, 'r').catch(throwDiskProblem);
      try {
        yield* pieces(file, offset, length);
      } finally {
        await file.close();
      }
    },

    async discard({ path, written }) {
      await written?.catch(() => undefined);
      await rm(path, { force: true });
    },

    async *open(digest, range) {
      const file = await openBlob(digest);
      try {
        if (range) yield* pieces(file, range.offset, range.length);
        else yield* checked(file, digest);
      } finally {
        await file.close();
      }
    },

    async *lend(digest, range) {
      try {
        yield* lent.of(pathOf(digest), digest, range);
      } catch (error) {
        await notThere(error);
      }
    },

    async read(digest, range) {
      const file = await openBlob(digest);
      try {
        const length = range?.length ?? (await file.stat()).size;
        const bytes = new Uint8Array(length);
        await fill(file, bytes, range?.offset ?? 0);
        if (!range && createHash('sha256').update(bytes).digest('hex') !== digest) throw damaged();
        return bytes;
      } finally {
        await file.close();
      }
    },

    async size(digest) {
      return (await statOf(pathOf(digest)))?.size;
    },

    async *list(olderThan) {
      for (const first of await folderNames(folder)) {
        for (const second of await folderNames(join(folder, first))) {
          for (const name of await readdir(join(folder, first, second))) {
            const found = digestForm.test(name) && (await statOf(join(folder, first, second, name)));
            if (found && found.mtime < olderThan) yield name;
          }
        }
      }
      await removeLeftFiles(incoming);
    },

    async remove(digest, olderThan) {
      // Moved aside first: a store of the same bytes at this very moment then makes a new file, or its file is
      // seen here by its time and put back.
      const aside = join(swept, `${digest}.${randomUUID()}`);
      if (!(await rename(pathOf(digest), aside).then(() => true, ignoreMissing))) return;
      const moved = await statOf(aside);
      if (moved && moved.mtime >= olderThan) await rename(aside, pathOf(digest));
      else await rm(aside, { force: true });
    },
  };
}

async function copy(
  bytes: AsyncIterable<Uint8Array>,
  file: WriteBehind,
  { limit, expectSpace }: { limit: number; expectSpace: (bytes: number) => Promise<void> },
): Promise<Pick<ReceivedBlob, 'digest' | 'size' | 'written'>> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit) throw new Problem('too-long', `Longer than ${limit} bytes`);
    hash.update(chunk);
    await file.append(chunk, expectSpace);
  }
  const written = (await file.finish()).written.catch(throwDiskProblem);
  written.catch(() => undefined); // may be left unheard
  return { digest: hash.digest('hex'), size, written };
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there, and NTFS logs renames itself
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function* pieces(file: FileHandle, offset: number, length: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length;) {
    const piece = new Uint8Array(Math.min(readSize, length - done));
    await fill(file, piece, offset + done);
    done += piece.length;
    yield piece;
  }
}

/** The last piece is held back until all bytes are known to be what they were: damaged content never arrives whole. */
async function* checked(file: FileHandle, digest: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const piece of pieces(file, 0, (await file.stat()).size)) {
    hash.update(piece);
    if (held) yield held;
    held = piece;
  }
  if (hash.digest('hex') !== digest) throw damaged();
  if (held) yield held;
}

async function fill(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
    if (bytesRead === 0) throw damaged();
    done += bytesRead;
  }
}

/** Asks for the free space of a volume, and again only after a moment: many small files come in a burst. */
function spaceOn(folder: string, reserve: number): () => Promise<void> {
  let asked = -Infinity;
  let free = 0;
  return async () => {
    if (performance.now() - asked > spaceAge || free < reserve) {
      const { bavail, bsize } = await statfs(folder);
      free = bavail * bsize;
      asked = performance.now();
    }
    if (free < reserve) throw new Problem('no-store', 'The image store is full');
  };
}

/**
 * For one long file: to be asked before each of its pieces is written, because there was room for it and for others when they
 * began, and there is not for all of them.
 *
 * @throws Problem `no-store`
 */
export function spaceAlong(folder: string, reserve = defaultReserve): (bytes: number) => Promise<void> {
  let trusted = 0;
  return async (bytes) => {
    trusted -= bytes;
    if (trusted > 0) return;
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < reserve) throw new Problem('no-store', 'The image store is full');
    trusted = spaceStep;
  };
}

async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function ignoreMissing(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}

async function folderNames(path: string): Promise<string[]> {
  return (await readdir(path)).filter((name) => /^[0-9a-f]{2}$/.test(name));
}

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';
import type { FileMeta } from '../../core/dicom/part10.ts';
import type { ReceivedBlob } from '../../core/studies/blobs.ts';
import { Problem } from '../../core/problem.ts';

/** An inflated data set may be this long. Deflate shrinks up to 1000 times, so the file's own length says nothing. */
const limit = 256 << 20;

/**
 * Writes the file again with its data set inflated (PS3.5 A.5), chunk by chunk, as Explicit VR Little Endian:
 * offsets of bulk data and frames only make sense there.
 *
 * @throws Problem `structure` (not a deflate stream), `too-costly` (too long when inflated).
 */
export async function inflateFile(path: string, meta: FileMeta): Promise<ReceivedBlob> {
  const target = `${path}.inflated`;
  const file = await open(target, 'wx', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  const append = async (bytes: Uint8Array) => {
    hash.update(bytes);
    await file.write(bytes);
    size += bytes.length;
  };
  try {
    await append(await head(path, meta));
    await pipeline(createReadStream(path, { start: meta.dataSetAt }), createInflateRaw(), async (inflated) => {
      for await (const chunk of inflated as AsyncIterable<Buffer>) {
        if (size + chunk.length > limit)
          throw new Problem('too-costly', `The data set is longer than ${limit >> 20} MiB when inflated`);
        await append(chunk);
      }
    });
    await file.close();
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(target, { force: true });
    if (error instanceof Problem) throw error;
    if (!String((error as { code?: unknown }).code).startsWith('Z_')) throw error;
    throw new Problem('structure', 'The deflated data set is broken', { cause: error });
  }
  return { digest: hash.digest('hex'), size, path: target };
}

/** Preamble and meta information, with the transfer syntax of what follows now: the shorter UID fits, padded with NUL. */
async function head(path: string, { dataSetAt, syntaxAt }: FileMeta): Promise<Buffer> {
  const source = await open(path, 'r');
  try {
    const { buffer } = await source.read(Buffer.alloc(dataSetAt), 0, dataSetAt, 0);
    buffer.fill(0, syntaxAt.offset, syntaxAt.offset + syntaxAt.length);
    buffer.write('1.2.840.10008.1.2.1', syntaxAt.offset, 'latin1');
    return buffer;
  } finally {
    await source.close();
  }
}

/** The file of an instance whose patient was corrected: a new beginning of its data set, the rest as it is stored. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflateRaw } from 'node:zlib';
import { sizeOf } from '../core/dicom/edits.ts';
import type { CoercedFile } from '../core/studies/dicom-reader.ts';
import type { InstanceAddress, InstanceCoercion } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';

export interface Corrected {
  /** Bytes of the whole file; undefined when only compressing it tells. */
  length: number | undefined;
  chunks: AsyncIterable<Uint8Array>;
}

/** @throws Problem `structure`, `too-costly`, `transient`: before anything of it is given. */
export async function correctedFile(
  { blobs, reader }: Pick<World, 'blobs' | 'reader'>,
  instance: InstanceAddress,
  coercion: InstanceCoercion,
): Promise<Corrected> {
  const { blob } = instance;
  const inflated = coercion.inflated ?? undefined;
  const content = inflated ?? blob;
  const file = await reader.coerced(blobs.pathOf(content), coercion);
  const beginning = { offset: 0, length: file.dataSetAt };

  async function* dataSet(): AsyncGenerator<Uint8Array> {
    for (const segment of file.segments)
      if (segment instanceof Uint8Array) yield segment;
      else yield* blobs.open(content, segment);
  }
  // Preamble and meta information are those of the file that was received, which says how its data set is written.
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield* blobs.open(blob, beginning);
    yield* inflated === undefined ? dataSet() : deflated(dataSet());
  }
  return { length: inflated === undefined ? lengthOf(file) : undefined, chunks: chunks() };
}

function lengthOf({ dataSetAt, segments }: CoercedFile): number {
  return dataSetAt + sizeOf(segments);
}

/** A stream reads ahead, and a chunk may be lent. */
async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield Uint8Array.from(chunk);
}

/** As one deflate stream of an even length (PS3.5 A.5). */
async function* deflated(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createDeflateRaw();
  // What goes wrong is thrown where the stream is read; who stops reading it ends both.
  pipeline(Readable.from(copied(chunks), { objectMode: false }), stream).catch(() => undefined);
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    yield chunk;
  }
  if (length % 2 === 1) yield Uint8Array.of(0);
}

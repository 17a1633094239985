import { preambleLength } from '../dicom/part10.ts';
import { mayBeDicom } from '../dicom/repair/repair-file.ts';
import type { InstanceRow } from '../dicom/instance.ts';
import type { ReadInstance } from './dicom-reader.ts';
import type { InstanceName } from './outcome.ts';
import type { ReceivedBlob } from './blobs.ts';
import type { World } from '../world.ts';
import { Problem } from '../problem.ts';

/** Bytes that came in: in a temporary file with what they turn out to be, or refused by their first bytes and nowhere. */
export type ArrivingInstance =
  | {
      received: ReceivedBlob;
      /** Resolves when a worker has read them: while the next instance is still on its way. Never rejects. */
      reading: Promise<ReadInstance | Problem>;
    }
  /** `name` where it is known all the same. */
  | { refused: Problem; name?: InstanceName };

/**
 * Takes in one Part 10 file, or what may be one without its head: resolves when its bytes are taken, so that the next one can come. Hand the result to `storeInstances`, which
 * keeps or discards it; whoever gives up before must call `discardInstance`. What does not begin as such a file touches
 * neither disk nor threads, so that thousands of empty parts cost next to nothing.
 *
 * @param options.limit bytes
 * @param options.signal the sender is gone: nothing more of it is read
 * @throws Problem `too-long` past `limit` bytes, `no-store` when the disk is full.
 */
export async function receiveInstance(
  world: Pick<World, 'blobs' | 'reader'>,
  bytes: AsyncIterable<Uint8Array>,
  options: { limit?: number; signal?: AbortSignal } = {},
): Promise<ArrivingInstance> {
  const { limit, signal } = options;
  const iterator = bytes[Symbol.asyncIterator]();
  const begun = await beginningOf(iterator);
  if (!mayBeDicom(Buffer.concat(begun).subarray(0, preambleLength))) {
    while (!(await iterator.next()).done);
    return { refused: new Problem('structure', 'Not a DICOM file: no DICM prefix after 128 bytes (PS3.10 7.1)') };
  }
  const received = await world.blobs.receive(resumed(begun, iterator), limit);
  const reading = Promise.resolve(received.written)
    .then(() => world.reader.read(received.path, signal))
    .catch((error: unknown) =>
      error instanceof Problem ? error : new Problem('exception', 'The file could not be read', { cause: error }),
    );
  return { received, reading };
}

async function beginningOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let size = 0; size < preambleLength;) {
    const { value, done } = await iterator.next();
    if (done) break;
    size += value.length;
    // A chunk is the sender's again when the next one is asked for.
    chunks.push(size < preambleLength ? Uint8Array.from(value) : value);
  }
  return chunks;
}

async function* resumed(begun: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* begun;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

/** Characters of JSON that an instance's header takes in memory and in a statement, roughly: short ones are not counted. */
export function headerSize({ long = {} }: Pick<InstanceRow, 'long'>): number {
  return Object.values(long as Record<string, string>).reduce((sum, text) => sum + text.length, 16_384);
}

/** Removes what `receiveInstance` left, what was made of it included. */
export async function discardInstance({ blobs }: Pick<World, 'blobs'>, arriving: ArrivingInstance): Promise<void> {
  if ('refused' in arriving) return;
  const read = await arriving.reading;
  await blobs.discard(arriving.received);
  if (read instanceof Problem) return;
  for (const made of [read.inflated, read.repaired]) if (made) await blobs.discard(made);
}

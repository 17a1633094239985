import type { InstanceRow, ReadInstance, ReceivedBlob, World } from '../ports.ts';
import { Problem } from '../problem.ts';

/** Bytes that came in and lie in a temporary file, and what they turn out to be. */
export interface ArrivingInstance {
  received: ReceivedBlob;
  /** Resolves when a worker has read them: while the next instance is still on its way. Never rejects. */
  reading: Promise<ReadInstance | Problem>;
}

/**
 * Takes in one Part 10 file: resolves when its bytes are taken, so that the next one can come. Hand the result to `storeInstances`, which
 * keeps or discards it; whoever gives up before must call `discardInstance`.
 *
 * @throws Problem `too-long` past `limit` bytes, `no-store` when the disk is full.
 */
export async function receiveInstance(
  world: Pick<World, 'blobs' | 'reader'>,
  bytes: AsyncIterable<Uint8Array>,
  limit?: number,
): Promise<ArrivingInstance> {
  const received = await world.blobs.receive(bytes, limit);
  const reading = Promise.resolve(received.written)
    .then(() => world.reader.read(received.path))
    .catch((error: unknown) =>
      error instanceof Problem ? error : new Problem('exception', 'The file could not be read', { cause: error }),
    );
  return { received, reading };
}

/** Characters of JSON that an instance's header takes in memory and in a statement, roughly: short ones are not counted. */
export function headerSize({ long = {} }: Pick<InstanceRow, 'long'>): number {
  return Object.values(long as Record<string, string>).reduce((sum, text) => sum + text.length, 16_384);
}

/** Removes what `receiveInstance` left, the inflated copy included. */
export async function discardInstance(
  { blobs }: Pick<World, 'blobs'>,
  { received, reading }: ArrivingInstance,
): Promise<void> {
  const read = await reading;
  await blobs.discard(received);
  if (!(read instanceof Problem) && read.inflated) await blobs.discard(read.inflated);
}

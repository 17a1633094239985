/**
 * The first 128 bytes of a Part 10 file (PS3.10 7.1) belong to nobody: a program can stand there, and the file is then
 * an image to one reader and runs for another (CVE-2019-11687). Files are kept as they came, for their hash is their
 * name, but a preamble is given out only when it is empty or begins a TIFF, as slides are read by their other half.
 */
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';

const length = 128;
/** Files that are looked at together. */
const atOnce = 16;
/** Digests of files that were looked at; the ones of long ago are looked at again. */
const mostKnown = 50_000;

/** What is known of content, whose name is its digest. */
const known = new Map<string, boolean>();

/** Those of the instances whose preamble is something else, and is therefore cleared when they are given out. */
export async function foreignPreambles<Instance extends Pick<InstanceAddress, 'blob'>>(
  { blobs }: Pick<World, 'blobs'>,
  instances: readonly Instance[],
): Promise<ReadonlySet<Instance>> {
  const foreign = new Set<Instance>();
  for (let at = 0; at < instances.length; at += atOnce) {
    await Promise.all(
      instances.slice(at, at + atOnce).map(async (instance) => {
        if (await hasForeign(blobs, instance.blob)) foreign.add(instance);
      }),
    );
  }
  return foreign;
}

async function hasForeign(blobs: World['blobs'], digest: string): Promise<boolean> {
  const before = known.get(digest);
  if (before !== undefined) return before;
  const found = isForeign(await blobs.read(digest, { offset: 0, length }));
  if (known.size >= mostKnown) known.delete(known.keys().next().value!);
  known.set(digest, found);
  return found;
}

function isForeign(preamble: Uint8Array): boolean {
  const start = Buffer.from(preamble.subarray(0, 4)).toString('latin1');
  // TIFF and BigTIFF, little and big endian.
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(start)) return false;
  return preamble.some((byte) => byte !== 0);
}

/** The file with zeros as its preamble. */
export async function* withEmptyPreamble(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of chunks) {
    if (left === 0) yield chunk;
    else {
      const copy = Uint8Array.from(chunk);
      copy.fill(0, 0, left);
      left = Math.max(0, left - copy.length);
      yield copy;
    }
  }
}

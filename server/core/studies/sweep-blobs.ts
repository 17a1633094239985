import type { ReadsFrom, World } from '../world.ts';

const batchSize = 500;
const day = 24 * 3_600_000;

/**
 * Removes blobs that no instance names: left by a crash between bytes and index, by a transaction that failed,
 * or by a study that was removed. Those of less than a day are left alone: their
 * transaction may still be under way, on a machine whose clock is hours off.
 *
 * @returns how many were removed.
 */
export async function sweepBlobs(
  { blobs, read, now }: Pick<World, 'blobs' | 'now'> & ReadsFrom<'studies'>,
  minimumAge = day,
): Promise<number> {
  const olderThan = new Date(now().getTime() - minimumAge);
  let removed = 0;
  let batch: string[] = [];
  const flush = async () => {
    const used = batch.length > 0 ? await read(({ studies }) => studies.blobsInUse(batch)) : new Set<string>();
    for (const digest of batch.filter((one) => !used.has(one))) {
      await blobs.remove(digest, olderThan);
      removed++;
    }
    batch = [];
  };
  for await (const digest of blobs.list(olderThan)) {
    if (batch.push(digest) === batchSize) await flush();
  }
  await flush();
  return removed;
}

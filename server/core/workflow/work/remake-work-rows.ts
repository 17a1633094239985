/** The rows of the lists of work, made from the records: all of them, those that lack, those that are behind. */
import type { ReadsFrom, WritesTo } from '../../world.ts';
import { remakeRows } from './keep-work-rows.ts';

/** The way to the rows, and the own FHIR base, against which references are read. */
export type WorkRowUnits = ReadsFrom<'workRows'> & WritesTo<'workRows'> & { baseUrl: string };

const batch = 100;
/** Finding them costs a look at all, whatever the number. */
const listed = 10_000;

/**
 * Makes rows anew in the order in which the reviews were opened, in short transactions, beside whoever works meanwhile.
 *
 * @param options.lacking only those that are not there: after an upgrade.
 * @param options.onProgress called now and then with how many so far.
 * @returns how many rows were made.
 */
export async function remakeWorkRows(
  units: WorkRowUnits,
  { lacking = false, onProgress = () => undefined }: { lacking?: boolean; onProgress?: (rows: number) => void } = {},
): Promise<number> {
  let made = 0;
  for (let place = 0; ;) {
    const found = await units.read(({ workRows }) => workRows.reviewsAfter(place, listed, lacking));
    for (let from = 0; from < found.length; from += batch) {
      const reviews = found.slice(from, from + batch).map(({ review }) => review);
      await units.transaction((stores) => remakeRows(stores, reviews, units.baseUrl));
      made += reviews.length;
      if (made % (batch * 20) === 0) onProgress(made);
    }
    if (found.length < listed) break;
    place = found.at(-1)!.place;
  }
  if (!lacking) await units.transaction(({ workRows }) => workRows.removeOrphans());
  return made;
}

/** So far back records are looked at that have changed: several turns of the chore, and the start of a release. */
const lookBackMs = 3_600_000;

/**
 * Puts right what no transaction of this release has kept: what a process of an earlier release wrote beside this one, and
 * a record that changed in the very moment in which a review began to name it.
 *
 * @returns how many rows were made anew.
 */
export async function mendWorkRows(units: WorkRowUnits, now: Date): Promise<number> {
  const since = new Date(now.getTime() - lookBackMs);
  const stale = await units.read(({ workRows }) => workRows.stale(since, 1000));
  for (let from = 0; from < stale.length; from += batch)
    await units.transaction((stores) => remakeRows(stores, stale.slice(from, from + batch), units.baseUrl));
  return stale.length + (await remakeWorkRows(units, { lacking: true }));
}

import type { Task } from '@medplum/fhirtypes';
import type { Job, LackingJob } from '../jobs.ts';
import { searchOwn } from '../records/own-search.ts';
import type { Kept } from '../records/server-write.ts';
import type { ReviewStep } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import type { ReadsFrom } from '../world.ts';

const pageSize = 200;
/** 5,000 steps, oldest first: what is behind them waits for its turn anyway. */
const mostPages = 25;

/**
 * Looks for steps in a state that says that work is owed and of which no job waits or runs, and has each mended. A job
 * is owed in the transaction that brings its step into that state, so there are none but when its last try died with
 * its process, or somebody or something removed it.
 *
 * @param mend gets how the last job ended: one whose last try failed or died is not owed again, else it would be for
 * ever; it ends as its handler would have ended it.
 * @returns how many were mended.
 * @throws what the first `mend` that failed threw; the others had their turn.
 */
export async function mendLacking(
  world: ReadsFrom<'records' | 'jobs'>,
  owed: { step: ReviewStep; status: NonNullable<Task['status']>; kind: Job['kind'] },
  mend: (step: Kept<'Task'>, last: LackingJob['last']) => Promise<void>,
): Promise<number> {
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|${owed.step}`] },
    { parameter: 'status', values: [owed.status] },
  ];
  const faults: unknown[] = [];
  let mended = 0;
  let after: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const from = { count: pageSize, ...(after !== undefined && { after }) };
    const { found, next } = await world.read((stores) => searchOwn(stores, 'Task', conditions, from));
    const ids = found.map(({ id }) => id);
    const jobs = await world.read((stores) => stores.jobs.lacking(owed.kind, ids));
    const lacking = new Map(jobs.map(({ key, last }) => [key, last]));
    for (const step of found.filter(({ id }) => lacking.has(id))) {
      try {
        await mend(step, lacking.get(step.id));
        mended++;
      } catch (error) {
        faults.push(error);
      }
    }
    if (next === undefined) break;
    after = next;
  }
  if (faults.length > 0) throw faults[0];
  return mended;
}

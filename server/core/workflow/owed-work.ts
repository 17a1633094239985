import type { Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Job, LackingJob, World } from '../ports.ts';
import { type ReviewStep, systems } from './codes.ts';
import type { Kept } from './server-write.ts';

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
  world: Pick<World, 'records' | 'jobs'>,
  owed: { step: ReviewStep; status: NonNullable<Task['status']>; kind: Job['kind'] },
  mend: (step: Kept<'Task'>, last: LackingJob['last']) => Promise<void>,
): Promise<number> {
  const faults: unknown[] = [];
  let mended = 0;
  let after: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const { matches, next } = await world.records.search(stepsIn(owed, after), () => everything);
    const ids = matches.map(({ id }) => id);
    const lacking = new Map((await world.jobs.lacking(owed.kind, ids)).map(({ key, last }) => [key, last]));
    for (const { id, resource } of matches.filter((match) => lacking.has(match.id))) {
      try {
        await mend(resource as Kept<'Task'>, lacking.get(id));
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

function stepsIn(
  { step, status }: { step: ReviewStep; status: NonNullable<Task['status']> },
  after: string | undefined,
): Parameters<World['records']['search']>[0] {
  return {
    type: 'Task',
    conditions: [
      { parameter: 'code', values: [`${systems.reviewStep}|${step}`] },
      { parameter: 'status', values: [status] },
    ],
    include: [],
    revinclude: [],
    sort: [],
    count: pageSize,
    total: 'none',
    ...(after !== undefined && { after }),
  };
}

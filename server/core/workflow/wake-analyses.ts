import { searchOwn } from '../records/own-search.ts';
import { systems } from '../vocabulary/systems.ts';
import type { ReadsFrom, World, WritesTo } from '../world.ts';
import { analysisJob } from './analysis-step.ts';

/**
 * Owes the analysis of every step that is accepted and not begun: those that waited while the model was switched
 * off. One that is owed already stays so.
 */
export async function wakeAnalyses(
  world: Pick<World, 'classifier'> & ReadsFrom<'records'> & WritesTo<'jobs'>,
): Promise<number> {
  if (!world.classifier.state().ready) return 0;
  const conditions = [
    { parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] },
    { parameter: 'status', values: ['accepted'] },
  ];
  let woken = 0;
  let after: string | undefined;
  do {
    const page = { count: 200, ...(after !== undefined && { after }) };
    const { found, next } = await world.read((stores) => searchOwn(stores, 'Task', conditions, page));
    await world.transaction(async ({ jobs }) => {
      for (const step of found) await jobs.enqueue(analysisJob(step));
    });
    woken += found.length;
    after = next;
  } while (after !== undefined);
  return woken;
}

import { systemPrincipal } from '../principal.ts';
import { put } from '../records/server-write.ts';
import { inOneTransaction } from '../records/write.ts';
import type { World } from '../world.ts';
import { analysisJob, failAnalysis } from './analysis-step.ts';
import { mendLacking } from './owed-work.ts';
import { lockedStep } from './review.ts';

/**
 * Owes the analysis of every step that is accepted and not begun, and not owed: those that waited while the model was
 * switched off. One whose job failed for good fails with `timeout`, as an analysis does whose worker died.
 *
 * @returns how many that were.
 */
export async function wakeAnalyses(world: World): Promise<number> {
  if (!world.classifier.state().ready) return 0;
  return mendLacking(world, { step: 'ai-inference', status: 'accepted', kind: 'analyze' }, (step, last) =>
    last === 'failed' ? giveUp(world, step.id) : world.transaction(({ jobs }) => jobs.enqueue(analysisJob(step))),
  );
}

async function giveUp(world: World, id: string): Promise<void> {
  await inOneTransaction(world, { principal: systemPrincipal('analysis') }, async (context) => {
    const step = await lockedStep(context, id);
    if (step.status !== 'accepted') return;
    // accepted -> failed is no legal move: the step was begun, and ended.
    const begun = await put(context, { ...step, status: 'in-progress', lastModified: world.now().toISOString() });
    await failAnalysis(context, begun, 'timeout');
  });
}

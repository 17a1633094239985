import type { Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { World } from '../ports.ts';
import { analysisJob } from './analysis-step.ts';
import { systems } from './codes.ts';

/**
 * Owes the analysis of every step that is accepted and not begun: those that waited while the model was switched
 * off. One that is owed already stays so.
 */
export async function wakeAnalyses(world: World): Promise<number> {
  const state = world.classifier.state();
  if (!state.ready) return 0;
  let woken = 0;
  let after: string | undefined;
  do {
    const { matches, next } = await world.records.search(
      {
        type: 'Task',
        conditions: [
          { parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] },
          { parameter: 'status', values: ['accepted'] },
        ],
        include: [],
        revinclude: [],
        sort: [],
        count: 200,
        total: 'none',
        ...(after !== undefined && { after }),
      },
      () => everything,
    );
    for (const { resource } of matches) {
      await world.jobs.enqueue(analysisJob(resource as Task));
    }
    woken += matches.length;
    after = next;
  } while (after !== undefined);
  return woken;
}

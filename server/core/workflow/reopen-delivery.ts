import { Problem } from '../problem.ts';
import { type Pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { create, type Kept } from '../records/server-write.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import type { WriteContext } from '../world.ts';
import { amendmentOf } from './amendment.ts';
import { recordProvenance } from './provenance.ts';
import { lockedStep, openSteps, reviewOf } from './review.ts';
import { stepsOf } from './review-steps.ts';
import { input, inputOf, output, outputOf, stepTask } from './review-tasks.ts';
import { isEnded } from './task-moves.ts';

/**
 * A delivery that failed begins again as a step of its own (`retry-of`): the failed one, and the message that did not
 * arrive, stay what they were.
 *
 * @returns the new step, in-progress.
 * @throws Problem `conflict` if the report is not the one that holds now, its delivery is under way, or was begun again.
 */
export async function reopenDelivery(context: WriteContext, stepId: string): Promise<Kept<'Task'>> {
  const failed = await lockedStep(context, stepId);
  const review = await reviewOf(context, failed);
  const document = outputOf(failed, 'document');
  if (stepOf(failed.code) !== 'report-delivery' || !document)
    throw new Problem('conflict', 'This is not the delivery of a report that was made.');
  if (review.status !== 'REPORT_READY')
    throw new Problem('conflict', `The review is ${review.status}: its report is not sent any more.`);
  if (document.reference !== outputOf(review.coordination, 'document')?.reference)
    throw new Problem('conflict', 'A newer version of the report took its place: send that one.');
  const recipient = inputOf(failed, 'recipient');
  const others = await openSteps(review, 'report-delivery');
  if (!isEnded(failed.status) || others.some((step) => isSame(inputOf(step, 'recipient'), recipient)))
    throw new Problem('conflict', 'The report is on its way to this recipient already.');
  const since = (await stepsOf(context.stores, review.coordination.id)).filter((step) =>
    isSame(inputOf(step, 'retry-of'), referenceTo(failed)),
  );
  if (since.length > 0) throw new Problem('conflict', 'This delivery was begun again already: look at the newer one.');
  const amendment = amendmentOf(failed);
  const at = review.at.toISOString();
  const step = stepTask(review.coordination, {
    code: 'report-delivery',
    at: review.at,
    priority: failed.priority,
    input: [
      ...(amendment ? [input('amended-by', amendment)] : []),
      ...(recipient ? [input('recipient', recipient)] : []),
      input('retry-of', referenceTo(failed)),
    ],
  });
  const begun = await create(context, {
    ...step,
    status: 'in-progress',
    executionPeriod: { start: at },
    output: [output('document', document)],
  });
  await recordProvenance(context, {
    act: 'deliver-again',
    operation: 'CREATE',
    targets: [versioned(begun)],
    sources: [referenceTo(failed)],
  });
  return begun;
}

function isSame(one: Pointer | undefined, other: Pointer | undefined): boolean {
  return one?.reference === other?.reference;
}

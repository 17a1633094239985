import { type Kept, create, put } from '../records/server-write.ts';
import { type Pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { Problem } from '../problem.ts';
import { dataConcept, reasonConcept } from '../vocabulary/review-codes.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { aiInputs, input, stepTask } from './review-tasks.ts';
import { ended, moveCoordination, openSteps, type Review, reviewAt } from './review.ts';
import { transitionFor } from './scan-review.ts';

/**
 * A doctor takes a reading back before the pharmacist has begun: the pharmacist's step is cancelled, and a fresh
 * verification is in the doctor's hands. Pharmacist and doctor at the same moment: the review is locked, so one wins and
 * the other is told.
 *
 * @returns the fresh verification step.
 * @throws Problem `forbidden`, `conflict` by the table of transitions; `conflict` when the pharmacist has begun.
 */
export async function amendReading(
  context: WriteContext,
  coordination: Pointer,
  reason: string,
): Promise<Kept<'Task'>> {
  const review = await reviewAt(context, coordination);
  transitionFor(review.status, 'amend', context.principal.role);
  const [step] = await openSteps(review, 'pharmacist-review');
  if (!step || !['requested', 'received', 'ready'].includes(step.status)) {
    throw new Problem(
      'conflict',
      'The pharmacist has begun already: ask for the review to be sent back, or amend the report after its release.',
      { expression: 'Task.status' },
    );
  }
  return takeBack(review, step, reason);
}

async function takeBack(review: Review, step: Kept<'Task'>, reason: string): Promise<Kept<'Task'>> {
  const { context } = review;
  const at = review.at.toISOString();
  const why = { ...reasonConcept('amended'), text: reason };
  const cancelled = await put(context, ended(review, step, 'cancelled', why));
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at: review.at,
      priority: step.priority,
      input: [
        input('returned-from', referenceTo(step)),
        ...aiInputs(moved.output),
        { type: dataConcept('amendment-reason'), valueCodeableConcept: { text: reason } },
      ],
    }),
    status: 'in-progress',
    statusReason: why,
    owner: { reference: context.principal.fhirUser! },
    executionPeriod: { start: at },
  });
  await recordProvenance(context, {
    act: 'amend',
    operation: 'UPDATE',
    targets: [cancelled, moved, again].map(versioned),
  });
  return again;
}

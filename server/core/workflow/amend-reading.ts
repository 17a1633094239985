import { type Kept, create, locked, put } from '../records/server-write.ts';
import { type Pointer, pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { Problem } from '../problem.ts';
import { dataConcept, reasonConcept, stepOf } from '../vocabulary/review-codes.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { input, outputsOf, stepTask } from './review-tasks.ts';
import { moveCoordination, type Review, reviewAt } from './review.ts';
import { stepsOf } from './review-steps.ts';
import { transitionFor } from './scan-review.ts';
import { isEnded } from './task-moves.ts';

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
  const step = await pharmacistStep(context, coordination);
  if (!step || !['requested', 'received', 'ready'].includes(step.status)) {
    throw new Problem(
      'conflict',
      'The pharmacist has begun already: ask for the review to be sent back, or amend the report after its release.',
      { expression: 'Task.status' },
    );
  }
  return takeBack(review, step, reason);
}

async function pharmacistStep(context: WriteContext, coordination: Pointer): Promise<Kept<'Task'> | undefined> {
  const id = coordination.reference.split('/')[1] ?? '';
  for (const step of await stepsOf(context.stores, id)) {
    if (stepOf(step.code) !== 'pharmacist-review' || isEnded(step.status)) continue;
    const standing = await locked(context, 'Task', referenceTo(step));
    if (!isEnded(standing.status)) return standing;
  }
  return undefined;
}

async function takeBack(review: Review, step: Kept<'Task'>, reason: string): Promise<Kept<'Task'>> {
  const { context } = review;
  const at = review.at.toISOString();
  const why = { ...reasonConcept('amended'), text: reason };
  const cancelled = await put(context, {
    ...step,
    status: 'cancelled',
    statusReason: why,
    lastModified: at,
    executionPeriod: { ...step.executionPeriod, end: at },
  });
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const findings = outputsOf(moved, 'ai-finding').flatMap((item) => pointer(item.valueReference) ?? []);
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at: review.at,
      priority: step.priority,
      input: [
        input('returned-from', referenceTo(step)),
        ...findings.map((finding) => input('ai-finding', finding)),
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

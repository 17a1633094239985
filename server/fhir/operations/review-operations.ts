/** The acts on a whole review: what ends no step of it (docs/workflow.md). */
import type { CodeableConcept } from '@medplum/fhirtypes';
import { Problem } from '../../core/problem.ts';
import { referenceTo } from '../../core/r4/pointer.ts';
import { reasonConcept, type ReviewReason, statusOf } from '../../core/vocabulary/review-codes.ts';
import { amendmentKinds, requestAmendment } from '../../core/workflow/amendment.ts';
import { amendReading } from '../../core/workflow/amend-reading.ts';
import { cancelReview } from '../../core/workflow/cancel-review.ts';
import { retractReview } from '../../core/workflow/retract.ts';
import { reviewAt } from '../../core/workflow/review.ts';
import { transitionFor } from '../../core/workflow/scan-review.ts';
import type { Asked, Operation } from './operation.ts';
import { onReview } from './on-review.ts';

/** The doctor who verified, or a colleague, takes the reading back before the pharmacist has begun. */
const amend = onReview('amend', (context, coordination, asked) =>
  amendReading(context, referenceTo(coordination), asked.reason),
);

/** A released report gets an addendum, a correction or an amendment: the step in which a doctor writes it. */
const addendum = onReview('addendum', (context, coordination, asked) => {
  const stated = asked.one('kind')?.valueCode ?? asked.one('kind')?.valueString ?? 'addendum';
  const kind = amendmentKinds.find((known) => known === stated);
  if (!kind) throw new Problem('code-invalid', `The parameter kind is one of ${amendmentKinds.join(', ')}.`);
  return requestAmendment(context, referenceTo(coordination), { kind, reason: { text: asked.reason } });
});

const cancel = onReview('cancel', (context, coordination, asked) =>
  cancelReview(context, referenceTo(coordination), concept('cancelled', asked), ({ status }) =>
    transitionFor(status, 'cancel', context.principal.role),
  ),
);

const retract = onReview('retract', async (context, coordination, asked) => {
  const reason = concept('entered-in-error', asked);
  transitionFor(statusOf(coordination.businessStatus)!, 'retract', context.principal.role);
  await retractReview(context, coordination, { reason });
  return (await reviewAt(context, referenceTo(coordination))).coordination;
});

export const reviewOperations: readonly Operation[] = [amend, addendum, cancel, retract];

function concept(code: ReviewReason, asked: Asked): CodeableConcept {
  return { ...reasonConcept(code), text: asked.reason };
}

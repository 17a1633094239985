import type { CodeableConcept } from '@medplum/fhirtypes';
import { type Kept, locked, put } from '../records/server-write.ts';
import { idIn, type Pointer, versioned } from '../r4/pointer.ts';
import { inputOf, outputOf, outputsOf } from './review-tasks.ts';
import type { WriteContext } from '../world.ts';
import { recordProvenance } from './provenance.ts';
import { withdrawDrafts } from './prescribe.ts';
import { orderIdOf } from './review-of-study.ts';
import { ended, moveCoordination, openSteps, type Review, reviewAt } from './review.ts';

/**
 * A review that nobody needs any more ends without a report, in whatever state it is before the release. Work under
 * way finds its step cancelled and writes nothing: a result of the model that comes later, a PDF that is being printed.
 * An order of others stays as they left it; a self-referral of ours is revoked with its review.
 *
 * @param mayCancel judges the review under its lock.
 * @returns the coordination Task.
 * @throws what `mayCancel` throws.
 */
export async function cancelReview(
  context: WriteContext,
  coordination: Pointer,
  reason: CodeableConcept,
  mayCancel: (review: Review) => void,
): Promise<Kept<'Task'>> {
  const review = await reviewAt(context, coordination);
  mayCancel(review);
  const written: Pointer[] = [];
  for (const step of await openSteps(review))
    written.push(versioned(await put(context, ended(review, step, 'cancelled', reason))));
  written.push(...(await endResults(review)));
  const moved = await moveCoordination(review, { status: 'cancelled', business: 'CANCELLED', statusReason: reason });
  await recordProvenance(context, { act: 'cancel', operation: 'UPDATE', targets: [versioned(moved), ...written] });
  return moved;
}

/** The report without a release, proposals that nobody will be given, and the order that was made for this review. */
async function endResults(review: Review): Promise<Pointer[]> {
  const { context, coordination } = review;
  const written: Pointer[] = [];
  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  written.push(versioned(await put(context, { ...report, status: 'cancelled' })));
  written.push(...(await withdrawDrafts(context, outputsOf(coordination, 'medication'))).map(versioned));
  const order = await locked(context, 'ServiceRequest', coordination.focus);
  const study = idIn(inputOf(coordination, 'study'), 'ImagingStudy');
  const own = study !== undefined && order.id === orderIdOf(study, coordination.id);
  if (own && order.status === 'active') written.push(versioned(await put(context, { ...order, status: 'revoked' })));
  return written;
}

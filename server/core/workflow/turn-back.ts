import type { Task, TaskInput } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { reasonConcept, stepOf } from '../vocabulary/review-codes.ts';
import { amendmentOf, amendmentStep, kindOf } from './amendment.ts';
import { recordProvenance } from './provenance.ts';
import { endAnalyses } from './analysis-step.ts';
import { isFor } from './report-parts.ts';
import { stepsOf } from './review-steps.ts';
import { type Pointer, referenceTo } from '../r4/pointer.ts';
import { aiInputs, input, inputOf, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { withdrawDrafts, withdrawMedication } from './prescribe.ts';
import { leaveOrder } from './leave-order.ts';
import { withdrawResults } from './retract.ts';
import { moveCoordination, nextVersionOf, type Review } from './review.ts';
import { withholding } from '../vocabulary/security-labels.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { taskMoves } from './task-moves.ts';

/**
 * A doctor asks for a new image: the review ends without a report. The order stays active, so that the next
 * study can answer it. An image of the wrong patient makes what was said about it an error, and is hidden from that
 * patient until it is moved to the right one (docs/workflow.md).
 */
export async function reject(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  if (stepOf(step.code) === 'ai-inference' && review.status !== 'PENDING_AI')
    throw new Problem('conflict', 'A new image is asked for on the step physician-verification, which is open too.');
  if (stepOf(step.code) !== 'ai-inference') await endAnalyses(review, 'The doctor asked for a new image.');
  const mistaken = codeOf(step.statusReason, systems.reviewReason) === 'wrong-patient';
  const written = mistaken ? await hideFromPatient(review) : [await cancelReport(review)];
  const rejected = await moveCoordination(review, {
    status: taskMoves[coordination.status].includes('rejected') ? 'rejected' : 'failed',
    business: 'REJECTED',
    statusReason: step.statusReason,
  });
  await recordProvenance(context, {
    act: 'reject',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...written, versioned(rejected)],
  });
  return step;
}

async function cancelReport({ context, coordination }: Review): Promise<Pointer> {
  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  return versioned(await put(context, { ...report, status: 'cancelled' }));
}

/**
 * The images are somebody else's: what was said of them is an error, and neither they nor the review are shown to this
 * patient any more, by FHIR or DICOMweb. Staff see them; `ImagingStudy/[id]/$move` gives them to the right patient.
 */
async function hideFromPatient(review: Review): Promise<Pointer[]> {
  const written = await withdrawResults(review);
  review.coordination = { ...review.coordination, meta: withholding(review.coordination.meta) };
  const study = await locked(review.context, 'ImagingStudy', inputOf(review.coordination, 'study'));
  const hidden = await put(review.context, { ...study, status: 'entered-in-error', meta: withholding(study.meta) });
  await leaveOrder(review.context, review.coordination, hidden);
  return [...written, versioned(hidden)];
}

/**
 * Pharmacist or admin send the review back: a fresh verification step waits for a doctor, with the reason
 * attached. Medication that was proposed for the earlier reading is withdrawn.
 */
export async function sendBack(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  if (amendmentOf(step)) return sendAmendmentBack(review, step);
  const withdrawn = await withdrawMedication(review);
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at: review.at,
      input: [input('returned-from', referenceTo(step)), ...aiInputs(moved.output)],
      priority: step.priority,
    }),
    ...(step.statusReason && { statusReason: step.statusReason }),
  });
  await recordProvenance(context, {
    act: 'sendBack',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...[moved, again, ...withdrawn].map(versioned)],
  });
  return step;
}

/**
 * An amendment goes back to the doctor: the same step waits again, with the reason. The released report never changed;
 * medication that was proposed for the amendment is withdrawn.
 */
async function sendAmendmentBack(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  const amendment = await locked(context, 'Task', amendmentOf(step));
  const withdrawn = await withdrawProposals(review, amendment);
  const again = await create(context, {
    ...amendmentStep(review, {
      kind: kindOf(amendment),
      reason: amendment.reasonCode ?? reasonConcept('amended'),
      inputs: [...imageUpdatesOf(amendment), input('returned-from', referenceTo(step))],
    }),
    ...(step.statusReason && { statusReason: step.statusReason }),
  });
  await recordProvenance(context, {
    act: 'sendBack',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...[again, ...withdrawn].map(versioned)],
  });
  return step;
}

/** Drafts of the pharmacist's step for this amendment; what is released stays. */
async function withdrawProposals(review: Review, amendment: Task): Promise<Kept<'MedicationRequest'>[]> {
  const steps = await stepsOf(review.context.stores, review.coordination.id);
  const own = steps.filter((one) => isFor(one, amendment));
  return withdrawDrafts(
    review.context,
    own.flatMap((one) => outputsOf(one, 'medication')),
  );
}

function imageUpdatesOf(amendment: Task): TaskInput[] {
  return (amendment.input ?? []).filter(({ type }) => codeOf(type, systems.reviewData) === 'image-update');
}

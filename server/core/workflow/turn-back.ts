import type { Task } from '@medplum/fhirtypes';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { recordProvenance } from './provenance.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { input, inputOf, outputOf, outputsOf, stepTask } from './review-tasks.ts';
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
  return [...written, versioned(hidden)];
}

/**
 * Pharmacist or admin send the review back: a fresh verification step waits for a doctor, with the reason
 * attached. Medication that was proposed for the earlier reading is withdrawn.
 */
export async function sendBack(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  const withdrawn: Kept<'MedicationRequest'>[] = [];
  for (const { valueReference } of outputsOf(review.coordination, 'medication')) {
    if (idIn(valueReference, 'MedicationRequest') === undefined) continue;
    const proposal = await locked(context, 'MedicationRequest', valueReference);
    withdrawn.push(await put(context, { ...proposal, status: 'cancelled' }));
  }
  const kept = (review.coordination.output ?? []).filter(
    (item) => !outputsOf(review.coordination, 'medication').includes(item),
  );
  review.coordination = { ...review.coordination, output: kept };
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const finding = outputOf(moved, 'ai-finding');
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at: review.at,
      input: [input('returned-from', referenceTo(step)), ...(finding ? [input('ai-finding', finding)] : [])],
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

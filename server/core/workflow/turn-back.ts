import type { Task, TaskInput } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { recordProvenance } from './provenance.ts';
import { endAnalyses } from './analysis-step.ts';
import { idIn, pointer, referenceTo } from '../r4/pointer.ts';
import { input, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { moveCoordination, nextVersionOf, type Review } from './review.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { taskMoves } from './task-moves.ts';

/**
 * A doctor asks for a new image: the review ends without a report. The order stays active, so that the next
 * study can answer it. An image of the wrong patient makes what was said about it an error (docs/workflow.md).
 */
export async function reject(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  if (stepOf(step.code) === 'ai-inference' && review.status !== 'PENDING_AI')
    throw new Problem('conflict', 'A new image is asked for on the step physician-verification, which is open too.');
  if (stepOf(step.code) !== 'ai-inference') await endAnalyses(review, 'The doctor asked for a new image.');
  const mistaken = codeOf(step.statusReason, systems.reviewReason) === 'wrong-patient';
  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  const written = [
    await put(context, { ...report, status: mistaken ? 'entered-in-error' : 'cancelled' }),
    ...(mistaken ? await retract(review) : []),
    await moveCoordination(review, {
      status: taskMoves[coordination.status].includes('rejected') ? 'rejected' : 'failed',
      business: 'REJECTED',
      statusReason: step.statusReason,
    }),
  ];
  await recordProvenance(context, {
    act: 'reject',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...written.map(versioned)],
  });
  return step;
}

async function retract(review: Review): Promise<Kept<'Observation'>[]> {
  const retracted: Kept<'Observation'>[] = [];
  const said = (['ai-finding', 'clinical-finding', 'concordance'] as const).flatMap((type) =>
    outputsOf(review.coordination, type).flatMap(({ valueReference }) => pointer(valueReference) ?? []),
  );
  for (const reference of said) {
    const observation = await locked(review.context, 'Observation', reference);
    retracted.push(await put(review.context, { ...observation, status: 'entered-in-error' }));
  }
  return retracted;
}

/**
 * Pharmacist or admin send the review back: a fresh verification step waits for a doctor, with the reason
 * attached. Medication that was proposed for the earlier reading is withdrawn.
 */
export async function sendBack(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  const withdrawn = await withdrawMedication(review);
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at: review.at,
      input: [input('returned-from', referenceTo(step)), ...aiInputs(moved)],
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

/** The AI's results, as inputs of a step that is opened anew. */
export function aiInputs(coordination: Task): TaskInput[] {
  return outputsOf(coordination, 'ai-finding')
    .flatMap(({ valueReference }) => pointer(valueReference) ?? [])
    .map((finding) => input('ai-finding', finding));
}

/** Medication that was proposed for the earlier reading is withdrawn, and the coordination Task forgets it. */
export async function withdrawMedication(review: Review): Promise<Kept<'MedicationRequest'>[]> {
  const { context } = review;
  const withdrawn: Kept<'MedicationRequest'>[] = [];
  const proposed = outputsOf(review.coordination, 'medication');
  for (const { valueReference } of proposed) {
    if (idIn(valueReference, 'MedicationRequest') === undefined) continue;
    const proposal = await locked(context, 'MedicationRequest', valueReference);
    withdrawn.push(await put(context, { ...proposal, status: 'cancelled' }));
  }
  const kept = (review.coordination.output ?? []).filter((item) => !proposed.includes(item));
  review.coordination = { ...review.coordination, output: kept };
  return withdrawn;
}

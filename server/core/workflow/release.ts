/**
 * The last two steps: an admin approves, and the worker makes and delivers the report. The review is
 * REPORT_READY only in the transaction that stores the PDF (docs/workflow.md).
 */
import { createHash } from 'node:crypto';
import type { Task } from '@medplum/fhirtypes';
import { mustBeFresh } from '../accounts/sign-in/fresh-factor.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { reasonConcept, type ReviewReason, stepOf } from '../vocabulary/review-codes.ts';
import { released } from '../vocabulary/security-labels.ts';
import { amendmentOf } from './amendment.ts';
import { mustKnowWhose } from './open-identity-check.ts';
import { recordProvenance } from './provenance.ts';
import { confirmsDiscordance, isDiscordant, releaseContent, reportParts } from './report-parts.ts';
import { stepsOf } from './review-steps.ts';
import { signatureOf } from './signature.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { input, output, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { ended, lockedStep, moveCoordination, nextVersionOf, type Review, reviewOf } from './review.ts';
import { asServer, create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { hasInk } from '../readable-text.ts';

/**
 * An admin approves: the report is owed. The status changes when it exists.
 *
 * @throws Problem `reauthenticate` without a fresh second factor; `forbidden` if the same person verified (four-eyes); `business-rule` without a conclusion, or without
 *   `discordance-confirmed` where reader and AI differ; `conflict` (signature-mismatch) where the records differ from
 *   what was signed, or while it is open whose the images are.
 */
export async function approve(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  mustBeFresh(context.principal, context.world.settings, context.world.now());
  await mustKnowWhose(context, coordination);
  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  if (!hasInk(report.conclusion) || !report.resultsInterpreter?.length) {
    throw new Problem('business-rule', 'A report is released only with a conclusion and its author.', {
      expression: 'Task.status',
    });
  }
  const steps = await stepsOf(context.stores, coordination.id);
  const amendment = amendmentOf(step) && (await locked(context, 'Task', amendmentOf(step)));
  const readers = [...report.resultsInterpreter, amendment?.owner].map((one) => one?.reference);
  if (context.world.settings.fourEyes && readers.includes(context.principal.fhirUser)) {
    throw new Problem('forbidden', 'Who verified a result may not release its report (four-eyes rule).');
  }
  const parts = await reportParts(context.world, context.stores, { coordination, steps, report }, amendment);
  if (isDiscordant(parts) && !confirmsDiscordance(step)) {
    throw new Problem(
      'business-rule',
      'The reader differs from the AI: the release needs an output discordance-confirmed with valueBoolean true.',
      { expression: 'Task.output' },
    );
  }
  const delivery = await create(
    context,
    stepTask(coordination, {
      code: 'report-delivery',
      at: review.at,
      priority: step.priority,
      ...(amendment && { input: [input('amended-by', referenceTo(amendment))] }),
    }),
  );
  await context.stores.jobs.enqueue({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } });
  const signature = await signatureOf(context, 'approve', step, releaseContent(parts, step));
  await recordProvenance(context, {
    act: 'approve',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), versioned(delivery)],
    sources: [referenceTo(report)],
    signed: { act: 'approve', step, signature },
  });
  return { ...step, output: [...(step.output ?? []), output('report', referenceTo(report))] };
}

/**
 * The PDF is stored: in the same transaction the results become visible to the patient, the proposals active,
 * the order completed, the review REPORT_READY and the delivery step in-progress.
 */
export async function releaseReview(
  review: Review,
  delivery: Kept<'Task'>,
  issued: { document: Pointer; report: Kept<'DiagnosticReport'>; pdf: Uint8Array },
): Promise<void> {
  const { context } = review;
  if (review.status !== 'PHARMACIST_COMPLETED') throw new Problem('conflict', `The review is ${review.status}.`);
  const shown = await showResults(review, issued.report);
  const order = await locked(context, 'ServiceRequest', review.coordination.focus);
  if (order.status === 'active') shown.push(versioned(await put(context, { ...order, status: 'completed' })));
  const started = await put(context, {
    ...delivery,
    status: 'in-progress',
    lastModified: review.at.toISOString(),
    executionPeriod: { start: review.at.toISOString() },
    output: [...(delivery.output ?? []), output('document', issued.document)],
  });
  const moved = await moveCoordination(review, {
    status: 'completed',
    business: 'REPORT_READY',
    outputs: [output('document', issued.document)],
  });
  await recordRelease(review, delivery, issued, [versioned(started), versioned(moved), ...shown]);
}

/** Who released what, by the software that printed it: the report and the bytes of its PDF are bound to each other. */
export async function recordRelease(
  { context }: Review,
  delivery: Kept<'Task'>,
  issued: { document: Pointer; report: Kept<'DiagnosticReport'>; pdf: Uint8Array },
  others: Pointer[],
): Promise<void> {
  const { conclusion, conclusionCode, identifier, status, issued: at } = issued.report;
  const said = { conclusion, conclusionCode, identifier, status, at, document: issued.document.reference };
  const pdf = createHash('sha256').update(issued.pdf).digest('hex');
  const signature = await signatureOf(asServer(context), 'release', delivery, { ...said, pdf });
  await recordProvenance(context, {
    act: 'release',
    operation: 'UPDATE',
    targets: [versioned(issued.report), issued.document, ...others],
    signed: { act: 'release', step: delivery, signature },
  });
}

/** Takes the label that withholds from the patient off everything that the report rests on. */
export async function showResults(review: Review, report: Kept<'DiagnosticReport'>): Promise<Pointer[]> {
  const { context, coordination } = review;
  const shown: Pointer[] = [];
  for (const reference of report.result ?? []) {
    const observation = await locked(context, 'Observation', reference);
    const status = observation.status === 'preliminary' ? 'final' : observation.status;
    shown.push(versioned(await put(context, withoutLabel({ ...observation, status }))));
  }
  for (const { link } of report.media ?? []) {
    const media = await locked(context, 'Media', link);
    shown.push(versioned(await put(context, withoutLabel(media))));
  }
  for (const { valueReference } of outputsOf(coordination, 'medication')) {
    if (idIn(valueReference, 'MedicationRequest') === undefined) continue;
    const proposal = await locked(context, 'MedicationRequest', valueReference);
    const status = proposal.status === 'draft' ? 'active' : proposal.status;
    shown.push(versioned(await put(context, withoutLabel({ ...proposal, status }))));
  }
  return shown;
}

export function withoutLabel<Resource extends Kept<'Observation' | 'Media' | 'MedicationRequest' | 'DiagnosticReport'>>(
  resource: Resource,
): Resource {
  const { meta, ...rest } = resource;
  const shown = released(meta);
  return { ...rest, ...(shown && { meta: shown }) } as Resource;
}

/** The report could not be made: nothing is released, and a fresh approval waits, with the reason on the failed step. */
export async function failIssue(context: WriteContext, delivery: Kept<'Task'>, reason: ReviewReason): Promise<void> {
  const review = await reviewOf(context, delivery);
  // requested -> failed is no legal move: the step was begun, and ended.
  const begun = await put(context, { ...delivery, status: 'in-progress', lastModified: review.at.toISOString() });
  const failed = await put(context, ended(review, begun, 'failed', reasonConcept(reason)));
  const again = await create(
    context,
    stepTask(review.coordination, {
      code: 'release-approval',
      at: review.at,
      priority: delivery.priority,
      ...(amendmentOf(delivery) && { input: [input('amended-by', amendmentOf(delivery)!)] }),
    }),
  );
  await recordProvenance(context, {
    act: 'issue-failed',
    operation: 'UPDATE',
    targets: [failed, again].map(versioned),
  });
}

/** The message was handed over, could not be, or there was nowhere to send it: the delivery step ends. */
export async function endDelivery(
  context: WriteContext,
  delivery: Kept<'Task'>,
  end: { status: 'completed' | 'failed' | 'cancelled'; reason?: ReviewReason; message: Pointer },
): Promise<void> {
  const review = await reviewOf(context, delivery);
  const done = ended(review, delivery, end.status, end.reason && reasonConcept(end.reason));
  await put(context, { ...done, output: [...(done.output ?? []), output('message', end.message)] });
}

/** The delivery step if it is still waiting for its PDF, locked; undefined if that was made already. */
export async function waitingDelivery(context: WriteContext, taskId: string): Promise<Kept<'Task'> | undefined> {
  const step = await lockedStep(context, taskId);
  return stepOf(step.code) === 'report-delivery' && step.status === 'requested' ? step : undefined;
}

/**
 * The `ai-inference` step: a doctor starts it or goes on without it; the worker takes it, completes it or
 * lets it fail. Each function is one transition with all that it writes (docs/workflow.md).
 */
import type { CodeableConcept, Task, TaskOutput } from '@medplum/fhirtypes';
import { choose, imagesOfStudy, type StudyImage } from '../analysis/images-to-read.ts';
import { placesOf } from '../analysis/registry/registered-model.ts';
import type { Job } from '../jobs.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { reasonConcept, type ReviewReason } from '../vocabulary/review-codes.ts';
import { findingConcept } from '../vocabulary/scan-findings.ts';
import { aiResultsOf, leadingLast } from './ai-results.ts';
import { imageInput, imagesOfReview, leftOut, namedImages, studyUidOfReview, withNotes } from './images-of-step.ts';
import { recordProvenance } from './provenance.ts';
import { aiInputs, input, inputOf, output, outputOf, stepTask } from './review-tasks.ts';
import { type Pointer, referenceTo } from '../r4/pointer.ts';
import {
  ended,
  isBeforeReading,
  lockedStep,
  moveCoordination,
  nextVersionOf,
  openSteps,
  type Review,
  reviewOf,
} from './review.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';

/** Task.priority (FHIR request-priority) as the queue's: what is urgent overtakes, in the queue and before the model. */
const jobPriorities = { routine: 0, urgent: 3, asap: 6, stat: 10 } as const;

export type Priority = keyof typeof jobPriorities;

/** The job that an `ai-inference` step owes. */
export function analysisJob(step: Task): Job {
  return {
    kind: 'analyze',
    key: step.id!,
    data: { task: step.id! },
    priority: jobPriorities[step.priority ?? 'routine'],
  };
}

/**
 * A doctor asks for the analysis: the job is owed when this transaction commits.
 *
 * @throws Problem `conflict` while the model is switched off, or without an image that the AI is for: the step stays as it is.
 */
export async function startAnalysis(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  // The registry and not the classifier of this process, which may have none.
  const { models } = context.stores;
  const { active } = placesOf(await models.all(), await models.changes());
  if ('off' in active && active.switchedOff) {
    throw new Problem('conflict', 'The AI is switched off at the moment. Wait, or go on without it.');
  }
  await mustHaveEligible(review, step);
  await context.stores.jobs.enqueue(analysisJob(step));
  const moved = coordination.status === 'received' ? await moveCoordination(review, { status: 'accepted' }) : undefined;
  await recordProvenance(context, {
    act: 'analyze',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...(moved ? [versioned(moved)] : [])],
  });
  return step;
}

/** @throws Problem `conflict` saying why the AI is for none of the images. */
async function mustHaveEligible({ context, coordination }: Review, step: Task): Promise<void> {
  if (namedImages(step).length > 0) return; // they were chosen for it
  const images = await imagesOfReview(context, coordination);
  if (images.some(({ refusal }) => !refusal)) return;
  throw new Problem('conflict', `The AI is not for this study: ${whyNot(images).text}. Go on without it.`, {
    expression: 'Task.status',
  });
}

/**
 * A doctor goes on without an AI result. A run under way finds its step cancelled and writes nothing. Where the doctor's
 * step is open already, only the analysis of late images ends.
 */
export async function skipAnalysis(review: Review, step: Task): Promise<Task> {
  const verification =
    review.status === 'PENDING_AI' ? await openVerification(review, step, { business: 'AI_SKIPPED' }) : undefined;
  await review.context.stores.lateImages.takeCare(review.coordination.id, step.id!);
  await recordProvenance(review.context, {
    act: 'skip',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...(verification ? [versioned(review.coordination), versioned(verification)] : [])],
  });
  return { ...step, executionPeriod: { ...step.executionPeriod, end: review.at.toISOString() } };
}

/** The AI is for none of the images: the step is cancelled with the coded reason, and the doctor's step opens. */
export async function skipNotEligible(
  review: Review,
  step: Kept<'Task'>,
  images: readonly StudyImage[],
): Promise<void> {
  const { context } = review;
  const skipped = await put(context, ended(review, step, 'cancelled', whyNot(images)));
  const verification =
    review.status === 'PENDING_AI' ? await openVerification(review, step, { business: 'AI_SKIPPED' }) : undefined;
  await context.stores.lateImages.takeCare(review.coordination.id, step.id);
  await recordProvenance(context, {
    act: 'not-eligible',
    operation: 'UPDATE',
    targets: [skipped, review.coordination, verification].flatMap((one) => (one ? [versioned(one)] : [])),
  });
}

/** `not-eligible`, with the codes that say why (PS3.3 elements behind them: analysis/eligible.ts). */
function whyNot(images: readonly StudyImage[]): CodeableConcept {
  const refusals = [...new Set(images.flatMap(({ refusal }) => refusal ?? []))].map(findingConcept);
  const codings = refusals.flatMap(({ coding }) => coding ?? []);
  const texts = codings.flatMap(({ display }) => display ?? []);
  return {
    coding: [...reasonConcept('not-eligible').coding!, ...codings],
    text: images.length === 0 ? 'The study has no image' : texts.join('; '),
  };
}

/** The analyses of a review that nobody waits for any more are cancelled. */
export async function endAnalyses(review: Review, why: string): Promise<void> {
  for (const step of await openSteps(review, 'ai-inference')) {
    await put(review.context, ended(review, step, 'cancelled', { text: why }));
    await review.context.stores.lateImages.takeCare(review.coordination.id, step.id);
  }
}

/**
 * The worker takes the step: in-progress with a lease. The lease is its fence: only a result that finds this very lease
 * is written, so a worker that was given up for dead cannot overwrite its successor.
 *
 * @returns undefined if there is nothing to do any more (completed, cancelled, rejected).
 */
export async function takeAnalysis(
  context: WriteContext,
  taskId: string,
  device: Pointer | undefined,
): Promise<Kept<'Task'> | undefined> {
  const standing = await lockedStep(context, taskId);
  if (standing.status !== 'accepted' && standing.status !== 'in-progress') return undefined;
  const review = await reviewOf(context, standing);
  const step = await withImages(review, standing);
  if (!step) return undefined;
  if (review.status === 'PENDING_AI' && review.coordination.status !== 'in-progress')
    await moveCoordination(review, { status: 'in-progress' });
  const seconds = leaseSeconds(namedImages(step).length);
  return put(context, {
    ...step,
    status: 'in-progress',
    ...(device && { owner: device }),
    lastModified: review.at.toISOString(),
    executionPeriod: { start: review.at.toISOString() },
    restriction: { period: { end: new Date(review.at.getTime() + seconds * 1000).toISOString() } },
  });
}

/** Longer than decoding and inference may take together, both of which end themselves. */
export function leaseSeconds(images: number): number {
  return 120 + 30 * Math.max(0, images - 1);
}

/**
 * The step with the images that it reads: chosen when it is first taken, under the lock of the review, so that each image
 * of the study is either read by it or late. Undefined if there is none any more: the step is ended then.
 */
async function withImages(review: Review, step: Kept<'Task'>): Promise<Kept<'Task'> | undefined> {
  if (namedImages(step).length > 0) return step;
  const { stores, world } = review.context;
  const images = await imagesOfReview(review.context, review.coordination);
  const { SOPInstanceUIDs, eligible, notFor } = choose(images, world.settings.aiMostImages);
  if (SOPInstanceUIDs.length === 0) {
    await skipNotEligible(review, step, images);
    return undefined;
  }
  await stores.lateImages.takeCare(review.coordination.id, step.id);
  return {
    ...step,
    input: [...(step.input ?? []), ...SOPInstanceUIDs.map(imageInput)],
    ...withNotes(review, step, leftOut(SOPInstanceUIDs.length, eligible, notFor)),
  };
}

/** @returns the step if it is still the version that this worker took; undefined if the result comes too late. */
export async function stillTaken(context: WriteContext, taken: Kept<'Task'>): Promise<Kept<'Task'> | undefined> {
  const step = await lockedStep(context, taken.id);
  return isStillTaken(step, taken) ? step : undefined;
}

/** Its lease tells, not its version: a merge of patients writes the step too, and the analysis under way goes on. */
export function isStillTaken(step: Task | undefined, taken: Task): boolean {
  return (
    step?.status === 'in-progress' &&
    step.executionPeriod?.start === taken.executionPeriod?.start &&
    step.restriction?.period?.end === taken.restriction?.period?.end
  );
}

export interface AnalysisResult {
  /** As stored, in the order in which the images were read. */
  findings: Kept<'Observation'>[];
  media: Pointer[];
  device: Pointer;
  priority?: Priority;
  sources: Pointer[];
  /** What could not be read. */
  notes: string[];
}

/**
 * The results are there: the step ends, the report names them, and the doctor's step opens. If that is open already (the
 * images came late), it gets them as further inputs.
 */
export async function completeAnalysis(
  context: WriteContext,
  step: Kept<'Task'>,
  result: AnalysisResult,
): Promise<void> {
  const review = await reviewOf(context, step);
  const fresh = result.findings.map((finding) => output('ai-finding', referenceTo(finding)));
  const outputs = leadingLast([...(await aiResultsOf(review)), ...result.findings]);
  const report = await locked(context, 'DiagnosticReport', outputOf(review.coordination, 'report'));
  const done = await put(context, {
    ...ended(review, step, 'completed'),
    ...withNotes(review, step, result.notes),
    output: [...(step.output ?? []), ...fresh],
  });
  const pictures = result.media.map((link) => ({ comment: 'AI heat map, not for diagnosis', link }));
  const partial = await put(context, {
    ...report,
    status: report.status === 'registered' ? 'partial' : report.status,
    result: [...(report.result ?? []), ...result.findings.map(referenceTo)],
    ...(pictures.length > 0 && { media: [...(report.media ?? []), ...pictures] }),
  });
  const verification = await tellDoctor(review, step, {
    outputs,
    ...(result.priority && { priority: result.priority }),
  });
  await recordProvenance(context, {
    act: 'analyze',
    operation: 'UPDATE',
    targets: [
      ...result.findings.map(referenceTo),
      ...[done, partial, review.coordination, verification].map(versioned),
    ],
    sources: result.sources,
    device: result.device,
  });
  await analyzeLate(review);
}

async function tellDoctor(
  review: Review,
  step: Task,
  { outputs, priority }: { outputs: TaskOutput[]; priority?: Priority },
): Promise<Kept<'Task'>> {
  if (review.status === 'PENDING_AI')
    return openVerification(review, step, { business: 'AI_ANALYZED', outputs, ...(priority && { priority }) });
  const [verification] = await openSteps(review, 'physician-verification');
  if (!verification || !isBeforeReading(review.status))
    throw new Problem('conflict', `The review is ${review.status} already.`);
  await moveCoordination(review, { outputs, ...(review.status === 'AI_SKIPPED' && { business: 'AI_ANALYZED' }) });
  const known = new Set(outputs.map(({ valueReference }) => valueReference?.reference));
  const others = (verification.input ?? []).filter(({ valueReference }) => !known.has(valueReference?.reference));
  const standing = verification.priority ?? 'routine';
  return put(review.context, {
    ...verification,
    priority: jobPriorities[priority ?? 'routine'] > jobPriorities[standing] ? priority! : standing,
    lastModified: review.at.toISOString(),
    input: [...others, ...aiInputs(outputs)],
  });
}

/** The analysis cannot be done: the step fails with a coded reason, a fresh one waits for the doctor's decision. */
export async function failAnalysis(context: WriteContext, step: Kept<'Task'>, reason: ReviewReason): Promise<void> {
  const review = await reviewOf(context, step);
  const failed = await put(context, ended(review, step, 'failed', reasonConcept(reason)));
  // The first analysis chooses anew when it is taken; one of late images is about these again.
  const images = review.status === 'PENDING_AI' ? [] : namedImages(step);
  const again = await create(
    context,
    stepTask(review.coordination, {
      code: 'ai-inference',
      at: review.at,
      input: [input('retry-of', referenceTo(failed)), ...images.map(imageInput)],
    }),
  );
  const moved = await moveCoordination(review, {});
  await recordProvenance(context, {
    act: 'analysis-failed',
    operation: 'UPDATE',
    targets: [failed, again, moved].map(versioned),
  });
  await analyzeLate(review);
}

/**
 * Images that came after an analysis had begun, or after none was made, and before the reading: those that the AI is for
 * are owed a further analysis, of them alone, as soon as the study is complete. It waits for the doctor where nobody has
 * asked for the AI on this study, nor for all.
 */
export async function analyzeLate(review: Review): Promise<void> {
  const { context, coordination } = review;
  const { stores, world } = context;
  if (!isBeforeReading(review.status)) return;
  const unread = await stores.lateImages.unread(coordination.id);
  const StudyInstanceUID = unread.length === 0 ? undefined : await studyUidOfReview(stores, coordination);
  if (StudyInstanceUID === undefined || (await stores.studies.growth(StudyInstanceUID)).growing) return;
  const images = await imagesOfStudy(stores.studies, StudyInstanceUID, unread);
  const { SOPInstanceUIDs, eligible, notFor } = choose(images, world.settings.aiMostImages);
  if (SOPInstanceUIDs.length === 0) return stores.lateImages.takeCare(coordination.id, 'not-eligible');
  const automatic = world.settings.analyzeOnArrival || outputOf(coordination, 'ai-finding') !== undefined;
  const wanted = stepTask(coordination, {
    code: 'ai-inference',
    at: review.at,
    input: SOPInstanceUIDs.map(imageInput),
  });
  const step = await create(context, {
    ...wanted,
    status: automatic ? 'accepted' : 'requested',
    ...withNotes(review, wanted, leftOut(SOPInstanceUIDs.length, eligible, notFor)),
  });
  await stores.lateImages.takeCare(coordination.id, step.id);
  if (automatic) await stores.jobs.enqueue(analysisJob(step));
  await recordProvenance(context, { act: 'analyze-late', operation: 'CREATE', targets: [versioned(step)] });
}

/** The study is complete: its first analysis begins without a doctor, or is not made because the AI is for none of its images. */
export async function beginAnalysis(review: Review): Promise<void> {
  const { context } = review;
  const [step] = await openSteps(review, 'ai-inference');
  if (step?.status !== 'requested') return;
  const images = await imagesOfReview(context, review.coordination);
  if (images.every(({ refusal }) => refusal)) return skipNotEligible(review, step, images);
  // A failed one waits for the doctor's decision.
  if (!context.world.settings.analyzeOnArrival || inputOf(step, 'retry-of')) return;
  const accepted = await put(context, { ...step, status: 'accepted', lastModified: review.at.toISOString() });
  await context.stores.jobs.enqueue(analysisJob(accepted));
  const moved = await moveCoordination(review, review.coordination.status === 'received' ? { status: 'accepted' } : {});
  await recordProvenance(context, {
    act: 'analyze',
    operation: 'UPDATE',
    targets: [accepted, moved].map(versioned),
  });
}

/**
 * The doctor's step, and the coordination Task that says so. What the AI found raises the step's priority, never lowers
 * it; the coordination Task keeps its own, because the patient can read it before anything is released.
 */
async function openVerification(
  review: Review,
  from: Task,
  change: { business: 'AI_ANALYZED' | 'AI_SKIPPED'; outputs?: TaskOutput[]; priority?: Priority },
): Promise<Kept<'Task'>> {
  if (review.status !== 'PENDING_AI') throw new Problem('conflict', `The review is ${review.status} already.`);
  const { priority: raised = 'routine', ...moved } = change;
  const ordered = from.priority ?? 'routine';
  await moveCoordination(review, { ...moved, status: 'in-progress' });
  const verification = stepTask(review.coordination, {
    code: 'physician-verification',
    at: review.at,
    input: aiInputs(change.outputs),
    priority: jobPriorities[raised] > jobPriorities[ordered] ? raised : ordered,
  });
  return create(review.context, verification);
}

/**
 * The `ai-inference` step: a doctor starts it or goes on without it; the worker takes it, completes it or
 * lets it fail. Each function is one transition with all that it writes (docs/workflow.md).
 */
import type { Task, TaskOutput } from '@medplum/fhirtypes';
import { placesOf } from '../analysis/registry/registered-model.ts';
import type { Job } from '../jobs.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { reasonConcept, type ReviewReason } from '../vocabulary/review-codes.ts';
import { recordProvenance } from './provenance.ts';
import { input, output, outputOf, stepTask } from './review-tasks.ts';
import { type Pointer, pointer, referenceTo } from '../r4/pointer.ts';
import { moveCoordination, nextVersionOf, type Review, reviewOf } from './review.ts';
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
 * @throws Problem `conflict` while the model is switched off: the step stays as it is.
 */
export async function startAnalysis(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  // The registry and not the classifier of this process, which may have none.
  const { models } = context.stores;
  const { active } = placesOf(await models.all(), await models.changes());
  if ('off' in active && active.switchedOff) {
    throw new Problem('conflict', 'The AI is switched off at the moment. Wait, or go on without it.');
  }
  await context.stores.jobs.enqueue(analysisJob(step));
  const moved = coordination.status === 'received' ? await moveCoordination(review, { status: 'accepted' }) : undefined;
  await recordProvenance(context, {
    act: 'analyze',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...(moved ? [versioned(moved)] : [])],
  });
  return step;
}

/** A doctor goes on without an AI result. A run under way finds its step cancelled and writes nothing. */
export async function skipAnalysis(review: Review, step: Task): Promise<Task> {
  const verification = await openVerification(review, step, { business: 'AI_SKIPPED' });
  await recordProvenance(review.context, {
    act: 'skip',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), versioned(review.coordination), versioned(verification)],
  });
  return { ...step, executionPeriod: { ...step.executionPeriod, end: review.at.toISOString() } };
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
  lease: { device?: Pointer; seconds: number },
): Promise<Kept<'Task'> | undefined> {
  const step = await locked(context, 'Task', { reference: `Task/${taskId}` });
  if (step.status !== 'accepted' && step.status !== 'in-progress') return undefined;
  const review = await reviewOf(context, step);
  if (review.coordination.status !== 'in-progress') await moveCoordination(review, { status: 'in-progress' });
  return put(context, {
    ...step,
    status: 'in-progress',
    ...(lease.device && { owner: lease.device }),
    lastModified: review.at.toISOString(),
    executionPeriod: { start: review.at.toISOString() },
    restriction: { period: { end: new Date(review.at.getTime() + lease.seconds * 1000).toISOString() } },
  });
}

/** @returns the step if it is still the version that this worker took; undefined if the result comes too late. */
export async function stillTaken(context: WriteContext, taken: Kept<'Task'>): Promise<Kept<'Task'> | undefined> {
  const step = await locked(context, 'Task', referenceTo(taken));
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

/** The result is there: the step ends, the report becomes partial, the doctor's step opens. */
export async function completeAnalysis(
  context: WriteContext,
  step: Kept<'Task'>,
  result: { finding: Pointer; media?: Pointer; device: Pointer; priority?: Priority; sources: Pointer[] },
): Promise<void> {
  const review = await reviewOf(context, step);
  const report = await locked(context, 'DiagnosticReport', outputOf(review.coordination, 'report'));
  const outputs: TaskOutput[] = [output('ai-finding', result.finding)];
  const done = await put(context, {
    ...ended(review, step),
    status: 'completed',
    output: [...(step.output ?? []), ...outputs],
  });
  const partial = await put(context, {
    ...report,
    status: 'partial',
    result: [...(report.result ?? []), result.finding],
    ...(result.media && { media: [{ comment: 'AI heat map, not for diagnosis', link: result.media }] }),
  });
  const verification = await openVerification(review, step, {
    business: 'AI_ANALYZED',
    outputs,
    ...(result.priority && { priority: result.priority }),
  });
  await recordProvenance(context, {
    act: 'analyze',
    operation: 'UPDATE',
    targets: [result.finding, ...[done, partial, review.coordination, verification].map(versioned)],
    sources: result.sources,
    device: result.device,
  });
}

/** The analysis cannot be done: the step fails with a coded reason, a fresh one waits for the doctor's decision. */
export async function failAnalysis(context: WriteContext, step: Kept<'Task'>, reason: ReviewReason): Promise<void> {
  const review = await reviewOf(context, step);
  const failed = await put(context, { ...ended(review, step), status: 'failed', statusReason: reasonConcept(reason) });
  const again = await create(
    context,
    stepTask(review.coordination, {
      code: 'ai-inference',
      at: review.at,
      input: [input('retry-of', referenceTo(failed))],
    }),
  );
  const moved = await moveCoordination(review, {});
  await recordProvenance(context, {
    act: 'analysis-failed',
    operation: 'UPDATE',
    targets: [failed, again, moved].map(versioned),
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
    input: (change.outputs ?? [])
      .flatMap((item) => pointer(item.valueReference) ?? [])
      .map((found) => input('ai-finding', found)),
    priority: jobPriorities[raised] > jobPriorities[ordered] ? raised : ordered,
  });
  return create(review.context, verification);
}

function ended(review: Review, step: Kept<'Task'>): Kept<'Task'> {
  const { restriction: _lease, ...rest } = step;
  return {
    ...rest,
    lastModified: review.at.toISOString(),
    executionPeriod: { ...step.executionPeriod, end: review.at.toISOString() },
  };
}

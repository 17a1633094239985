import type { CodeableConcept, Reference, Task, TaskOutput } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { everything } from '../access/narrowing.ts';
import { searchOwn } from '../records/own-search.ts';
import { type ReviewStatus, type ReviewStep, statusConcept, statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { withOutputs } from './review-tasks.ts';
import { type Kept, locked, put } from '../records/server-write.ts';
import { isEnded, taskMoves, type TaskStatus, wayTo } from './task-moves.ts';

/** A review in the hands of one transaction: its coordination Task is locked. */
export interface Review {
  context: WriteContext;
  coordination: Kept<'Task'>;
  status: ReviewStatus;
  at: Date;
}

/** The review that a step belongs to, locked. @throws Problem `conflict` if its parts are not there. */
export function reviewOf(context: WriteContext, step: Task): Promise<Review> {
  return reviewAt(context, step.partOf?.[0]);
}

/** The review of that coordination Task, locked. @throws Problem `conflict` if it is none, or not there. */
export async function reviewAt(context: WriteContext, reference: Reference | undefined): Promise<Review> {
  const coordination = await locked(context, 'Task', reference);
  const status = statusOf(coordination.businessStatus);
  if (!status) throw new Problem('conflict', 'The review has no known status.', { expression: 'Task.businessStatus' });
  return { context, coordination, status, at: context.world.now() };
}

/**
 * Locks the coordination Task of a step before the step itself is locked. Whoever changes anything of a review holds that
 * first (a sender: the study's lock before it), so that two of them wait for each other and never in a circle.
 */
export async function lockReviewFirst({ stores }: WriteContext, stepId: string): Promise<void> {
  const step = (await stores.records.read('Task', stepId, everything))?.resource as Task | undefined;
  const coordinationId = step && stepOf(step.code) && idIn(step.partOf?.[0], 'Task');
  if (coordinationId !== undefined) await stores.records.lock('Task', coordinationId);
}

/** A step, locked after its review. @throws Problem `conflict` if it is not there. */
export async function lockedStep(context: WriteContext, stepId: string): Promise<Kept<'Task'>> {
  await lockReviewFirst(context, stepId);
  return locked(context, 'Task', { reference: `Task/${stepId}` });
}

/** The steps of a review that are not ended, locked, oldest first; of that code, if one is given. */
export async function openSteps({ context, coordination }: Review, code?: ReviewStep): Promise<Kept<'Task'>[]> {
  const conditions = [
    { parameter: 'part-of', values: [`Task/${coordination.id}`] },
    { parameter: 'status', values: openStatuses },
    ...(code ? [{ parameter: 'code', values: [`${systems.reviewStep}|${code}`] }] : []),
  ];
  const sort = [{ parameter: 'authored-on', descending: false }];
  const { found } = await searchOwn(context.stores, 'Task', conditions, { count: 100, sort });
  const steps: Kept<'Task'>[] = [];
  for (const step of found) steps.push(await locked(context, 'Task', referenceTo(step)));
  return steps;
}

/** A step as it ends now; without a lease, so that whoever works for it finds it ended. */
export function ended(
  { at }: Pick<Review, 'at'>,
  step: Kept<'Task'>,
  status: 'completed' | 'failed' | 'cancelled',
  statusReason?: CodeableConcept,
): Kept<'Task'> {
  const { restriction: _lease, ...rest } = step;
  return {
    ...rest,
    status,
    ...(statusReason && { statusReason }),
    lastModified: at.toISOString(),
    executionPeriod: { ...step.executionPeriod, end: at.toISOString() },
  };
}

/** A doctor has the study to read, for the first time or again. */
export function isBeforeReading(status: ReviewStatus): boolean {
  return status === 'AI_ANALYZED' || status === 'AI_SKIPPED' || status === 'RETURNED';
}

const openStatuses = Object.keys(taskMoves).filter((status) => !isEnded(status as TaskStatus));

/** What changes on the coordination Task in one transition. */
export interface Advance {
  status?: TaskStatus;
  business?: ReviewStatus;
  statusReason?: Task['statusReason'];
  outputs?: TaskOutput[];
}

/**
 * Advances the coordination Task. Where the legal way to the new status has a stop between, that is written
 * as a version of its own, so that the history holds legal moves only.
 */
export async function moveCoordination(review: Review, change: Advance): Promise<Kept<'Task'>> {
  const stops = change.status ? wayTo(review.coordination.status, change.status) : [];
  for (const stop of stops.slice(0, -1)) {
    review.coordination = await put(review.context, stamped(review, { ...review.coordination, status: stop }));
  }
  const { coordination } = review;
  review.coordination = await put(
    review.context,
    stamped(review, {
      ...coordination,
      status: stops.at(-1) ?? coordination.status,
      ...(change.business && { businessStatus: statusConcept(change.business) }),
      ...(change.statusReason && { statusReason: change.statusReason }),
      ...(change.outputs && { output: withOutputs(coordination, change.outputs) }),
    }),
  );
  if (change.business) review.status = change.business;
  return review.coordination;
}

function stamped(review: Review, task: Kept<'Task'>): Kept<'Task'> {
  return { ...task, lastModified: review.at.toISOString() };
}

/** The version that the step under way will be: it is locked, so the next number is its own. */
export function nextVersionOf(step: Task): Pointer {
  return { reference: `Task/${step.id}/_history/${Number(step.meta?.versionId ?? 0) + 1}` };
}

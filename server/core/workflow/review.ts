import type { Reference, Task, TaskOutput } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { type ReviewStatus, statusConcept, statusOf } from '../vocabulary/review-codes.ts';
import type { Pointer } from '../r4/pointer.ts';
import { withOutputs } from './review-tasks.ts';
import { type Kept, locked, put } from '../records/server-write.ts';
import { type TaskStatus, wayTo } from './task-moves.ts';

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

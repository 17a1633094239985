import type { Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';

export type TaskStatus = Task['status'];

/**
 * Which `Task.status` may follow which (after the state diagram of FHIR R4 task.html#statemachine). The end
 * states lead nowhere but to `entered-in-error`. Staying in a state is always possible.
 */
export const taskMoves: Record<TaskStatus, readonly TaskStatus[]> = {
  draft: ['requested', 'cancelled'],
  requested: ['received', 'accepted', 'rejected', 'ready', 'in-progress', 'cancelled'],
  received: ['accepted', 'rejected', 'cancelled'],
  accepted: ['in-progress', 'cancelled'],
  ready: ['in-progress', 'cancelled'],
  'in-progress': ['on-hold', 'completed', 'failed', 'cancelled'],
  'on-hold': ['in-progress', 'failed', 'cancelled'],
  rejected: ['entered-in-error'],
  completed: ['entered-in-error'],
  failed: ['entered-in-error'],
  cancelled: ['entered-in-error'],
  'entered-in-error': [],
};

/** No further work follows on a Task in one of these. */
export function isEnded(status: TaskStatus): boolean {
  return ['rejected', 'completed', 'failed', 'cancelled', 'entered-in-error'].includes(status);
}

/** @throws Problem `conflict` naming the statuses that may follow. */
export function checkMove(from: TaskStatus, to: TaskStatus): void {
  if (from === to || taskMoves[from].includes(to)) return;
  const allowed = taskMoves[from].length > 0 ? taskMoves[from].join(', ') : 'none';
  throw new Problem('conflict', `A Task that is ${from} cannot become ${to}; allowed: ${allowed}.`, {
    expression: 'Task.status',
  });
}

/** The statuses to pass through from one to another, the last included: `received` -> `accepted`, `in-progress`. */
export function wayTo(from: TaskStatus, to: TaskStatus): TaskStatus[] {
  if (from === to) return [];
  if (!taskMoves[from].includes(to) && taskMoves[from].includes('accepted'))
    return ['accepted', ...wayTo('accepted', to)];
  checkMove(from, to);
  return [to];
}

import type { Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Rule } from '../records/rules.ts';
import type { WriteContext } from '../world.ts';
import { isReviewTask } from './records-of-review.ts';
import { skipAnalysis, startAnalysis } from './analysis-step.ts';
import { carryDecision, decisionOf } from './identity-check.ts';
import { type ReviewStatus, type ReviewStep, statusOf, stepOf } from '../vocabulary/review-codes.ts';
import { drop, reword } from './reword.ts';
import { prescribe } from './prescribe.ts';
import { type Review, reviewOf } from './review.ts';
import { approve } from './release.ts';
import { performers, type ReviewAct, transitionFor, transitions } from './scan-review.ts';
import { acceptChange, hasReason, saysTheSame } from './step-change.ts';
import { checkMove, isEnded, type TaskStatus } from './task-moves.ts';
import { reject, sendBack } from './turn-back.ts';
import { verify } from './verify.ts';

/** What a person's change of a step's status means. `note`: nothing moves; `hold`: put aside. */
type Meaning = StepAct | 'claim' | 'hold' | 'note' | 'decide';

/**
 * The rule for every write of a Task, whoever sends it and however: a plain FHIR PUT or PATCH by any EHR, a
 * Bundle, our own button, the worker. Tasks that belong to no review pass unchanged.
 *
 * @throws Problem `forbidden` (role, another's claim, a Task that only the server writes), `conflict` (state),
 * `business-rule` (content); see docs/workflow.md for the table.
 */
export const advance: Rule<WriteContext> = async ({ context, before, after }) => {
  const standing = before as Task | undefined;
  const sent = after as Task;
  if (!isReviewTask(sent) && !(standing && isReviewTask(standing))) return { resource: after };
  if (context.principal.kind === 'system') return { resource: checkedServerWrite(standing, sent) };
  if (!standing) throw new Problem('forbidden', 'Tasks of a review are made by the server.');
  const code = stepOf(standing.code);
  if (!code) throw new Problem('forbidden', 'This Task follows its steps; write the step Task instead.');
  const step = await advanceStep(context, code, standing, sent);
  const isDecided = code === 'identity-check' && !isEnded(standing.status) && step.status === 'completed';
  return { resource: step, ...(isDecided && { afterwards: () => carryDecision(context, step) }) };
};

/** The server's own writes bypass roles, never the tables. */
function checkedServerWrite(before: Task | undefined, after: Task): Task {
  if (!before) return after;
  checkMove(before.status, after.status);
  const [from, to] = [statusOf(before.businessStatus), statusOf(after.businessStatus)];
  if (from && to && !leadsTo(from, to)) throw new Problem('conflict', `A review that is ${from} cannot become ${to}.`);
  return after;
}

function leadsTo(from: ReviewStatus, to: ReviewStatus): boolean {
  // Any review may turn out to be in error, whatever it has come to.
  return from === to || to === 'RETRACTED' || Object.values(transitions[from]).some((row) => row.to === to);
}

async function advanceStep(context: WriteContext, code: ReviewStep, before: Task, sent: Task): Promise<Task> {
  const { principal } = context;
  const adminHolds = principal.role === 'admin' && sent.status === 'on-hold';
  if (principal.role === undefined || (principal.role !== performers[code] && !adminHolds)) {
    throw new Problem('forbidden', `The step ${code} is for the role ${performers[code] ?? 'of the server'}.`);
  }
  if (principal.fhirUser === undefined) throw new Problem('forbidden', 'The account has no FHIR resource of its own.');
  if (saysTheSame(before, sent, principal)) return before;
  if (isEnded(before.status))
    throw new Problem('conflict', `The step is ${before.status} already.`, { expression: 'Task.status' });

  const step = acceptChange(before, sent, code, principal, context.world.now());
  checkMove(before.status, step.status);
  const meaning = meaningOf(code, before.status, step.status);
  checkOwner(code, before, meaning, principal.fhirUser, adminHolds);
  if (needsReason(step.status) && !hasReason(step)) {
    throw new Problem('business-rule', `A step that becomes ${step.status} needs a reason.`, {
      expression: 'Task.statusReason',
    });
  }
  if (meaning === 'note' || meaning === 'hold') return step;
  if (code === 'identity-check') return checkedIdentity(context, step, meaning, principal.fhirUser);
  const review = await reviewOf(context, before);
  if (meaning === 'claim') return claimed(step, review, principal.fhirUser);
  if (meaning === 'decide') throw new Problem('conflict', 'Only an identity check is decided.');
  transitionFor(review.status, meaning, principal.role);
  return effects[meaning](review, code === 'ai-inference' ? step : finished(step, review, principal.fhirUser));
}

/** @throws Problem `conflict` for a status that nobody gives this step. */
function meaningOf(code: ReviewStep, from: TaskStatus, to: TaskStatus): Meaning {
  if (from === to) return 'note';
  const meaning = code === 'ai-inference' ? inferenceMeanings[to] : stepMeanings[to];
  if (meaning === undefined) {
    throw new Problem('conflict', `The step ${code} is not made ${to} by people.`, { expression: 'Task.status' });
  }
  if (meaning !== 'end') return meaning;
  if (code === 'identity-check') return decisionMeaning(to);
  return ends[code]![to === 'completed' ? 'done' : 'back'];
}

/** @throws Problem `conflict` for an end without a decision. */
function decisionMeaning(to: TaskStatus): 'decide' {
  if (to === 'completed') return 'decide';
  throw new Problem('conflict', 'An identity check ends by a decision: complete it with an output decision.', {
    expression: 'Task.status',
  });
}

/** A check of identity belongs to no review: it is claimed and ended like a step, and what follows comes after it. */
function checkedIdentity({ world }: WriteContext, step: Task, meaning: Meaning, self: string): Task {
  const around = { at: world.now() };
  if (meaning === 'claim') return claimed(step, around, self);
  decisionOf(step);
  return finished(step, around, self);
}

/** What a doctor may say about the analysis; the worker ends it. */
const inferenceMeanings: Partial<Record<TaskStatus, Meaning | 'end'>> = {
  accepted: 'analyze',
  'in-progress': 'analyze',
  cancelled: 'skip',
  rejected: 'reject',
};

const stepMeanings: Partial<Record<TaskStatus, Meaning | 'end'>> = {
  received: 'claim',
  accepted: 'claim',
  ready: 'claim',
  'in-progress': 'claim',
  'on-hold': 'hold',
  completed: 'end',
  // R4 lets a Task be rejected before it is begun, and fail after.
  rejected: 'end',
  failed: 'end',
};

const ends: Partial<Record<ReviewStep, { done: StepAct; back: StepAct }>> = {
  'physician-verification': { done: 'verify', back: 'reject' },
  'pharmacist-review': { done: 'prescribe', back: 'sendBack' },
  'release-approval': { done: 'approve', back: 'sendBack' },
  'report-amendment': { done: 'reword', back: 'drop' },
};

/** What is done by ending a step; the others are operations (docs/workflow.md). */
type StepAct = Exclude<ReviewAct, 'amend' | 'addendum' | 'cancel' | 'retract'>;

const effects: Record<StepAct, (review: Review, step: Task) => Promise<Task>> = {
  analyze: startAnalysis,
  skip: skipAnalysis,
  reject,
  verify,
  prescribe,
  sendBack,
  approve,
  reword,
  drop,
};

function needsReason(status: TaskStatus): boolean {
  return status === 'rejected' || status === 'failed' || status === 'cancelled' || status === 'on-hold';
}

/** Only who claimed a step goes on with it; one that was put on hold may be taken over; an admin may put it there. */
function checkOwner(code: ReviewStep, before: Task, meaning: Meaning, self: string, adminHolds: boolean): void {
  const owner = before.owner?.reference;
  if (code === 'ai-inference' || owner === undefined || owner === self || adminHolds) return;
  if (meaning === 'claim' && before.status === 'on-hold') return;
  throw new Problem('forbidden', 'Another person has claimed this step.', { expression: 'Task.owner' });
}

function claimed(step: Task, review: Pick<Review, 'at'>, self: string): Task {
  return {
    ...step,
    owner: { reference: self },
    executionPeriod: { start: step.executionPeriod?.start ?? review.at.toISOString() },
  };
}

function finished(step: Task, review: Pick<Review, 'at'>, self: string): Task {
  const owned = claimed(step, review, self);
  return { ...owned, executionPeriod: { ...owned.executionPeriod, end: review.at.toISOString() } };
}

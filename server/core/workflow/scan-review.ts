import type { Job } from '../jobs.ts';
import type { Role } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { ReviewStatus, ReviewStep } from '../vocabulary/review-codes.ts';

export type ReviewAct = 'analyze' | 'skip' | 'reject' | 'verify' | 'amend' | 'prescribe' | 'sendBack' | 'approve';

export interface Transition {
  by: Role;
  to: ReviewStatus;
  /** The job that must finish before the new status is reached. */
  after?: Job['kind'];
}

/**
 * The whole review in one table: what may happen in which status, by whom, and where it leads.
 *
 * `skip` goes on without an AI result; `reject` asks for a new image; `sendBack` returns the review to the
 * doctor. A status without a row for an act refuses it whoever asks.
 */
export const transitions: Record<ReviewStatus, Partial<Record<ReviewAct, Transition>>> = {
  PENDING_AI: {
    analyze: { by: 'doctor', to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: 'doctor', to: 'AI_SKIPPED' },
    reject: { by: 'doctor', to: 'REJECTED' },
  },
  // Before the reading images may come late: a further analysis of them is started or done without, like the first.
  AI_ANALYZED: {
    analyze: { by: 'doctor', to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: 'doctor', to: 'AI_ANALYZED' },
    verify: { by: 'doctor', to: 'DOCTOR_VERIFIED' },
    reject: { by: 'doctor', to: 'REJECTED' },
  },
  AI_SKIPPED: {
    analyze: { by: 'doctor', to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: 'doctor', to: 'AI_SKIPPED' },
    verify: { by: 'doctor', to: 'DOCTOR_VERIFIED' },
    reject: { by: 'doctor', to: 'REJECTED' },
  },
  RETURNED: {
    analyze: { by: 'doctor', to: 'RETURNED', after: 'analyze' },
    skip: { by: 'doctor', to: 'RETURNED' },
    verify: { by: 'doctor', to: 'DOCTOR_VERIFIED' },
    reject: { by: 'doctor', to: 'REJECTED' },
  },
  DOCTOR_VERIFIED: {
    amend: { by: 'doctor', to: 'DOCTOR_VERIFIED' },
    prescribe: { by: 'pharmacist', to: 'PHARMACIST_COMPLETED' },
    sendBack: { by: 'pharmacist', to: 'RETURNED' },
  },
  PHARMACIST_COMPLETED: {
    approve: { by: 'admin', to: 'REPORT_READY', after: 'issue-report' },
    sendBack: { by: 'admin', to: 'RETURNED' },
  },
  REPORT_READY: {},
  REJECTED: {},
  CANCELLED: {},
  RETRACTED: {},
};

export const reviewActs: readonly ReviewAct[] = [
  'analyze',
  'skip',
  'reject',
  'verify',
  'amend',
  'prescribe',
  'sendBack',
  'approve',
];

/** Who works on a step; the worker's own steps have nobody. */
export const performers: Record<ReviewStep, Role | undefined> = {
  'ai-inference': 'doctor', // starts it; the software performs it
  'physician-verification': 'doctor',
  'pharmacist-review': 'pharmacist',
  'release-approval': 'admin',
  'report-delivery': undefined,
  'report-amendment': 'doctor',
  'identity-check': 'admin',
};

/**
 * The row of the table for an act, if this role may do it now.
 *
 * @throws Problem `forbidden` for the wrong role, `conflict` if the status does not allow the act; the message
 * names what it does allow.
 */
export function transitionFor(status: ReviewStatus, act: ReviewAct, role: Role | undefined): Transition {
  const performer = performerOf(act);
  if (role === undefined || !performer.includes(role)) {
    throw new Problem('forbidden', `Only the role ${performer.join(' or ')} may ${phrases[act]}.`);
  }
  const transition = transitions[status][act];
  if (transition?.by === role) return transition;
  const possible = Object.entries(transitions[status])
    .filter(([, row]) => row.by === role)
    .map(([name]) => name);
  const allowed =
    possible.length > 0 ? `possible for ${role}: ${possible.join(', ')}` : `nothing is possible for ${role}`;
  throw new Problem('conflict', `The review is ${status}: cannot ${phrases[act]}; ${allowed}.`, {
    expression: 'Task.status',
  });
}

/** The roles that have the act anywhere in the table. */
function performerOf(act: ReviewAct): Role[] {
  const rows = Object.values(transitions).flatMap((row) => row[act] ?? []);
  return [...new Set(rows.map(({ by }) => by))];
}

const phrases: Record<ReviewAct, string> = {
  analyze: 'start the analysis',
  skip: 'go on without an AI result',
  reject: 'ask for a new image',
  verify: 'verify the result',
  amend: 'amend the conclusion',
  prescribe: 'complete the pharmacist review',
  sendBack: 'send the review back',
  approve: 'approve the release',
};

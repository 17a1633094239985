import type { Job } from '../jobs.ts';
import type { Role } from '../principal.ts';
import { Problem } from '../problem.ts';
import type { ReviewStatus, ReviewStep } from '../vocabulary/review-codes.ts';

export type ReviewAct =
  | 'analyze'
  | 'skip'
  | 'reject'
  | 'verify'
  | 'amend'
  | 'prescribe'
  | 'sendBack'
  | 'approve'
  | 'addendum'
  | 'reword'
  | 'drop'
  | 'cancel'
  | 'retract';

export interface Transition {
  by: readonly Role[];
  to: ReviewStatus;
  /** The job that must finish before the new status is reached. */
  after?: Job['kind'];
}

/**
 * The whole review in one table: what may happen in which status, by whom, and where it leads.
 *
 * `skip` goes on without an AI result; `reject` asks for a new image; `sendBack` returns the review to the doctor;
 * `amend` takes it back to the doctor who verified. After release: `addendum` opens an amendment, `reword` says what it
 * says, `drop` ends it without, and `prescribe`, `sendBack` and `approve` bring it to its own release, while the
 * released report stays as it is. A status without a row for an act refuses it whoever asks.
 */
export const transitions: Record<ReviewStatus, Partial<Record<ReviewAct, Transition>>> = {
  PENDING_AI: {
    analyze: { by: ['doctor'], to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: ['doctor'], to: 'AI_SKIPPED' },
    reject: { by: ['doctor'], to: 'REJECTED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  // Before the reading images may come late: a further analysis of them is started or done without, like the first.
  AI_ANALYZED: {
    analyze: { by: ['doctor'], to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: ['doctor'], to: 'AI_ANALYZED' },
    verify: { by: ['doctor'], to: 'DOCTOR_VERIFIED' },
    reject: { by: ['doctor'], to: 'REJECTED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  AI_SKIPPED: {
    analyze: { by: ['doctor'], to: 'AI_ANALYZED', after: 'analyze' },
    skip: { by: ['doctor'], to: 'AI_SKIPPED' },
    verify: { by: ['doctor'], to: 'DOCTOR_VERIFIED' },
    reject: { by: ['doctor'], to: 'REJECTED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  RETURNED: {
    analyze: { by: ['doctor'], to: 'RETURNED', after: 'analyze' },
    skip: { by: ['doctor'], to: 'RETURNED' },
    verify: { by: ['doctor'], to: 'DOCTOR_VERIFIED' },
    reject: { by: ['doctor'], to: 'REJECTED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  DOCTOR_VERIFIED: {
    amend: { by: ['doctor'], to: 'RETURNED' },
    prescribe: { by: ['pharmacist'], to: 'PHARMACIST_COMPLETED' },
    sendBack: { by: ['pharmacist'], to: 'RETURNED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  PHARMACIST_COMPLETED: {
    approve: { by: ['admin'], to: 'REPORT_READY', after: 'issue-report' },
    sendBack: { by: ['admin'], to: 'RETURNED' },
    cancel: { by: ['doctor', 'admin'], to: 'CANCELLED' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  REPORT_READY: {
    addendum: { by: ['doctor', 'admin'], to: 'REPORT_READY' },
    reword: { by: ['doctor'], to: 'REPORT_READY' },
    drop: { by: ['doctor'], to: 'REPORT_READY' },
    prescribe: { by: ['pharmacist'], to: 'REPORT_READY' },
    sendBack: { by: ['pharmacist', 'admin'], to: 'REPORT_READY' },
    approve: { by: ['admin'], to: 'REPORT_READY', after: 'issue-report' },
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  REJECTED: {
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
  CANCELLED: {
    retract: { by: ['doctor', 'admin'], to: 'RETRACTED' },
  },
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
  'addendum',
  'reword',
  'drop',
  'cancel',
  'retract',
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
  if (transition?.by.includes(role)) return transition;
  const possible = Object.entries(transitions[status])
    .filter(([, row]) => row.by.includes(role))
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
  return [...new Set(rows.flatMap(({ by }) => by))];
}

const phrases: Record<ReviewAct, string> = {
  analyze: 'start the analysis',
  skip: 'go on without an AI result',
  reject: 'ask for a new image',
  verify: 'verify the result',
  amend: 'take the reading back',
  prescribe: 'complete the pharmacist review',
  sendBack: 'send the review back',
  approve: 'approve the release',
  addendum: 'amend the released report',
  reword: 'write the amendment',
  drop: 'end the amendment without a change',
  cancel: 'cancel the review',
  retract: 'retract the review',
};

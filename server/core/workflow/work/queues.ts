/** The lists of work, what they are sorted by, and the numbers that are counted of them. */
import type { Role } from '../../principal.ts';
import type { ReviewStep } from '../../vocabulary/review-codes.ts';

export const workQueues = [
  'pending',
  'to-read',
  'verified',
  'all',
  'ended',
  'to-prescribe',
  'prescribed',
  'to-approve',
  'released',
] as const;
export type WorkQueue = (typeof workQueues)[number];

/** Columns of the lists. `priority` is the most urgent last, and of equals the one that waits longest. */
export const workSorts = [
  'scan',
  'patient',
  'status',
  'finding',
  'confidence',
  'uploaded',
  'verified',
  'priority',
  'released',
  'changed',
] as const;
export type WorkSort = (typeof workSorts)[number];

export interface WorkOrder {
  by: WorkSort;
  descending: boolean;
}

/** How a list stands when nobody chose: what waits by urgency, what is done by time. */
export const usualOrder: Record<WorkQueue, WorkOrder> = {
  pending: { by: 'uploaded', descending: false },
  'to-read': { by: 'priority', descending: true },
  verified: { by: 'uploaded', descending: false },
  all: { by: 'uploaded', descending: true },
  ended: { by: 'changed', descending: true },
  'to-prescribe': { by: 'priority', descending: true },
  prescribed: { by: 'changed', descending: true },
  'to-approve': { by: 'priority', descending: true },
  released: { by: 'released', descending: true },
};

/** Beside the queues, of which each can be counted. */
export const workNumbers = [
  'verified-by-me',
  'claimed-by-me',
  'completed-today',
  'normal-due',
  'abnormal-due',
  'patients-awaiting',
  'abnormal-awaiting',
  'submitted-today',
] as const;
export type WorkNumber = (typeof workNumbers)[number] | WorkQueue;

/** The steps that a list is about: the one that a row shows. */
export const stepsOfQueue: Partial<Record<WorkQueue, readonly ReviewStep[]>> = {
  'to-read': ['physician-verification', 'report-amendment'],
  'to-prescribe': ['pharmacist-review'],
  'to-approve': ['release-approval'],
};

/** The steps of a role, in the order in which a row shows one. */
export const stepsOfRole: Partial<Record<Role, readonly ReviewStep[]>> = {
  doctor: ['physician-verification', 'report-amendment', 'ai-inference'],
  pharmacist: ['pharmacist-review'],
  admin: ['release-approval'],
};

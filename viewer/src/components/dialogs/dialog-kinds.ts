/** The dialogs about a review: what each is loaded from, and which step of the review it acts on. */
import type { Task } from '@medplum/fhirtypes';
import type { Component } from 'vue';
import { reviewSteps, type ReviewStep } from '../../api/review/codes.ts';
import { lastStep, openStep, type WorkItem } from '../../api/review/work-item.ts';
import type { Role } from '../../smart/claims.ts';

export const reviewDialogs = [
  'verify',
  'write-amendment',
  'no-amendment',
  'new-image',
  'skip-ai',
  'prescribe',
  'approve',
  'send-back',
  'amend',
  'addendum',
  'cancel',
  'retract',
  'move',
] as const;
export type ReviewDialog = (typeof reviewDialogs)[number];

interface Kind {
  load: () => Promise<{ default: Component }>;
  /** Steps that it may act on, the first that is open counts; undefined for what is done to the whole review. */
  steps?: (role: Role | undefined) => readonly ReviewStep[];
  /** A text that was begun is there again when the dialog is opened once more. */
  keeps?: boolean;
}

const verify = () => import('./verify-dialog.vue');
const refuse = () => import('./refuse-dialog.vue');
const reason = () => import('./reason-dialog.vue');

export const kinds: Record<ReviewDialog, Kind> = {
  verify: { load: verify, steps: () => [reviewSteps.verification], keeps: true },
  'write-amendment': { load: verify, steps: () => [reviewSteps.amendment], keeps: true },
  'no-amendment': { load: refuse, steps: () => [reviewSteps.amendment] },
  'new-image': { load: refuse, steps: () => [reviewSteps.verification, reviewSteps.inference] },
  'skip-ai': { load: refuse, steps: () => [reviewSteps.inference] },
  prescribe: { load: () => import('./prescribe-dialog.vue'), steps: () => [reviewSteps.prescription], keeps: true },
  approve: { load: () => import('./approve-dialog.vue'), steps: () => [reviewSteps.approval], keeps: true },
  'send-back': {
    load: refuse,
    steps: (role) => [role === 'pharmacist' ? reviewSteps.prescription : reviewSteps.approval],
  },
  amend: { load: reason },
  addendum: { load: reason },
  cancel: { load: reason },
  retract: { load: reason },
  move: { load: () => import('./move-dialog.vue') },
};

/** The step that this dialog would act on now; undefined when nobody may act on one any more. */
export function stepFor(kind: ReviewDialog, item: WorkItem, role: Role | undefined): Task | undefined {
  const wanted = kinds[kind].steps?.(role) ?? [];
  return wanted.map((step) => openStep(item, step)).find((step) => step !== undefined);
}

/** The step of that kind that came last, also when it has ended: it says who was faster. */
export function lastStepFor(kind: ReviewDialog, item: WorkItem, role: Role | undefined): Task | undefined {
  const wanted = kinds[kind].steps?.(role) ?? [];
  return wanted.map((step) => lastStep(item, step)).find((step) => step !== undefined);
}

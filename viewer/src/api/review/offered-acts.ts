/** What a person may do with a review in its present state, whether it is known from a row of a list or as records. */
import type { Patient } from '@medplum/fhirtypes';
import type { Role } from '../../smart/claims.ts';
import type { WorkRow } from '../work.ts';
import { reviewSteps, type ReviewStatus, type ReviewStep } from './codes.ts';
import { aiFailure, aiIsRunning, correctionsOf, openStep, type WorkItem } from './work-item.ts';

export interface ReviewState {
  /** Id of the coordination Task. */
  review: string;
  scan: string;
  status: ReviewStatus | undefined;
  /** Steps that are open, with their Task.status. */
  open: ReadonlyMap<ReviewStep, string>;
  /** A released report is being amended. */
  amending: boolean;
  running: boolean;
  failed: boolean;
  hasStudy: boolean;
}

export const mainActs = ['analyze', 'verify', 'write-amendment', 'prescribe', 'approve'] as const;
export type MainAct = (typeof mainActs)[number];
export const rarerActs = [
  'skip-ai',
  'no-amendment',
  'new-image',
  'send-back',
  'amend',
  'addendum',
  'move',
  'cancel',
  'retract',
] as const;
export type RarerAct = (typeof rarerActs)[number];

export interface OfferedActs {
  /** Buttons, the one that is due first. */
  main: MainAct[];
  /** Behind the menu. */
  rarer: RarerAct[];
  /** The report is printed: nothing to do but wait. */
  making: boolean;
}

export function stateOfItem(item: WorkItem): ReviewState {
  const steps = Object.values(reviewSteps).flatMap((step): [ReviewStep, string][] => {
    const open = openStep(item, step);
    return open ? [[step, open.status]] : [];
  });
  return {
    review: item.task.id ?? '',
    scan: item.scanId,
    status: item.status,
    open: new Map(steps),
    amending: openStep(item, reviewSteps.amendment) !== undefined,
    running: aiIsRunning(item),
    failed: aiFailure(item) !== undefined,
    hasStudy: item.study !== undefined,
  };
}

export function stateOfRow(row: WorkRow): ReviewState {
  const open = new Map<ReviewStep, string>();
  if (row.step) open.set(row.step.kind, row.step.status);
  // A row names the step that is for the role of who asks; what others hold follows from the status.
  if (!row.step && row.status === 'DOCTOR_VERIFIED') open.set(reviewSteps.prescription, 'requested');
  if (!row.step && row.status === 'PHARMACIST_COMPLETED') open.set(reviewSteps.delivery, 'requested');
  // The analysis of late images may wait beside the reading, which is the step that the row names.
  if ((row.ai === 'waiting' || row.ai === 'running') && !open.has(reviewSteps.inference))
    open.set(reviewSteps.inference, row.ai === 'waiting' ? 'requested' : 'in-progress');
  return {
    review: row.review,
    scan: row.scan,
    status: row.status,
    open,
    amending: row.reasons.includes('amendment') || open.has(reviewSteps.amendment),
    running: row.ai === 'running',
    failed: row.ai === 'failed',
    hasStudy: row.study.id !== '',
  };
}

/** Only what the server would do, too: a button that is refused teaches nothing. */
export function offeredActs(role: Role | undefined, state: ReviewState): OfferedActs {
  const has = (step: ReviewStep) => state.open.has(step);
  if (role === 'pharmacist') {
    const due = has(reviewSteps.prescription);
    return { main: due ? ['prescribe'] : [], rarer: due ? ['send-back'] : [], making: false };
  }
  if (role === 'admin') {
    const delivery = state.open.get(reviewSteps.delivery);
    // A delivery that is in progress waits for the mail only.
    const making = delivery !== undefined && delivery !== 'in-progress';
    const due = has(reviewSteps.approval);
    return {
      main: due && !making ? ['approve'] : [],
      rarer: [...(due ? (['send-back'] as const) : []), ...corrections(state)],
      making,
    };
  }
  if (role !== 'doctor') return { main: [], rarer: [], making: false };
  const canAnalyze = has(reviewSteps.inference) && !state.running;
  const amendment = has(reviewSteps.amendment);
  const prescription = state.open.get(reviewSteps.prescription);
  return {
    main: [
      ...(canAnalyze ? (['analyze'] as const) : []),
      ...(has(reviewSteps.verification) ? (['verify'] as const) : []),
      ...(amendment ? (['write-amendment'] as const) : []),
    ],
    rarer: [
      ...(canAnalyze ? (['skip-ai'] as const) : []),
      ...(amendment ? (['no-amendment'] as const) : []),
      ...(has(reviewSteps.verification) || canAnalyze ? (['new-image'] as const) : []),
      ...(state.status === 'DOCTOR_VERIFIED' && prescription !== undefined && prescription !== 'in-progress'
        ? (['amend'] as const)
        : []),
      ...corrections(state),
    ],
    making: false,
  };
}

function corrections(state: ReviewState): RarerAct[] {
  const { status, hasStudy } = state;
  return [
    ...(status === 'REPORT_READY' && !state.amending ? (['addendum'] as const) : []),
    ...correctionsOf({ status, hasStudy }),
  ];
}

const ownSteps: Partial<Record<Role, readonly ReviewStep[]>> = {
  doctor: [reviewSteps.verification, reviewSteps.amendment],
  pharmacist: [reviewSteps.prescription],
  admin: [reviewSteps.approval],
};

/** Whether this person may take the row's step for themselves now. */
export function claimable(role: Role | undefined, { step }: WorkRow): boolean {
  if (!step || role === undefined || step.status === 'in-progress') return false;
  return ownSteps[role]?.includes(step.kind) ?? false;
}

/** The patient of a row as a record, for what takes one: a menu of apps, a registration code. */
export function patientOfRow({ patient }: WorkRow): Patient {
  const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] };
  return {
    resourceType: 'Patient',
    id: patient.id,
    name: [{ text: patient.name }],
    ...(patient.birthDate !== undefined && { birthDate: patient.birthDate }),
    ...(patient.recordNumber !== undefined && { identifier: [{ type, value: patient.recordNumber }] }),
  };
}

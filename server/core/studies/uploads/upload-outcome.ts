import type { FailureReason, InstanceOutcome } from '../outcome.ts';
import type { UploadRefusal } from './upload-ports.ts';

/**
 * What became of one file. `held`: kept, and an administrator decides whose it is; `skipped`: nothing that anybody misses (the table of
 * contents of a CD).
 */
export type UploadState = 'stored' | 'duplicate' | 'held' | 'skipped' | 'refused';

export interface FileOutcome {
  state: UploadState;
  why?: UploadRefusal;
  StudyInstanceUID?: string;
  /** Who it says it is of, for staff. */
  says?: string;
  /** The same file can be stored later. */
  again?: true;
}

const refusals: Record<FailureReason, UploadRefusal> = {
  unreadable: 'unreadable',
  identity: 'unreadable',
  mismatch: 'unreadable',
  unstorable: 'unreadable',
  'too-costly': 'too-large',
  'transfer-syntax': 'not-supported',
  'no-room': 'fault',
  'other-patient': 'other-patient',
  'other-study': 'other-study',
  'other-place': 'other-content',
  'other-content': 'other-content',
  forbidden: 'other-study',
  note: 'rejection-note',
  rejected: 'removed',
  processing: 'fault',
};

/** @param made by us of a picture: its numbers follow from what it shows, so that what is stored under them is the same picture. */
export function outcomeOf(outcome: InstanceOutcome, { made, tried }: { made: boolean; tried: boolean }): FileOutcome {
  const study = outcome.name && { StudyInstanceUID: outcome.name.StudyInstanceUID };
  if (outcome.status === 'known') return { state: tried ? 'stored' : 'duplicate', ...study };
  if (outcome.status !== 'failed') return { state: outcome.status, ...study };
  if (made && (outcome.reason === 'other-place' || outcome.reason === 'other-content'))
    return { state: 'duplicate', ...study };
  const why = refusals[outcome.reason];
  return {
    state: 'refused',
    why,
    ...study,
    ...(why === 'other-patient' && { says: outcome.message }),
    ...(why === 'fault' && { again: true }),
  };
}

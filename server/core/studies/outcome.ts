import type { DicomJson } from '../dicom/json.ts';
import type { ProblemCode } from '../problem.ts';
import type { HoldReason } from './held-instance.ts';

/** Why an instance was not stored; each protocol has its own code for it. */
export type FailureReason =
  | 'unreadable' // not DICOM, or broken
  | 'identity' // a UID is missing or not valid
  | 'mismatch' // the file meta information names another instance than the data set
  | 'transfer-syntax' // not one that is stored here
  | 'too-costly' // past the limits of the reader
  | 'no-room' // the server is short of something at this moment
  | 'other-patient' // it names another patient than the one it is brought for
  | 'other-study' // the request is for another study
  | 'other-place' // its SOP Instance UID is stored in another study
  | 'other-content' // other bytes are stored under its UID
  | 'forbidden' // the caller may not add to this study
  | 'note' // a rejection note of somebody whose word does not count
  | 'rejected' // it was removed, and must not come back
  | 'unstorable' // a value of it cannot be kept by the database
  | 'processing'; // our own fault

/** Why a file that could not be read was not stored. Every problem has its row: a new code does not compile until it has one. */
export const reasonOf: Record<ProblemCode, FailureReason> = {
  structure: 'unreadable',
  required: 'identity',
  value: 'identity',
  invariant: 'mismatch',
  'not-supported': 'transfer-syntax',
  'too-costly': 'too-costly',
  'no-store': 'no-room',
  transient: 'no-room',
  // No reader says these of a file; if one did, it would be our fault.
  'code-invalid': 'processing',
  login: 'processing',
  reauthenticate: 'processing',
  expired: 'processing',
  forbidden: 'processing',
  'not-found': 'processing',
  deleted: 'processing',
  duplicate: 'processing',
  'multiple-matches': 'processing',
  conflict: 'processing',
  'lock-error': 'processing',
  'business-rule': 'processing',
  'too-long': 'processing',
  throttled: 'processing',
  timeout: 'processing',
  exception: 'processing',
  'not-acceptable': 'processing',
  'media-type': 'processing',
};

export interface InstanceName {
  StudyInstanceUID: string;
  SeriesInstanceUID: string;
  SOPInstanceUID: string;
  SOPClassUID: string;
}

/**
 * `known`: the image is stored already; nothing changed. `held`: its bytes are kept, and nobody finds it until a human has
 * decided. `name` is absent when the file could not be read.
 */
export type InstanceOutcome =
  | {
      status: 'stored' | 'known';
      name: InstanceName;
      /** In words; the image itself is stored as it came, or as a file that follows DICOM. */
      warning?: string;
      /** What it tells of: a rejection note, other values in answers than in the image, a broken file, the same image in another file; else what was left out of FHIR. */
      about?: 'rejection' | 'coercion' | 'repair' | 'encoding';
      /** Items of Original Attributes Sequence: what the image said, where answers say something else. */
      original?: DicomJson[];
    }
  | { status: 'held'; name: InstanceName; why: HoldReason; message: string }
  | { status: 'failed'; reason: FailureReason; message: string; name: InstanceName | undefined };

/** One outcome for each arriving instance, in the same order. */
export interface StoreOutcome {
  instances: InstanceOutcome[];
}

export function failed(name: InstanceName, reason: FailureReason, message: string): InstanceOutcome {
  return { status: 'failed', reason, message, name: nameOf(name) };
}

export function nameOf({
  StudyInstanceUID,
  SeriesInstanceUID,
  SOPInstanceUID,
  SOPClassUID,
}: InstanceName): InstanceName {
  return { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID, SOPClassUID };
}

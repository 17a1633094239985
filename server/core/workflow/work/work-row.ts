/** One review as lists of work show it. */
import type { ReviewStatus, ReviewStep } from '../../vocabulary/review-codes.ts';
import type { TaskStatus } from '../task-moves.ts';

/** FHIR request-priority, from the least to the most urgent. */
export const priorities = ['routine', 'urgent', 'asap', 'stat'] as const;
export type WorkPriority = (typeof priorities)[number];

/** Why a review stands where it stands: beside its priority, in words that a page has. */
export const workReasons = [
  'stat-order',
  'urgent-finding',
  'uncertain',
  'amendment',
  'new-images',
  'analysis-failed',
] as const;
export type WorkReason = (typeof workReasons)[number];

export const aiStates = ['none', 'waiting', 'running', 'failed', 'done'] as const;
export const findingKinds = ['finding', 'normal', 'uncertain', 'unsupported', 'not-served'] as const;
export const conclusionKinds = ['normal', 'abnormal', 'other'] as const;

export interface WorkFinding {
  /** A class of the model, `Uncertain` or `Unsupported`; `not-eligible` where no image is one that the AI is for. */
  label: string;
  /** 0..1 of the most probable class; none beside an image that the model is not for. */
  probability?: number;
  kind: (typeof findingKinds)[number];
}

export interface WorkConclusion {
  code?: string;
  /** The reader's words, or what the code says. */
  text: string;
  /** `other` for words alone: nobody can compute what they mean. */
  kind: (typeof conclusionKinds)[number];
}

/** A step that somebody may act on now. */
export interface WorkStep {
  id: string;
  kind: ReviewStep;
  status: TaskStatus;
  /** `Practitioner/id`. */
  owner?: string;
}

/** What is the same for everybody who may see the review; who asks is told which step is meant, and names of people. */
export interface WorkRow {
  /** Id of the coordination Task. */
  review: string;
  status: ReviewStatus;
  priority: WorkPriority;
  reasons: WorkReason[];
  /** What people call the scan: the accession number where there is one. */
  scan: string;
  accession?: string;
  patient: { id: string; name: string; recordNumber?: string; birthDate?: string; gender?: string };
  study: { id: string; uid: string; modality?: string; bodyPart?: string; description?: string; images: number };
  /** When the review was opened, as an ISO instant; so are the others. */
  uploadedAt: string;
  changedAt: string;
  ai: (typeof aiStates)[number];
  aiFailure?: string;
  finding?: WorkFinding;
  conclusion?: WorkConclusion;
  /** The reader's, first 500 characters. */
  words?: string;
  /** Medication with its dosage, one after the other. */
  prescription?: string;
  /** The pharmacist says that none is needed. */
  noMedication?: true;
  /** Why the reader differs from the AI. */
  disagreement?: string;
  /** Why a doctor is asked again, in the words of who asks. */
  news?: string;
  /** Of the reading that counts. */
  verifiedAt?: string;
  verifiedBy?: string;
  prescribedAt?: string;
  releasedAt?: string;
  /** Open steps, those of people first. */
  steps: WorkStep[];
  /** Who holds an open step of a person, or has done one. */
  people: string[];
  /** When the oldest open step of a person was made, else the review. */
  waitingSince: string;
}

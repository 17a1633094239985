import type { ImagingStudy } from '@medplum/fhirtypes';

/** A study whose row and ImagingStudy are up to date with its images. */
export interface SettledStudy {
  /** As stored. */
  imagingStudy: ImagingStudy;
  accession?: string;
  /** SOP Instance UIDs that came, and that were taken away, since it was settled last. */
  added: readonly string[];
  removed: readonly string[];
}

/** A study that has come to another patient. */
export interface StudyMove {
  /** As stored, its subject the new one. */
  imagingStudy: ImagingStudy & { id: string };
  /** FHIR ids of the patients. */
  from: string;
  to: string;
  /** `merge`, `unmerge`: the person is the same, the record another; `move`: the images were never that person's. */
  kind: 'merge' | 'move' | 'unmerge';
  /** Why, in the words of who did it. */
  text?: string;
}

/** What follows from it, in the transaction that moved it. */
export type StudyMoveFollower<Context> = (context: Context, move: StudyMove) => Promise<void>;

/** What follows from a settled study, in the transaction that settled it. */
export type StudyFollower<Context> = (context: Context, settled: SettledStudy) => Promise<void>;

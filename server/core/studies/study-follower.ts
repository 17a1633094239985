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

/** What follows from a settled study, in the transaction that settled it. */
export type StudyFollower<Context> = (context: Context, settled: SettledStudy) => Promise<void>;

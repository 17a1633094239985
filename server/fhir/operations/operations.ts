import { completeStudyOperation } from './complete-study.ts';
import { mergePatient } from './merge-patient.ts';
import { moveImagingStudy } from './move-imaging-study.ts';
import type { Operation } from './operation.ts';
import { restore } from './restore-study.ts';
import { reviewOperations } from './review-operations.ts';
import { unmergePatient } from './unmerge-patient.ts';

/** Every operation of ours, by address. */
export const operations: readonly Operation[] = [
  mergePatient,
  unmergePatient,
  moveImagingStudy,
  completeStudyOperation,
  restore,
  ...reviewOperations,
];

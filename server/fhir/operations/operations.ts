import { mergePatient } from './merge-patient.ts';
import { moveImagingStudy } from './move-imaging-study.ts';
import type { Operation } from './operation.ts';
import { restore } from './restore-study.ts';
import { unmergePatient } from './unmerge-patient.ts';

/** Every operation of ours, by address. */
export const operations: readonly Operation[] = [mergePatient, unmergePatient, moveImagingStudy, restore];

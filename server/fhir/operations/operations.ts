import { completeStudyOperation } from './complete-study.ts';
import type { Operation } from './operation.ts';

/** Every operation of ours, by address. */
export const operations: readonly Operation[] = [completeStudyOperation];

import type { Operation } from './operation.ts';
import { restore } from './restore-study.ts';

/** Every operation of ours, by address. */
export const operations: readonly Operation[] = [restore];

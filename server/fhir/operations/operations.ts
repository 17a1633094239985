import type { Operation } from './operation.ts';
import { reviewOperations } from './review-operations.ts';

/** Every operation of ours, by address. */
export const operations: readonly Operation[] = [...reviewOperations];

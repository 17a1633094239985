import type { Task } from '@medplum/fhirtypes';
import { searchOwn } from '../records/own-search.ts';
import type { Kept } from '../records/server-write.ts';
import { type ReviewStep, stepOf } from '../vocabulary/review-codes.ts';
import type { Reading } from '../world.ts';

const pageSize = 100;

/** All steps of a review in the order in which they were made. */
export async function stepsOf(stores: Pick<Reading, 'records'>, coordinationId: string): Promise<Kept<'Task'>[]> {
  const ofReview = { parameter: 'part-of', values: [`Task/${coordinationId}`] };
  const sort = [{ parameter: 'authored-on', descending: false }];
  const all: Kept<'Task'>[] = [];
  let after: string | undefined;
  do {
    const from = { count: pageSize, sort, ...(after !== undefined && { after }) };
    const { found, next } = await searchOwn(stores, 'Task', [ofReview], from);
    all.push(...found);
    after = next;
  } while (after !== undefined);
  return all;
}

/** The completed step of that code that counts: the last, where the review went back. */
export function lastDone<Step extends Task>(steps: readonly Step[], code: ReviewStep): Step | undefined {
  return steps.findLast((step) => stepOf(step.code) === code && step.status === 'completed');
}

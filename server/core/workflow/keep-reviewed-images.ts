import type { Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';
import { reviewOfStudy } from './review-of-study.ts';

const ended = new Set<Task['status']>(['completed', 'cancelled', 'failed', 'rejected', 'entered-in-error']);

/**
 * Images are not deleted while somebody works on them: what the reader has seen must stay what the reader sees. The
 * review is locked, so that none of its steps ends in between.
 *
 * @throws Problem `conflict` while a review of the study runs.
 */
export async function keepReviewedImages(context: WriteContext, imagingStudyId: string): Promise<void> {
  const review = await reviewOfStudy(context.stores, imagingStudyId);
  if (!review) return;
  const standing = (await context.stores.records.lock('Task', review.id))?.resource as Task | undefined;
  if (!standing || ended.has(standing.status)) return;
  throw new Problem(
    'conflict',
    `A review of this study runs (Task/${review.id}): end it before (POST Task/${review.id}/$cancel), ` +
      'or send a rejection note (IHE IOCM), which acts at once.',
  );
}

import { everything } from '../access/narrowing.ts';
import { derivedId } from '../derived-id.ts';
import type { Kept } from '../records/server-write.ts';
import type { Reading } from '../world.ts';

/**
 * The review of a study that counts: the latest. There is one, and another for each time that the one before was
 * entered in error, because the images were another patient's. All ids follow from the ImagingStudy's, so that two
 * senders at once open one review.
 */
export async function reviewOfStudy(
  stores: Pick<Reading, 'records'>,
  imagingStudyId: string,
): Promise<Kept<'Task'> | undefined> {
  return (await reviewsOfStudy(stores, imagingStudyId)).at(-1);
}

/** All reviews of a study, the first one first. */
export async function reviewsOfStudy(
  { records }: Pick<Reading, 'records'>,
  imagingStudyId: string,
): Promise<Kept<'Task'>[]> {
  const all: Kept<'Task'>[] = [];
  for (let round = 0; ; round++) {
    const record = await records.read('Task', reviewIdOf(imagingStudyId, round), everything);
    if (!record?.resource) return all;
    all.push(record.resource as Kept<'Task'>);
  }
}

/** @param round 0 for the first. */
export function reviewIdOf(imagingStudyId: string, round = 0): string {
  return round === 0 ? derivedId('review', imagingStudyId) : derivedId('review', imagingStudyId, String(round));
}

/** The id of the review that follows this one. */
export function nextReviewId(imagingStudyId: string, last: Kept<'Task'> | undefined): string {
  if (!last) return reviewIdOf(imagingStudyId);
  for (let round = 0; ; round++)
    if (reviewIdOf(imagingStudyId, round) === last.id) return reviewIdOf(imagingStudyId, round + 1);
}

/** The report of a review; the first keeps the id that it had before there were others. */
export function reportIdOf(imagingStudyId: string, coordinationId: string): string {
  return derivedId('report', isFirst(imagingStudyId, coordinationId) ? imagingStudyId : coordinationId);
}

/** The self-referral of a review that nobody ordered. */
export function orderIdOf(imagingStudyId: string, coordinationId: string): string {
  return derivedId('order', isFirst(imagingStudyId, coordinationId) ? imagingStudyId : coordinationId);
}

function isFirst(imagingStudyId: string, coordinationId: string): boolean {
  return coordinationId === reviewIdOf(imagingStudyId);
}

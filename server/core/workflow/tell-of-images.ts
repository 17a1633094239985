import type { CodeableConcept, ImagingStudy, TaskInput } from '@medplum/fhirtypes';
import { versioned } from '../r4/pointer.ts';
import { create, type Kept, put } from '../records/server-write.ts';
import { reasonConcept } from '../vocabulary/review-codes.ts';
import { oweAmendment } from './amendment.ts';
import { inWords, latestUpdate } from './images-seen.ts';
import type { LateCount } from './late-images.ts';
import { recordProvenance } from './provenance.ts';
import { aiInputs, input, stepTask } from './review-tasks.ts';
import { referenceTo } from '../r4/pointer.ts';
import { ended, isBeforeReading, moveCoordination, openSteps, type Review } from './review.ts';
import { withdrawMedication } from './prescribe.ts';

/**
 * Tells whoever must know that images came or went since the study was opened for reading: the doctor who has the step;
 * after the reading the review returns to the doctor; after the release an addendum is owed, or a correction.
 *
 * @param imagingStudy as it is with (or without) them.
 */
export async function tellOfImages(review: Review, imagingStudy: ImagingStudy): Promise<void> {
  const { context, coordination } = review;
  const { lateImages } = context.stores;
  const news = await lateImages.untold(coordination.id);
  if (news.added + news.removed === 0) return;
  const update = input('image-update', versioned(imagingStudy));
  if (isBeforeReading(review.status)) await tellReader(review, update);
  else if (isRead(review.status)) await returnForImages(review, update, news);
  else if (review.status === 'REPORT_READY') {
    const kind = news.removed > 0 ? 'correction' : 'addendum';
    const amendment = await oweAmendment(review, { kind, reason: reasonFor(news, 'the release'), inputs: [update] });
    await lateImages.tell(coordination.id, amendment.id);
  }
}

/** Read, and not yet released. */
function isRead(status: Review['status']): boolean {
  return status === 'DOCTOR_VERIFIED' || status === 'PHARMACIST_COMPLETED';
}

/** The step that tells a person of late images as the review stands now, if it has told of some already. */
export async function tellingStep(review: Review): Promise<Kept<'Task'> | undefined> {
  const code = review.status === 'REPORT_READY' ? 'report-amendment' : 'physician-verification';
  const [step] = await openSteps(review, code);
  return step && latestUpdate(step) ? step : undefined;
}

async function tellReader(review: Review, update: TaskInput): Promise<void> {
  const { context, coordination, at } = review;
  const [step] = await openSteps(review, 'physician-verification');
  if (!step) return;
  await put(context, { ...step, lastModified: at.toISOString(), input: [...(step.input ?? []), update] });
  await context.stores.lateImages.tell(coordination.id, step.id);
}

/**
 * The reading was made without them: pharmacist, release and a report that is not stored yet are called off, and a fresh
 * step waits for a doctor. A print under way finds its step cancelled and stores nothing.
 */
async function returnForImages(review: Review, update: TaskInput, news: LateCount): Promise<void> {
  const { context, at } = review;
  const reason = reasonFor(news, 'your reading');
  const called: Kept<'Task'>[] = [];
  for (const step of await openSteps(review)) called.push(await put(context, ended(review, step, 'cancelled', reason)));
  const withdrawn = await withdrawMedication(review);
  const moved = await moveCoordination(review, { business: 'RETURNED' });
  const [last] = called.slice(-1);
  const again = await create(context, {
    ...stepTask(moved, {
      code: 'physician-verification',
      at,
      input: [...(last ? [input('returned-from', referenceTo(last))] : []), ...aiInputs(moved.output), update],
      ...(last?.priority && { priority: last.priority }),
    }),
    statusReason: reason,
  });
  await context.stores.lateImages.tell(moved.id, again.id);
  await recordProvenance(context, {
    act: 'return-for-images',
    operation: 'UPDATE',
    targets: [...called, moved, again, ...withdrawn].map(versioned),
  });
}

/** @param since what was made without knowing of them. */
function reasonFor(news: LateCount, since: string): CodeableConcept {
  return {
    ...reasonConcept(news.removed > 0 ? 'images-removed' : 'new-images'),
    text: inWords(news, `since ${since}`),
  };
}

import type { ImagingStudy } from '@medplum/fhirtypes';
import { imagesOfStudy, isImageClass } from '../analysis/images-to-read.ts';
import { everything } from '../access/narrowing.ts';
import type { SettledStudy } from '../studies/study-follower.ts';
import { studyUidOf } from '../studies/study-uid.ts';
import { referenceTo } from '../r4/pointer.ts';
import type { WriteContext } from '../world.ts';
import { withdrawResultsOf } from './ai-results.ts';
import type { LateImage } from './late-images.ts';
import { reviewOfStudy } from './review-of-study.ts';
import { openSteps, type Review, reviewAt } from './review.ts';
import { tellingStep, tellOfImages } from './tell-of-images.ts';

/** Of a late image that nobody need be told of: who reads the study begins after it came. */
const nobody = 'nobody';

/**
 * Tells the review of a study of images that came or were taken away since it was opened (docs/workflow.md, "A study
 * grows"). Objects that are no images change nothing. Until an analysis was taken, it reads whatever is there; then each
 * late image is written down, and a person is told of the first at once, of those that follow it when the study is
 * complete: 200 requests are one return, and two versions of a step.
 */
export async function followImages(context: WriteContext, settled: SettledStudy): Promise<void> {
  if (settled.added.length + settled.removed.length === 0) return;
  const { stores } = context;
  const { imagingStudy } = settled;
  const uid = studyUidOf(imagingStudy);
  const last = await reviewOfStudy(stores, imagingStudy.id!);
  if (!last || uid === undefined) return;
  const late = await lateImagesOf(context, uid, settled);
  if (late.length === 0) return;
  const review = await reviewAt(context, referenceTo(last));
  if (ended.has(review.status)) return;
  const { lateImages, studies } = stores;
  const { id } = review.coordination;
  if (review.status === 'PENDING_AI') {
    const [analysis] = await openSteps(review, 'ai-inference');
    if (analysis?.status === 'in-progress') await lateImages.add(id, late, nobody);
    return;
  }
  if (review.status !== 'REPORT_READY')
    await withdrawResultsOf(review, late.filter(({ change }) => change === 'removed').map(({ SOPInstanceUID }) => SOPInstanceUID)); // prettier-ignore
  if (!(await studies.growth(uid)).wasComplete && (await isUnbegun(review))) return lateImages.add(id, late, nobody);
  const waiting = await lateImages.untold(id);
  await lateImages.add(id, late);
  if (waiting.added + waiting.removed === 0 && !(await toldJustNow(review))) await tellOfImages(review, imagingStudy);
}

const ended: ReadonlySet<Review['status']> = new Set(['REJECTED', 'CANCELLED', 'RETRACTED']);

/** Neither the AI nor a reader has seen the study. */
async function isUnbegun(review: Review): Promise<boolean> {
  if (review.status !== 'AI_SKIPPED') return false;
  const [step] = await openSteps(review, 'physician-verification');
  return step?.status === 'requested' && step.owner === undefined;
}

/** A person was told of late images less than a quiet time ago: of more they are told when the study is complete. */
async function toldJustNow(review: Review): Promise<boolean> {
  const step = await tellingStep(review);
  if (!step) return false;
  const { stores, world } = review.context;
  const { secondsAgo } = await stores.lateImages.toldBy(review.coordination.id, step.id);
  return secondsAgo !== undefined && secondsAgo < world.settings.studyQuietSeconds;
}

async function lateImagesOf(context: WriteContext, uid: string, settled: SettledStudy): Promise<LateImage[]> {
  const { added, removed, imagingStudy } = settled;
  const came = added.length === 0 ? [] : await imagesOfStudy(context.stores.studies, uid, added);
  const went = removed.length === 0 ? [] : await imagesAmong(context, imagingStudy, removed);
  return [
    ...came.map(({ SOPInstanceUID }) => ({ SOPInstanceUID, change: 'added' as const })),
    ...went.map((SOPInstanceUID) => ({ SOPInstanceUID, change: 'removed' as const })),
  ];
}

/** What was removed is in the index no more: the version before lists what it was; what that does not list counts. */
async function imagesAmong(
  { stores }: WriteContext,
  { id, meta }: ImagingStudy,
  removed: readonly string[],
): Promise<string[]> {
  const earlier = await stores.records.readVersion('ImagingStudy', id!, Number(meta?.versionId) - 1, everything);
  const instances = ((earlier?.resource as ImagingStudy | undefined)?.series ?? []).flatMap(
    ({ instance }) => instance ?? [],
  );
  const classes = new Map(instances.map(({ uid, sopClass }) => [uid, sopClass.code?.replace('urn:oid:', '')]));
  return removed.filter((uid) => isImageClass(classes.get(uid) ?? ''));
}

import type { Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { pointer, type Pointer } from '../r4/pointer.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import type { LateCount } from './late-images.ts';
import { outputOf } from './review-tasks.ts';
import type { Review } from './review.ts';

/** The state of the study that a step told of last. */
export function latestUpdate(step: Task): Pointer | undefined {
  const updates = (step.input ?? []).filter(({ type }) => codeOf(type, systems.reviewData) === 'image-update');
  return pointer(updates.at(-1)?.valueReference);
}

/**
 * Nobody signs a reading of images that they have not seen: who was told that images came or went says so with an output
 * `images-seen` that names the state of the study of which they were told last.
 *
 * @throws Problem `conflict` saying how many images are new and what to do.
 */
export async function mustHaveSeenImages({ context, coordination }: Review, step: Task): Promise<void> {
  const { stores, world } = context;
  const latest = latestUpdate(step);
  const seen = outputOf(step, 'images-seen')?.reference.replace(`${world.settings.fhirBaseUrl}/`, '');
  if (latest && seen !== latest.reference) {
    const news = await stores.lateImages.toldBy(coordination.id, step.id!);
    const sentence = `${inWords(news, 'since this step was opened or the earlier reading was made')}. Look at the study as it is now, then complete the step with an output images-seen that names ${latest.reference}.`;
    throw new Problem('conflict', sentence, { expression: 'Task.output' });
  }
  const untold = await stores.lateImages.untold(coordination.id);
  if (untold.added + untold.removed === 0) return;
  throw new Problem(
    'conflict',
    `${inWords(untold, 'a moment ago')}, and the study is not complete yet. Read this step again when it is; it will name the state to look at.`,
    { expression: 'Task.output' },
  );
}

/** `2 new images and 1 removed since ...` */
export function inWords({ added, removed }: LateCount, since: string): string {
  const parts = [
    ...(added > 0 ? [`${added} new ${added === 1 ? 'image' : 'images'}`] : []),
    ...(removed > 0 ? [`${removed} ${removed === 1 ? 'image' : 'images'} removed`] : []),
  ];
  return `${parts.length > 0 ? parts.join(' and ') : 'Images came or went'} ${since}`;
}

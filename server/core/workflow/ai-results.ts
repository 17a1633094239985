import type { Observation, TaskOutput } from '@medplum/fhirtypes';
import type { Answer } from '../analysis/analysis-log.ts';
import { instanceUidExtension } from '../analysis/findings.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { type Kept, locked, put } from '../records/server-write.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { output, outputOf, outputsOf } from './review-tasks.ts';
import { moveCoordination, type Review } from './review.ts';

/** From the least serious answer to the most: what leads stands last, where `outputOf` finds it. */
const bySeriousness: readonly Answer[] = [
  'Unsupported',
  'Uncertain',
  'Normal',
  'Sick',
  'NIH_MERGED',
  'Lung_Opacity',
  'Viral_Pneumonia',
  'COVID',
];

/** How serious an answer is; an unknown one is the least. */
export function seriousnessOf(answer: string | undefined): number {
  return bySeriousness.findIndex((known) => known === answer);
}

/** The AI's results of a review, locked, as its coordination Task names them: the one that leads is the last. */
export async function aiResultsOf({ context, coordination }: Review): Promise<Kept<'Observation'>[]> {
  const results: Kept<'Observation'>[] = [];
  for (const { valueReference } of outputsOf(coordination, 'ai-finding'))
    if (idIn(valueReference, 'Observation') !== undefined)
      results.push(await locked(context, 'Observation', valueReference));
  return results;
}

/** As outputs of the coordination Task: the more serious, the later; among equals the first image leads. */
export function leadingLast(results: readonly Kept<'Observation'>[]): TaskOutput[] {
  const rank = (one: Observation) => seriousnessOf(codeOf(one.valueCodeableConcept, systems.scanFinding));
  return results
    .toReversed()
    .toSorted((one, other) => rank(one) - rank(other))
    .map((one) => output('ai-finding', referenceTo(one)));
}

/** A reader has spoken: what the AI said is no longer preliminary. @returns all of its results, as `aiResultsOf`. */
export async function settleAiResults(review: Review): Promise<Kept<'Observation'>[]> {
  const settled: Kept<'Observation'>[] = [];
  for (const one of await aiResultsOf(review))
    settled.push(one.status === 'preliminary' ? await put(review.context, { ...one, status: 'final' }) : one);
  return settled;
}

/**
 * Images were taken away before the release: what the AI said of them was said in error, and leaves report and review.
 *
 * @returns references to what was written.
 */
export async function withdrawResultsOf(review: Review, removed: readonly string[]): Promise<Pointer[]> {
  const { context } = review;
  const isOf = ({ extension }: Kept<'Observation' | 'Media'>) =>
    extension?.some(({ url, valueString = '' }) => url === instanceUidExtension && removed.includes(valueString));
  const results = await aiResultsOf(review);
  const gone = results.filter(isOf);
  if (gone.length === 0) return [];
  for (const one of gone) await put(context, { ...one, status: 'entered-in-error' });
  const report = await locked(context, 'DiagnosticReport', outputOf(review.coordination, 'report'));
  const pictures: NonNullable<typeof report.media> = [];
  for (const picture of report.media ?? []) {
    const media = await locked(context, 'Media', picture.link);
    if (isOf(media)) await put(context, { ...media, status: 'entered-in-error' });
    else pictures.push(picture);
  }
  const names = new Set(gone.map((one) => referenceTo(one).reference));
  const { media: _pictures, result, ...rest } = report;
  const left = (result ?? []).filter(({ reference }) => !names.has(reference ?? ''));
  await put(context, {
    ...rest,
    ...(left.length > 0 && { result: left }),
    ...(pictures.length > 0 && { media: pictures }),
  });
  const { output: outputs = [], ...coordination } = review.coordination;
  const others = outputs.filter(({ valueReference }) => !names.has(valueReference?.reference ?? ''));
  review.coordination = { ...coordination, output: others };
  await moveCoordination(review, {});
  return gone.map(referenceTo);
}

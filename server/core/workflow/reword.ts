/** How a doctor ends a `report-amendment`: with the words of it, or without any change of the report. */
import type { Task, TaskOutput } from '@medplum/fhirtypes';
import { create } from '../records/server-write.ts';
import { referenceTo, versioned } from '../r4/pointer.ts';
import { Problem } from '../problem.ts';
import { dataConcept, type ReviewStep } from '../vocabulary/review-codes.ts';
import { findingConcept } from '../vocabulary/scan-findings.ts';
import { kindOf, underWay } from './amendment.ts';
import { mustHaveSeenImages } from './images-seen.ts';
import { recordProvenance } from './provenance.ts';
import { readersWord } from './readers-word.ts';
import { signedActOf } from './report-parts.ts';
import { input, outputsOf, stepTask } from './review-tasks.ts';
import { nextVersionOf, type Review } from './review.ts';
import { signatureOf } from './signature.ts';
import { readingContent } from './signed-content.ts';
import { whatIsRead } from './verify.ts';

/**
 * The words of an amendment are said and signed. They are in the step, and nowhere else until the amendment is
 * released: a correction goes by the pharmacist, because another reading may need another medication; an addendum and
 * an amendment go to the release at once.
 *
 * @throws Problem `business-rule`, `code-invalid`: see `readersWord`; `conflict` while an earlier amendment is on its
 *   way, because the later one would stand above a text that nobody has released.
 */
export async function reword(review: Review, step: Task): Promise<Task> {
  const { context } = review;
  if (await underWay(review)) {
    throw new Problem('conflict', 'An earlier amendment waits for its release: release it or send it back first.');
  }
  const kind = kindOf(step);
  await mustHaveSeenImages(review, step);
  const { study, ai, seen } = await whatIsRead(review, step);
  const word = readersWord(step, { study, ai, wordsOnly: kind === 'addendum' });
  const computed: TaskOutput[] =
    word.concordance && outputsOf(step, 'concordance').length === 0
      ? [{ type: dataConcept('concordance'), valueCodeableConcept: findingConcept(word.concordance) }]
      : [];
  const said: Task = { ...step, output: [...(step.output ?? []), ...seen, ...computed] };
  const act = signedActOf(step);
  const signature = await signatureOf(context, act, said, await readingContent(context.stores, said, word));
  const next = await create(
    context,
    nextStep(review, said, kind === 'correction' ? 'pharmacist-review' : 'release-approval'),
  );
  await recordProvenance(context, {
    act: 'reword',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), versioned(next)],
    signed: { act, step, signature },
  });
  return said;
}

function nextStep(review: Review, step: Task, code: ReviewStep): Task & { id: string } {
  return stepTask(review.coordination, {
    code,
    at: review.at,
    priority: step.priority,
    input: [input('amended-by', referenceTo(step))],
  });
}

/**
 * Nothing in the report needs a change: the amendment ends with the reason, and the report stays.
 *
 * @returns the step, ended.
 */
export async function drop(review: Review, step: Task): Promise<Task> {
  await recordProvenance(review.context, { act: 'drop', operation: 'UPDATE', targets: [nextVersionOf(step)] });
  return step;
}

import type { DiagnosticReport, ImagingStudy, Task, TaskOutput } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { idIn, type Pointer, pointer, referenceTo, versioned } from '../r4/pointer.ts';
import { settleAiResults } from './ai-results.ts';
import { endAnalyses } from './analysis-step.ts';
import { mustHaveSeenImages } from './images-seen.ts';
import { hear, imagesSeen, keepReading, type KeptReading } from './keep-reading.ts';
import { recordProvenance } from './provenance.ts';
import { type ReadersWord, readersWord } from './readers-word.ts';
import { input, inputOf, output, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { moveCoordination, nextVersionOf, type Review } from './review.ts';
import { signatureOf } from './signature.ts';
import { readingContent } from './signed-content.ts';

/**
 * A doctor verifies: the notes become the report's text, the doctor's own conclusion an Observation beside the AI's,
 * and how the two relate another (docs/workflow.md). After the review was sent back, a new reading amends the earlier
 * one. What was said and seen is signed.
 *
 * @returns the step with its outputs.
 * @throws Problem `business-rule`, `code-invalid`: see `readersWord`.
 */
export async function verify(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  const reader: Pointer = { reference: context.principal.fhirUser! };
  await mustHaveSeenImages(review, step);
  await endAnalyses(review, 'The doctor has read the study before the analysis ended.');
  const { study, ai, seen } = await whatIsRead(review, step);
  const word = readersWord(step, { study, ai });
  const results = await settleAiResults(review);
  const settled = results.at(-1);
  const kept = await keepReading(review, {
    word,
    reader,
    at: review.at.toISOString(),
    ai: settled,
    status: { standing: 'amended', fresh: 'final' },
    shown: false,
  });
  await hear(review, ai, word);
  const read = { ...step, output: [...(step.output ?? []), ...seen] };
  const signature = await signatureOf(context, 'verify', read, await readingContent(context.stores, read, word));

  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  const preliminary = await put(context, preliminaryReport(report, { reader, word, kept, ai: settled }));
  await nameReading(review, kept);
  const next = await create(
    context,
    stepTask(review.coordination, {
      code: 'pharmacist-review',
      at: review.at,
      input: [input('clinical-finding', referenceTo(kept.finding))],
      priority: step.priority,
    }),
  );
  const written = [preliminary, review.coordination, next, ...results, ...Object.values(kept)];
  await recordProvenance(context, {
    act: 'verify',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...written.filter((one) => one !== undefined).map(versioned)],
    ...(ai && { sources: [referenceTo(ai)] }),
    signed: { act: 'verify', step, signature },
  });
  return { ...read, output: [...read.output, output('clinical-finding', referenceTo(kept.finding))] };
}

/**
 * What lies before a reader: the study, the model's answer that leads, and both as outputs of the step, because they
 * are signed with the words.
 */
export async function whatIsRead(
  { context, coordination }: Review,
  step: Task,
): Promise<{ study: Kept<'ImagingStudy'> | undefined; ai: Kept<'Observation'> | undefined; seen: TaskOutput[] }> {
  const id = idIn(inputOf(coordination, 'study'), 'ImagingStudy');
  const record = id === undefined ? undefined : await context.stores.records.read('ImagingStudy', id, everything);
  const study = record?.resource as (ImagingStudy & { id: string }) | undefined;
  const leading = outputOf(coordination, 'ai-finding');
  const ai = leading && (await locked(context, 'Observation', leading));
  const images = outputOf(step, 'images-seen') ? undefined : imagesSeen(step, study);
  const findings = outputsOf(coordination, 'ai-finding').flatMap((item) => pointer(item.valueReference) ?? []);
  return {
    study,
    ai,
    seen: [
      ...(images ? [output('images-seen', images)] : []),
      ...findings.map((finding) => output('ai-finding', finding)),
    ],
  };
}

function preliminaryReport(
  report: Kept<'DiagnosticReport'>,
  said: { reader: Pointer; word: ReadersWord; kept: KeptReading; ai: Kept<'Observation'> | undefined },
): Kept<'DiagnosticReport'> {
  const { conclusionCode: _earlier, ...open } = report;
  const { reader, word, kept, ai } = said;
  return {
    ...open,
    status: 'preliminary',
    resultsInterpreter: [reader],
    conclusion: word.text,
    ...(word.conclusion && { conclusionCode: [word.conclusion] }),
    result: resultsWith(report, { ai, kept }),
  };
}

/** The answers of the model that stand in the report, then the doctor's finding and how it relates to them. */
export function resultsWith(
  report: DiagnosticReport,
  { ai, kept }: { ai: Kept<'Observation'> | undefined; kept: KeptReading },
): Pointer[] {
  const own = [kept.finding, kept.concordance].flatMap((one) => (one ? [referenceTo(one)] : []));
  const gone = new Set(
    [...own, ...(kept.dropped ? [referenceTo(kept.dropped)] : [])].map(({ reference }) => reference),
  );
  const standing = (report.result ?? []).flatMap((one) => pointer(one) ?? []).filter((one) => !gone.has(one.reference));
  const leading = ai && referenceTo(ai);
  const missing = leading && !standing.some(({ reference }) => reference === leading.reference) ? [leading] : [];
  return [...standing, ...missing, ...own];
}

/** The coordination Task names the reading that counts; a concordance that fell away is not named any more. */
async function nameReading(review: Review, { finding, concordance, dropped }: KeptReading): Promise<void> {
  if (dropped) {
    const fallen = outputsOf(review.coordination, 'concordance');
    const rest = (review.coordination.output ?? []).filter((item) => !fallen.includes(item));
    review.coordination = { ...review.coordination, output: rest };
  }
  await moveCoordination(review, {
    business: 'DOCTOR_VERIFIED',
    outputs: [
      output('clinical-finding', referenceTo(finding)),
      ...(concordance ? [output('concordance', referenceTo(concordance))] : []),
    ],
  });
}

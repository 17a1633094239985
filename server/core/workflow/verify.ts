import type { CodeableConcept, Observation, Task } from '@medplum/fhirtypes';
import type { DoctorsWord } from '../analysis/analysis-log.ts';
import { newId } from '../identifier.ts';
import { Problem } from '../problem.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { findingConcept, scanClasses } from '../vocabulary/scan-findings.ts';
import { withheld } from '../vocabulary/security-labels.ts';
import { settleAiResults } from './ai-results.ts';
import { endAnalyses } from './analysis-step.ts';
import { mustHaveSeenImages } from './images-seen.ts';
import { recordProvenance } from './provenance.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { input, inputOf, output, outputOf, outputsOf, stepTask } from './review-tasks.ts';
import { moveCoordination, nextVersionOf, type Review } from './review.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { versioned } from '../r4/pointer.ts';
import { hasInk } from '../readable-text.ts';

/**
 * A doctor verifies: the notes become the report's conclusion, the reading an Observation of its own beside
 * the AI's, and how the two relate another (docs/workflow.md). After the review was sent back, a new
 * reading amends the earlier one.
 *
 * @returns the step with its outputs.
 * @throws Problem `business-rule` without notes, or without a conclusion where the AI gives none.
 */
export async function verify(review: Review, step: Task): Promise<Task> {
  const { context, coordination } = review;
  const doctor: Pointer = { reference: context.principal.fhirUser! };
  const notes = requiredNotes(step);
  await mustHaveSeenImages(review, step);
  await endAnalyses(review, 'The doctor has read the study before the analysis ended.');
  const aiReference = outputOf(coordination, 'ai-finding');
  const ai = aiReference && (await locked(context, 'Observation', aiReference));
  const aiCode = codeOf(ai?.valueCodeableConcept, systems.scanFinding);
  const conclusion = conclusionOf(step);
  const study = inputOf(coordination, 'study');
  if (!conclusion && !isClass(aiCode)) {
    throw new Problem('business-rule', 'Without a class from the AI the doctor must state a conclusion.', {
      expression: 'Task.output',
    });
  }

  const finding = await keepReading(review, 'clinical-finding', {
    ...readingBase(review, doctor, notes),
    code: findingConcept('clinical-finding'),
    valueCodeableConcept: conclusion ?? { text: notes },
    ...(study && { derivedFrom: [study] }),
  });
  const agreement = ai && concordanceOf(step, conclusion, aiCode);
  const concordance =
    ai &&
    agreement &&
    (await keepReading(review, 'concordance', {
      ...readingBase(review, doctor, notes),
      code: findingConcept('concordance'),
      focus: [referenceTo(ai)],
      valueCodeableConcept: agreement,
    }));
  if (ai) await hear(context, ai.id, agreement, conclusion);
  const settled = await settleAiResults(review);

  const report = await locked(context, 'DiagnosticReport', outputOf(coordination, 'report'));
  const { conclusionCode: _earlier, ...open } = report;
  const preliminary = await put(context, {
    ...open,
    status: 'preliminary',
    resultsInterpreter: [doctor],
    conclusion: notes,
    ...(conclusion && { conclusionCode: [conclusion] }),
    result: [...settled, finding, concordance].filter((one) => one !== undefined).map(referenceTo),
  });
  await moveCoordination(review, {
    business: 'DOCTOR_VERIFIED',
    outputs: [
      output('clinical-finding', referenceTo(finding)),
      ...(concordance ? [output('concordance', referenceTo(concordance))] : []),
    ],
  });
  const next = await create(
    context,
    stepTask(review.coordination, {
      code: 'pharmacist-review',
      at: review.at,
      input: [input('clinical-finding', referenceTo(finding))],
      priority: step.priority,
    }),
  );
  const written = [preliminary, review.coordination, next, finding, ...settled, concordance];
  await recordProvenance(context, {
    act: 'verify',
    operation: 'UPDATE',
    targets: [nextVersionOf(step), ...written.filter((one) => one !== undefined).map(versioned)],
    ...(ai && { sources: [referenceTo(ai)] }),
  });
  return { ...step, output: [...(step.output ?? []), output('clinical-finding', referenceTo(finding))] };
}

/** All notes of the step as one text. @throws Problem `business-rule` if there is none. */
export function requiredNotes(step: Task): string {
  const texts = (step.note ?? []).map(({ text }) => text ?? '').filter(hasInk);
  if (texts.length === 0) throw new Problem('business-rule', 'This step needs a note.', { expression: 'Task.note' });
  return texts.join('\n\n');
}

/** The doctor's coded or written conclusion: the last output of that type. @throws Problem `code-invalid`. */
function conclusionOf(step: Task): CodeableConcept | undefined {
  const concept = outputsOf(step, 'conclusion').at(-1)?.valueCodeableConcept;
  if (!concept) return undefined;
  const code = codeOf(concept, systems.scanFinding);
  if (code === undefined) return hasInk(concept.text) ? concept : undefined;
  if (!isClass(code)) {
    throw new Problem('code-invalid', `A conclusion is one of ${scanClasses.join(', ')}, or text.`, {
      expression: 'Task.output',
    });
  }
  return { ...findingConcept(code), ...(concept.text && { text: concept.text }) };
}

/** The doctor's word beside the model's, for the figures about the model. */
async function hear(
  { stores }: Review['context'],
  finding: string,
  agreement: CodeableConcept | undefined,
  conclusion: CodeableConcept | undefined,
): Promise<void> {
  const verdict = codeOf(agreement, systems.scanFinding) as DoctorsWord['verdict'] | undefined;
  const reading = codeOf(conclusion, systems.scanFinding);
  if (verdict) await stores.analyses.heard(finding, { verdict, ...(isClass(reading) && { reading }) });
}

/** As the doctor says; else what the two codes say; nothing where the AI gave no class or nobody compared. */
function concordanceOf(
  step: Task,
  conclusion: CodeableConcept | undefined,
  aiCode: string | undefined,
): CodeableConcept | undefined {
  const stated = codeOf(outputsOf(step, 'concordance').at(-1)?.valueCodeableConcept, systems.scanFinding);
  if (stated === 'agree' || stated === 'partly' || stated === 'disagree') return findingConcept(stated);
  if (stated !== undefined) {
    throw new Problem('code-invalid', 'Concordance is agree, partly or disagree.', { expression: 'Task.output' });
  }
  const read = codeOf(conclusion, systems.scanFinding);
  if (!isClass(aiCode) || read === undefined) return undefined;
  return findingConcept(read === aiCode ? 'agree' : 'disagree');
}

function isClass(code: string | undefined): code is (typeof scanClasses)[number] {
  return scanClasses.some((known) => known === code);
}

type Reading = Omit<Observation, 'id'>;

function readingBase(review: Review, doctor: Pointer, notes: string): Omit<Reading, 'code'> {
  const at = review.at.toISOString();
  return {
    resourceType: 'Observation',
    meta: { security: [withheld] },
    ...(review.coordination.basedOn && { basedOn: review.coordination.basedOn as NonNullable<Observation['basedOn']> }),
    status: 'final',
    category: [{ coding: [{ system: systems.observationCategory, code: 'imaging' }] }],
    ...(review.coordination.for && { subject: review.coordination.for as NonNullable<Observation['subject']> }),
    effectiveDateTime: at,
    issued: at,
    performer: [doctor],
    note: [{ authorReference: doctor, time: at, text: notes }],
  };
}

/** Creates the reading, or amends the one of an earlier round of this review. */
async function keepReading(
  review: Review,
  type: 'clinical-finding' | 'concordance',
  reading: Reading,
): Promise<Kept<'Observation'>> {
  const earlier = idIn(outputOf(review.coordination, type), 'Observation');
  return earlier === undefined
    ? create(review.context, { ...reading, id: newId() })
    : put(review.context, { ...reading, id: earlier, status: 'amended' });
}

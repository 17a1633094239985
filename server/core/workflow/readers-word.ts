/** What a reader says at the end of a reading: text, conclusion, and how that relates to the model's answer. */
import type { CodeableConcept, ImagingStudy, Observation, Task } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { hasControls, hasInk } from '../readable-text.ts';
import { classMeantBy, conclusionsOf, isConclusionSystem, withDisplay } from '../vocabulary/conclusions.ts';
import { scanClasses, type ScanClass } from '../vocabulary/scan-findings.ts';
import { codeOf, systems } from '../vocabulary/systems.ts';
import { outputsOf } from './review-tasks.ts';

export interface ReadersWord {
  text: string;
  /** Absent from an addendum that only adds words. */
  conclusion?: CodeableConcept;
  /** Absent where the model gave no class. */
  concordance?: 'agree' | 'disagree';
  /** Why the reader differs. */
  disagreement?: string;
}

const longestReason = 20_000;

/**
 * The reader's word as the step holds it, judged. The conclusion is always the reader's own choice: the model's label
 * never stands in for it. How the two relate is computed here, so that nobody can say one thing and tick another.
 *
 * @param about the study that is read, the model's answer that leads, and whether words alone are enough.
 * @throws Problem `business-rule` without note or conclusion, for a concordance that differs from the computed one, and
 *   for a disagreement without its reason; `code-invalid` for a code that the study's list does not have.
 */
export function readersWord(
  step: Task,
  about: { study: ImagingStudy | undefined; ai: Observation | undefined; wordsOnly?: boolean },
): ReadersWord {
  const text = requiredNotes(step);
  const conclusion = conclusionOf(step, about.study);
  if (!conclusion) {
    if (about.wordsOnly) return { text };
    throw new Problem(
      'business-rule',
      'The reader must state a conclusion: a code of the list for this study, or text.',
      { expression: 'Task.output' },
    );
  }
  const concordance = concordanceOf(conclusion, about.ai);
  refuseOther(step, concordance);
  if (concordance !== 'disagree') return { text, conclusion, ...(concordance && { concordance }) };
  return { text, conclusion, concordance, disagreement: disagreementOf(step) };
}

/** All notes of the step as one text. @throws Problem `business-rule` if there is none. */
export function requiredNotes(step: Task): string {
  const texts = (step.note ?? []).map(({ text }) => text ?? '').filter(hasInk);
  if (texts.length === 0) throw new Problem('business-rule', 'This step needs a note.', { expression: 'Task.note' });
  return texts.join('\n\n');
}

/** The coded or written conclusion: the last output of that type. @throws Problem `code-invalid`. */
function conclusionOf(step: Task, study: ImagingStudy | undefined): CodeableConcept | undefined {
  const concept = outputsOf(step, 'conclusion').at(-1)?.valueCodeableConcept;
  if (!concept) return undefined;
  mustBePrintable(concept.text);
  const ours = (concept.coding ?? []).filter(isConclusionSystem);
  if (ours.length === 0) return hasInk(concept.text) ? concept : undefined;
  const allowed = conclusionsOf(study);
  const known = allowed.find(({ system, code }) => system === ours[0]!.system && code === ours[0]!.code);
  if (!known || ours.length > 1) {
    const codes = allowed.map(({ code }) => code).join(', ');
    throw new Problem('code-invalid', `The conclusion of this study is one of ${codes}, or text.`, {
      expression: 'Task.output',
    });
  }
  return spelled(concept);
}

/** @throws Problem `business-rule` for words that no line of a report can show. */
function mustBePrintable(words: string | undefined): void {
  if (words === undefined || (!hasControls(words) && words.length <= longestReason)) return;
  throw new Problem(
    'business-rule',
    `The words of a conclusion have at most ${longestReason} characters, none of them a control character.`,
    { expression: 'Task.output' },
  );
}

/** Our own coding first, with its display; what else the reader's system says beside it stays. */
function spelled(concept: CodeableConcept): CodeableConcept {
  const known = concept.coding?.find(isConclusionSystem);
  if (!known) return concept;
  const others = concept.coding!.filter((coding) => !isConclusionSystem(coding));
  return { coding: [withDisplay(known), ...others], ...(concept.text && { text: concept.text }) };
}

/** The word of a step that was judged when it ended, and is not released yet: nothing but the step holds it. */
export function wordOfStep(step: Task): ReadersWord {
  const said = outputsOf(step, 'conclusion').at(-1)?.valueCodeableConcept;
  const code = codeOf(outputsOf(step, 'concordance').at(-1)?.valueCodeableConcept, systems.scanFinding);
  const disagreement = outputsOf(step, 'disagreement').at(-1)?.valueString;
  return {
    text: requiredNotes(step),
    ...(said && { conclusion: spelled(said) }),
    ...((code === 'agree' || code === 'disagree') && { concordance: code }),
    ...(code === 'disagree' && disagreement !== undefined && { disagreement }),
  };
}

/** Words alone differ from a class: nobody can compute that they mean it. Without a class there is nothing to compare. */
function concordanceOf(conclusion: CodeableConcept, ai: Observation | undefined): 'agree' | 'disagree' | undefined {
  const found = classOf(ai?.valueCodeableConcept);
  if (!found) return undefined;
  return classMeantBy(conclusion) === found && !saysMore(conclusion) ? 'agree' : 'disagree';
}

/** Words beside a code may mean something else than the code: they count as words. */
function saysMore({ coding, text }: CodeableConcept): boolean {
  const said = text?.trim().toLowerCase();
  return hasInk(said) && !(coding ?? []).some(({ display }) => display?.toLowerCase() === said);
}

export function classOf(concept: CodeableConcept | undefined): ScanClass | undefined {
  const code = codeOf(concept, systems.scanFinding);
  return scanClasses.find((known) => known === code);
}

function refuseOther(step: Task, concordance: string | undefined): void {
  const stated = outputsOf(step, 'concordance').at(-1)?.valueCodeableConcept;
  if (!stated || codeOf(stated, systems.scanFinding) === concordance) return;
  const computed = concordance ?? 'none, because the AI gave no class';
  throw new Problem(
    'business-rule',
    `The server computes the concordance of conclusion and AI: ${computed}. Leave the output concordance out.`,
    { expression: 'Task.output' },
  );
}

function disagreementOf(step: Task): string {
  const reason = outputsOf(step, 'disagreement').at(-1)?.valueString;
  if (hasInk(reason) && !hasControls(reason!) && reason!.length <= longestReason) return reason!;
  throw new Problem(
    'business-rule',
    `The conclusion differs from the AI result: an output disagreement must say why, in 1 to ${longestReason} readable characters.`,
    { expression: 'Task.output' },
  );
}

/** The AI Observation as pages show it: a label, six probabilities, and the threshold that was applied. */
import type { CodeableConcept, Observation } from '@medplum/fhirtypes';
import { classMeantBy } from './conclusions.ts';
import { findingLabels, findingSystem, type FindingLabel } from './codes.ts';
import type { FindingKind } from '../work.ts';

export interface AiResult {
  /** One of the model's labels, `Uncertain` or `Unsupported`. */
  label: string;
  /** The most probable class, also where the result is Uncertain. */
  top: { label: FindingLabel; probability: number } | undefined;
  /** In the order of the model's outputs; those that the server stored. */
  probabilities: { label: FindingLabel; probability: number }[];
  /** 0..1; undefined when the Observation does not state it. */
  threshold: number | undefined;
  /** Why no class is given, in the server's words. */
  refusal: string | undefined;
  /** What the server says about this result, for example that the model's head is untrained. */
  remarks: string[];
}

export function aiResultFrom(observation: Observation): AiResult | undefined {
  const label = findingCode(observation.valueCodeableConcept);
  if (label === undefined) return undefined;
  const components = observation.component ?? [];
  const probabilities = findingLabels.flatMap((known) => {
    const component = components.find((candidate) => findingCode(candidate.code) === known);
    const probability = component?.valueQuantity?.value;
    return probability === undefined ? [] : [{ label: known, probability }];
  });
  const threshold = components.find((component) => findingCode(component.code) === 'threshold');
  const refusal = components.find((component) => findingCode(component.code) === 'refusal')?.valueCodeableConcept;
  return {
    label,
    top: probabilities.reduce<AiResult['top']>(
      (best, next) => (best && best.probability >= next.probability ? best : next),
      undefined,
    ),
    probabilities,
    threshold: threshold?.valueQuantity?.value,
    refusal: refusal?.text ?? refusal?.coding?.[0]?.display,
    remarks: (observation.note ?? []).map((note) => note.text ?? '').filter((text) => text !== ''),
  };
}

export function findingCode(concept: CodeableConcept | undefined): string | undefined {
  return concept?.coding?.find((coding) => coding.system === findingSystem)?.code;
}

/** The AI gave a class: what a page may call its suggestion. */
export function isSuggestion(result: AiResult | undefined): result is AiResult {
  return result !== undefined && result.label !== 'Uncertain' && result.label !== 'Unsupported';
}

/** Of the most probable class, 0..1; a number beside an image that the model is not for would look like an answer. */
export function shownProbability(result: AiResult | undefined): number | undefined {
  return result?.label === 'Unsupported' ? undefined : result?.top?.probability;
}

/** What kind of answer it is, as lists of work name it. */
export function kindOfAnswer(label: string | undefined): FindingKind | undefined {
  if (label === undefined) return undefined;
  const kinds = { Uncertain: 'uncertain', Unsupported: 'unsupported', Normal: 'normal' } as const;
  return label === 'Uncertain' || label === 'Unsupported' || label === 'Normal' ? kinds[label] : 'finding';
}

/**
 * Whether a conclusion is not what the AI suggests: the server asks for a reason then.
 * @param code undefined for a conclusion in words
 */
export function differsFromAi(result: AiResult | undefined, code: string | undefined): boolean {
  return isSuggestion(result) && result.label !== classMeantBy(code);
}

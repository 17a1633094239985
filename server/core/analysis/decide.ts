import type { Classification } from './classifier.ts';
import { Problem } from '../problem.ts';
import type { ScanClass } from '../vocabulary/scan-findings.ts';
import type { ModelLabel } from './model-description.ts';
import { type ImageTags, refusalByTags, type TagRefusal } from './eligible.ts';

/** Why no class is given (codes of `scan-finding`). */
export type Refusal = TagRefusal | 'not-like-training-images';

export interface Decision {
  /** What is said: a class, that no class reaches the threshold, or that the image is not for this model. */
  answer: ScanClass | 'Uncertain' | 'Unsupported';
  /** The class with the highest probability, whatever the answer is. */
  best: ModelLabel;
  /** Of the best class, 0..1. */
  probability: number;
  /** What the probability was held against. */
  threshold: number;
  refusal?: Refusal;
}

/**
 * From numbers to an answer, through three gates before a class is shown: what the tags say, the model's
 * modality gate, its distance to the training images. The model's gates count where it knows their limits.
 *
 * @param threshold the site's; a class whose own threshold was set apart from the model's default keeps the stricter.
 * @throws Problem `exception` if the model's numbers are no probabilities.
 */
export function decide(
  classification: Pick<Classification, 'model' | 'probabilities' | 'gate' | 'distance'>,
  tags: ImageTags,
  threshold: number,
): Decision {
  const { model, probabilities } = classification;
  checkProbabilities(probabilities, model.labels.length);
  const top = probabilities.indexOf(Math.max(...probabilities));
  const best = model.labels[top]!;
  const needed = best.threshold === model.uncertain.threshold ? threshold : Math.max(threshold, best.threshold);
  const decision = { best, probability: probabilities[top]!, threshold: needed };
  const refusal = refusalByTags(tags) ?? refusalByModel(classification);
  if (refusal) return { ...decision, answer: 'Unsupported', refusal };
  const gated = gateOf(classification);
  const foreign = gated !== undefined && !best.modality.includes(gated);
  // A class of one modality on an image of the other contradicts itself.
  return { ...decision, answer: decision.probability >= needed && !foreign ? best.label : 'Uncertain' };
}

function checkProbabilities(probabilities: number[], classes: number): void {
  const sum = probabilities.reduce((total, value) => total + value, 0);
  const sound = probabilities.length === classes && probabilities.every((value) => value >= 0 && value <= 1.0001);
  if (!sound || !(Math.abs(sum - 1) < 1e-3))
    throw new Problem('exception', 'The model gave numbers that are no probabilities.');
}

function refusalByModel({
  model,
  gate,
  distance,
}: Pick<Classification, 'model' | 'gate' | 'distance'>): Refusal | undefined {
  const { minimum, classes } = model.gate;
  if (minimum !== null) {
    const highest = gate.indexOf(Math.max(...gate));
    if (classes[highest] === 'other' || !(gate[highest]! >= minimum)) return 'not-like-training-images';
  }
  const far = model.distance.limits?.some((limit, i) => !(distance[i]! <= limit));
  return far ? 'not-like-training-images' : undefined;
}

/** The modality that the model's gate sees, where it knows its limits. */
function gateOf({ model, gate }: Pick<Classification, 'model' | 'gate'>): string | undefined {
  return model.gate.minimum === null ? undefined : model.gate.classes[gate.indexOf(Math.max(...gate))];
}

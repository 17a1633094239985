import { HIDDEN } from './deployed-graph.ts';
import { LABELS } from './labels.ts';
import type { Random } from './random.ts';
import { floatTensor, type Feeds } from './session.ts';

/**
 * Weight of each class, (N / n)^balance, scaled to a mean of 1 over the images; absent classes weigh nothing. At
 * `balance` 0 all images weigh the same, at 1 all classes do.
 */
export function classWeights(truth: readonly number[], balance: number): number[] {
  const counts = LABELS.map((_, label) => truth.filter((each) => each === label).length);
  const raw = counts.map((count) => (count === 0 ? 0 : (truth.length / count) ** balance));
  const mean = truth.reduce((sum, label) => sum + (raw[label] ?? 0), 0) / truth.length;
  return raw.map((weight) => weight / mean);
}

/** `target` and `dropout` of the training graphs for one batch. */
export function lossFeeds(
  truth: readonly number[],
  weights: readonly number[],
  settings: { labelSmoothing: number; dropout: number },
  random: Random,
): Feeds {
  const classes = LABELS.length;
  const target = new Float32Array(truth.length * classes).fill(settings.labelSmoothing / classes);
  truth.forEach((label, row) => {
    const at = row * classes + label;
    target[at] = (target[at] ?? 0) + 1 - settings.labelSmoothing;
    const weight = weights[label] ?? 1;
    for (let column = 0; column < classes; column++) target[row * classes + column]! *= weight;
  });
  const keep = 1 - settings.dropout;
  const dropout = Float32Array.from({ length: truth.length * HIDDEN }, () => (random() < keep ? 1 / keep : 0));
  return {
    target: floatTensor(target, [truth.length, classes]),
    dropout: floatTensor(dropout, [truth.length, HIDDEN]),
  };
}

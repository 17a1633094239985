import { HIDDEN } from './deployed-graph.ts';
import { LABELS } from './labels.ts';
import { shuffle, type Random } from './random.ts';
import { floatTensor, type Feeds } from './session.ts';
import type { Tensor } from 'onnxruntime-node';

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

/**
 * Mixes each image of a batch, and what is expected of it, with another image of the batch (mixup, arXiv 1710.09412):
 * the network then learns to answer between two images in proportion, and no longer learns single images by heart.
 * One share for the whole batch, from Beta(strength, strength).
 *
 * @param features results of the frozen blocks, [N, ...]; `feeds.target` is [N, classes].
 * @param strength 0 to 1; at 0 everything stays as it is and nothing is drawn.
 */
export function mixBatch(features: Tensor, feeds: Feeds, strength: number, random: Random): Feeds {
  const target = feeds['target'];
  if (strength === 0 || target === undefined) return { ...feeds, features };
  const share = betaDeviate(strength, random);
  const [rows = 0] = features.dims;
  const partner = shuffle(
    Array.from({ length: rows }, (_, row) => row),
    random,
  );
  return { ...feeds, features: mixRows(features, partner, share), target: mixRows(target, partner, share) };
}

function mixRows(tensor: Tensor, partner: readonly number[], share: number): Tensor {
  const data = tensor.data as Float32Array;
  const width = data.length / partner.length;
  const mixed = data.map((value, at) => {
    const row = Math.floor(at / width);
    return share * value + (1 - share) * (data[(partner[row] ?? row) * width + (at % width)] ?? 0);
  });
  return floatTensor(mixed, tensor.dims);
}

/** Beta(strength, strength) for strengths up to 1, by Johnk's rejection. */
function betaDeviate(strength: number, random: Random): number {
  for (;;) {
    const [one, other] = [random() ** (1 / strength), random() ** (1 / strength)];
    if (one + other > 0 && one + other <= 1) return one / (one + other);
  }
}

import { adamStep, ADAM, freshAdam } from './adam.ts';
import { columnMeans, type Matrix } from './linear-algebra.ts';
import { MODALITIES } from './labels.ts';
import { named, tensor, type Weights } from './tensor.ts';

const STEPS = 300;
const RATE = 0.02;
const DECAY = 0.02;
const CLASSES = MODALITIES.length;

/**
 * A logistic gate (chest, cardiac, other) on the embedding, by full-batch Adam with equal weight for each of the
 * three; the scaling of the embedding is folded into the result.
 *
 * @param modality 0 chest, 1 cardiac, 2 other, for each row.
 * @returns `gate.weight` [width, 3] and `gate.bias` [3]; a modality without rows can never win.
 */
export function fitGate(embeddings: Matrix, modality: readonly number[]): Weights {
  const { rows, width, data } = embeddings;
  const mean = columnMeans(embeddings);
  const squares = new Float64Array(width);
  for (let at = 0; at < rows * width; at++) {
    const away = (data[at] as number) - (mean[at % width] as number);
    squares[at % width] = (squares[at % width] as number) + away * away;
  }
  const scale = Float32Array.from(squares, (sum) => 1 / Math.max(1e-3, Math.sqrt(sum / rows)));
  const standard = Float32Array.from(
    data,
    (value, at) => (value - (mean[at % width] as number)) * (scale[at % width] as number),
  );
  const counts = MODALITIES.map((_, kind) => modality.filter((each) => each === kind).length);
  const weights: Weights = new Map([
    ['gate.weight', tensor([CLASSES, width])],
    ['gate.bias', tensor([CLASSES])],
  ]);
  const state = freshAdam(weights, [...weights.keys()]);
  for (let step = 0; step < STEPS; step++) {
    const gradients = gradient(standard, { rows, width }, modality, counts, weights);
    adamStep(weights, gradients, state, () => RATE * (1 - step / STEPS), { ...ADAM, decay: DECAY, clipNorm: Infinity });
  }
  const learned = named(weights, 'gate.weight').data;
  const bias = named(weights, 'gate.bias').data.map((value, kind) => {
    if (counts[kind] === 0) return -1e4;
    return mean.reduce(
      (sum, each, column) => sum - each * (scale[column] as number) * (learned[kind * width + column] as number),
      value,
    );
  });
  const folded = new Float32Array(width * CLASSES);
  for (let column = 0; column < width; column++) {
    for (let kind = 0; kind < CLASSES; kind++) {
      folded[column * CLASSES + kind] = (scale[column] as number) * (learned[kind * width + column] as number);
    }
  }
  return new Map([
    ['gate.weight', tensor([width, CLASSES], folded)],
    ['gate.bias', tensor([CLASSES], bias)],
  ]);
}

function gradient(
  standard: Float32Array,
  { rows, width }: { rows: number; width: number },
  modality: readonly number[],
  counts: readonly number[],
  weights: Weights,
): Map<string, Float32Array> {
  const [weight, bias] = [named(weights, 'gate.weight').data, named(weights, 'gate.bias').data];
  const [toWeight, toBias] = [new Float32Array(weight.length), new Float32Array(CLASSES)];
  const scores = new Float64Array(CLASSES);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let sum = 0;
    for (let kind = 0; kind < CLASSES; kind++) {
      let score = bias[kind] as number;
      for (let column = 0; column < width; column++)
        score += (standard[start + column] as number) * (weight[kind * width + column] as number);
      scores[kind] = Math.exp(Math.min(60, score));
      sum += scores[kind] as number;
    }
    const truth = modality[row] ?? 0;
    const share = 1 / (CLASSES * Math.max(1, counts[truth] ?? 1));
    for (let kind = 0; kind < CLASSES; kind++) {
      const slope = share * ((scores[kind] as number) / sum - (kind === truth ? 1 : 0));
      if (Math.abs(slope) < 1e-12) continue;
      toBias[kind] = (toBias[kind] as number) + slope;
      for (let column = 0; column < width; column++) {
        const at = kind * width + column;
        toWeight[at] = (toWeight[at] as number) + slope * (standard[start + column] as number);
      }
    }
  }
  return new Map([
    ['gate.weight', toWeight],
    ['gate.bias', toBias],
  ]);
}

import { LABELS } from './labels.ts';

const CLASSES = LABELS.length;

/** Row-major [N,6] to the index of the highest value of each row; the first one on a tie. */
export function topClasses(scores: Float32Array): number[] {
  return Array.from({ length: scores.length / CLASSES }, (_, row) => {
    const values = scores.subarray(row * CLASSES, (row + 1) * CLASSES);
    return values.indexOf(values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
  });
}

/** Softmax of rows divided by a temperature. */
export function softmaxRows(logits: Float32Array, temperature = 1): Float32Array {
  const result = new Float32Array(logits.length);
  for (let row = 0; row < logits.length; row += CLASSES) {
    const values = logits.subarray(row, row + CLASSES);
    const most = values.reduce((highest, value) => Math.max(highest, value), Number.NEGATIVE_INFINITY);
    const powers = values.map((value) => Math.exp((value - most) / temperature));
    const sum = powers.reduce((total, value) => total + value, 0);
    result.set(
      powers.map((value) => value / sum),
      row,
    );
  }
  return result;
}

/** Counts with the truth in rows and the answer in columns. */
export function confusion(truth: readonly number[], answers: readonly number[]): number[][] {
  const matrix = LABELS.map(() => LABELS.map(() => 0));
  truth.forEach((label, index) => {
    const row = matrix[label];
    const column = answers[index];
    if (row && column !== undefined) row[column] = (row[column] ?? 0) + 1;
  });
  return matrix;
}

export interface ClassScore {
  count: number;
  precision: number;
  recall: number;
  f1: number;
}

/** Precision, recall and F1 of each class; 0 where nothing was predicted, as is usual. */
export function classScores(matrix: readonly (readonly number[])[]): ClassScore[] {
  return matrix.map((row, index) => {
    const hit = row[index] ?? 0;
    const count = row.reduce((sum, value) => sum + value, 0);
    const predicted = matrix.reduce((sum, each) => sum + (each[index] ?? 0), 0);
    const precision = predicted === 0 ? 0 : hit / predicted;
    const recall = count === 0 ? 0 : hit / count;
    return { count, precision, recall, f1: hit === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
  });
}

export interface Summary {
  accuracy: number;
  /** Means over the classes that occur in the truth. */
  macroF1: number;
  balancedAccuracy: number;
}

export function summarise(matrix: readonly (readonly number[])[]): Summary {
  const scores = classScores(matrix).filter(({ count }) => count > 0);
  const total = scores.reduce((sum, { count }) => sum + count, 0);
  const mean = (pick: (score: ClassScore) => number): number =>
    scores.reduce((sum, score) => sum + pick(score), 0) / Math.max(1, scores.length);
  const hits = matrix.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  return {
    accuracy: hits / Math.max(1, total),
    macroF1: mean(({ f1 }) => f1),
    balancedAccuracy: mean(({ recall }) => recall),
  };
}

/** Area under the ROC curve: the share of pairs in the right order, ties half (Mann-Whitney). NaN without both kinds. */
export function areaUnderCurve(scores: readonly number[], positive: readonly boolean[]): number {
  const order = scores
    .map((score, index) => ({ score, hit: positive[index] === true }))
    .sort((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && order[end]?.score === order[start]?.score) end++;
    const rank = (start + end + 1) / 2;
    for (let at = start; at < end; at++) if (order[at]?.hit) rankSum += rank;
    start = end;
  }
  const hits = order.filter(({ hit }) => hit).length;
  return (rankSum - (hits * (hits + 1)) / 2) / (hits * (order.length - hits));
}

/** Mean negative log-likelihood of the true classes. */
export function negativeLogLikelihood(probabilities: Float32Array, truth: readonly number[]): number {
  const sum = truth.reduce(
    (total, label, row) => total - Math.log(Math.max(1e-12, probabilities[row * CLASSES + label] ?? 0)),
    0,
  );
  return sum / Math.max(1, truth.length);
}

export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  confidence: number;
  accuracy: number;
}

/** Expected calibration error of the highest probability over equal bins (Guo et al. 2017), with the bins. */
export function calibration(
  probabilities: Float32Array,
  truth: readonly number[],
  bins = 15,
): { error: number; bins: ReliabilityBin[] } {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }));
  topClasses(probabilities).forEach((top, row) => {
    const confidence = probabilities[row * CLASSES + top] ?? 0;
    const bin = sums[Math.min(bins - 1, Math.floor(confidence * bins))];
    if (!bin) return;
    bin.count++;
    bin.confidence += confidence;
    if (top === truth[row]) bin.hits++;
  });
  const error =
    sums.reduce((total, { confidence, hits }) => total + Math.abs(confidence - hits), 0) / Math.max(1, truth.length);
  return {
    error,
    bins: sums.map(({ count, confidence, hits }, index) => ({
      from: index / bins,
      to: (index + 1) / bins,
      count,
      confidence: count === 0 ? 0 : confidence / count,
      accuracy: count === 0 ? 0 : hits / count,
    })),
  };
}

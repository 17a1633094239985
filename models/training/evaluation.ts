import { clusterBootstrap, type Interval } from './bootstrap.ts';
import { refusal, type Checks } from './calibrate.ts';
import { DEFAULT_THRESHOLD, LABELS } from './labels.ts';
import {
  areaUnderCurve,
  calibration,
  classScores,
  confusion,
  negativeLogLikelihood,
  softmaxRows,
  summarise,
  topClasses,
  type ReliabilityBin,
} from './metrics.ts';
import type { SplitItem } from './split.ts';

/** What the deployed graph said about a list of images. */
export interface Answers {
  logits: Float32Array;
  probabilities: Float32Array;
  gate: Float32Array;
  distance: Float32Array;
}

const CLASSES = LABELS.length;

export interface ClassReport {
  label: string;
  count: number;
  precision: Interval;
  recall: Interval;
  f1: Interval;
  auc: Interval;
}

export interface InternalReport {
  count: number;
  clusters: number;
  accuracy: Interval;
  macroF1: Interval;
  balancedAccuracy: Interval;
  macroAuc: Interval;
  classes: ClassReport[];
  /** Rows are the truth, columns the answer, order of LABELS. */
  confusion: number[][];
  calibration: {
    before: { error: number; nll: number };
    after: { error: number; nll: number };
    bins: ReliabilityBin[];
  };
  byModality: { modality: string; count: number; accuracy: number; macroF1: number }[];
  bySite: { site: string; label: string; count: number; accuracy: number }[];
  /** Of what the collection says about an image and its patient. */
  bySubgroup: { subgroup: string; value: string; count: number; accuracy: number }[];
  /** What it does not say about any image. */
  unknownSubgroups: string[];
  thresholds: {
    threshold: number;
    answered: number;
    accuracyOfAnswered: number;
    errors: number;
    errorsAnswered: number;
  }[];
}

function truthOf(items: readonly SplitItem[]): number[] {
  return items.map(({ label }) => LABELS.indexOf(label));
}

function share(count: number, of: number): number {
  return of === 0 ? 0 : count / of;
}

/** Every number about the held-out test part. */
export function internalReport(items: readonly SplitItem[], answers: Answers, seed: number): InternalReport {
  const truth = truthOf(items);
  const tops = topClasses(answers.probabilities);
  const matrix = confusion(truth, tops);
  const clusters = items.map(({ cluster }) => cluster);
  const present = LABELS.map((_, label) => label).filter((label) => truth.includes(label));
  const intervals = clusterBootstrap(
    clusters,
    (rows) => measures(rows, truth, tops, answers.probabilities, present),
    seed,
  );
  const interval = (name: string): Interval =>
    intervals[name] ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const plain = softmaxRows(answers.logits);
  const after = calibration(answers.probabilities, truth);
  return {
    count: items.length,
    clusters: new Set(clusters).size,
    accuracy: interval('accuracy'),
    macroF1: interval('macroF1'),
    balancedAccuracy: interval('balancedAccuracy'),
    macroAuc: interval('macroAuc'),
    classes: present.map((label) => ({
      label: LABELS[label] ?? '',
      count: truth.filter((each) => each === label).length,
      precision: interval(`precision ${label}`),
      recall: interval(`recall ${label}`),
      f1: interval(`f1 ${label}`),
      auc: interval(`auc ${label}`),
    })),
    confusion: matrix,
    calibration: {
      before: { error: calibration(plain, truth).error, nll: negativeLogLikelihood(plain, truth) },
      after: { error: after.error, nll: negativeLogLikelihood(answers.probabilities, truth) },
      bins: after.bins,
    },
    byModality: groupsOf(items, ({ modality }) => modality).map(([modality, rows]) => ({
      modality,
      count: rows.length,
      ...only(summarise(confusion(pick(truth, rows), pick(tops, rows)))),
    })),
    bySite: groupsOf(items, ({ site, label }) => `${site}\t${label}`).map(([key, rows]) => {
      const [site = '', label = ''] = key.split('\t');
      return { site, label, count: rows.length, accuracy: accuracyOf(rows, truth, tops) };
    }),
    ...subgroups(items, truth, tops),
    thresholds: [0.5, 0.6, 0.7, DEFAULT_THRESHOLD, 0.8, 0.9, 0.95].map((threshold) =>
      atThreshold(threshold, truth, tops, answers.probabilities),
    ),
  };
}

function measures(
  rows: readonly number[],
  truth: readonly number[],
  tops: readonly number[],
  probabilities: Float32Array,
  present: readonly number[],
): Record<string, number> {
  const matrix = confusion(pick(truth, rows), pick(tops, rows));
  const scores = classScores(matrix);
  const result: Record<string, number> = { ...summarise(matrix) };
  const areas: number[] = [];
  for (const label of present) {
    const { precision = 0, recall = 0, f1 = 0 } = scores[label] ?? {};
    const area = areaUnderCurve(
      rows.map((row) => probabilities[row * CLASSES + label] ?? 0),
      rows.map((row) => truth[row] === label),
    );
    if (Number.isFinite(area)) areas.push(area);
    Object.assign(result, {
      [`precision ${label}`]: precision,
      [`recall ${label}`]: recall,
      [`f1 ${label}`]: f1,
      [`auc ${label}`]: area,
    });
  }
  result['macroAuc'] = areas.reduce((sum, area) => sum + area, 0) / areas.length;
  return result;
}

function pick<T>(values: readonly T[], rows: readonly number[]): T[] {
  return rows.map((row) => values[row] as T);
}

function only({ accuracy, macroF1 }: { accuracy: number; macroF1: number }): { accuracy: number; macroF1: number } {
  return { accuracy, macroF1 };
}

function accuracyOf(rows: readonly number[], truth: readonly number[], tops: readonly number[]): number {
  return share(rows.filter((row) => truth[row] === tops[row]).length, rows.length);
}

/** Rows of each key, keys sorted. */
function groupsOf(items: readonly SplitItem[], key: (item: SplitItem) => string): [string, number[]][] {
  const groups = new Map<string, number[]>();
  items.forEach((item, row) => groups.set(key(item), [...(groups.get(key(item)) ?? []), row]));
  return [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
}

const SUBGROUPS: Readonly<Record<string, (item: SplitItem) => string>> = {
  view: ({ view }) => view,
  scanner: ({ scanner }) => scanner,
  sex: ({ sex }) => sex,
  age: ({ age }) => (age === undefined ? '' : (AGE_BANDS.find(([from]) => age >= from)?.[1] ?? '')),
};
const AGE_BANDS = [[65, '65 and over'], [40, '40 to 64'], [18, '18 to 39'], [0, 'under 18']] as const; // prettier-ignore

function subgroups(
  items: readonly SplitItem[],
  truth: readonly number[],
  tops: readonly number[],
): Pick<InternalReport, 'bySubgroup' | 'unknownSubgroups'> {
  const known = Object.entries(SUBGROUPS).filter(([, valueOf]) => items.some((item) => valueOf(item) !== ''));
  return {
    bySubgroup: known.flatMap(([subgroup, valueOf]) =>
      groupsOf(items, (item) => valueOf(item) || 'not known').map(([value, rows]) => ({
        subgroup,
        value,
        count: rows.length,
        accuracy: accuracyOf(rows, truth, tops),
      })),
    ),
    unknownSubgroups: Object.keys(SUBGROUPS).filter((name) => !known.some(([each]) => each === name)),
  };
}

function atThreshold(
  threshold: number,
  truth: readonly number[],
  tops: readonly number[],
  probabilities: Float32Array,
): InternalReport['thresholds'][number] {
  const answered = truth
    .map((_, row) => row)
    .filter((row) => (probabilities[row * CLASSES + (tops[row] ?? 0)] ?? 0) >= threshold);
  const wrong = (row: number): boolean => truth[row] !== tops[row];
  return {
    threshold,
    answered: share(answered.length, truth.length),
    accuracyOfAnswered: accuracyOf(answered, truth, tops),
    errors: truth.filter((_, row) => wrong(row)).length,
    errorsAnswered: answered.filter(wrong).length,
  };
}

export interface ExternalReport {
  count: number;
  covidAuc: Interval;
  groups: {
    site: string;
    label: string;
    count: number;
    answers: Record<string, number>;
    accuracy: number;
    aboveThreshold: number;
    refused: number;
  }[];
}

/** Another hospital's images: what the model says there, whatever it is. */
export function externalReport(
  items: readonly SplitItem[],
  answers: Answers,
  checks: Limits,
  seed: number,
): ExternalReport {
  const truth = truthOf(items);
  const tops = topClasses(answers.probabilities);
  const covid = LABELS.indexOf('COVID');
  const { auc } = clusterBootstrap(
    items.map(({ cluster }) => cluster),
    (rows) => ({
      auc: areaUnderCurve(
        rows.map((row) => answers.probabilities[row * CLASSES + covid] ?? 0),
        rows.map((row) => truth[row] === covid),
      ),
    }),
    seed,
  );
  return {
    count: items.length,
    covidAuc: auc ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN },
    groups: groupsOf(items, ({ site, label }) => `${site}\t${label}`).map(([key, rows]) => {
      const [site = '', label = ''] = key.split('\t');
      const counts = LABELS.map((name, index) => [name, rows.filter((row) => tops[row] === index).length] as const);
      return {
        site,
        label,
        count: rows.length,
        answers: Object.fromEntries(counts.filter(([, count]) => count > 0)),
        accuracy: accuracyOf(rows, truth, tops),
        ...refusalShares(rows, answers, tops, checks),
      };
    }),
  };
}

type Limits = Pick<Checks, 'gateMinimum' | 'distanceLimits'>;

export interface RefusalReport {
  kind: string;
  count: number;
  refused: number;
  byGate: number;
  byDistance: number;
  /** Share with a probability of at least the default threshold: what softmax alone would have shown. */
  aboveThreshold: number;
  /** Share that would reach a reader as a class: not refused and above the threshold. */
  shown: number;
}

/** How many images of each kind the gate and the distance refuse. */
export function refusalReport(kinds: readonly string[], answers: Answers, checks: Limits): RefusalReport[] {
  const tops = topClasses(answers.probabilities);
  return [...new Set(kinds)].sort().map((kind) => {
    const rows = kinds.map((_, row) => row).filter((row) => kinds[row] === kind);
    return { kind, count: rows.length, ...refusalShares(rows, answers, tops, checks) };
  });
}

function refusalShares(
  rows: readonly number[],
  answers: Answers,
  tops: readonly number[],
  checks: Limits,
): Omit<RefusalReport, 'kind' | 'count'> {
  const reasons = rows.map((row) =>
    refusal(answers.gate.subarray(3 * row, 3 * row + 3), answers.distance.subarray(2 * row, 2 * row + 2), checks),
  );
  const above = rows.map((row) => (answers.probabilities[row * CLASSES + (tops[row] ?? 0)] ?? 0) >= DEFAULT_THRESHOLD);
  const count = (test: (at: number) => boolean): number => share(rows.filter((_, at) => test(at)).length, rows.length);
  return {
    refused: count((at) => reasons[at] !== undefined),
    byGate: count((at) => reasons[at] === 'gate'),
    byDistance: count((at) => reasons[at] === 'distance'),
    aboveThreshold: count((at) => above[at] === true),
    shown: count((at) => above[at] === true && reasons[at] === undefined),
  };
}

import type { ScanClass } from '../vocabulary/scan-findings.ts';
import { scanClasses } from '../vocabulary/scan-findings.ts';
import type { Answer, DriftCell } from './analysis-log.ts';

export interface DriftPoint extends DriftCell {
  /** Shares of `count`, 0..1. */
  rates: Partial<Record<Answer, number>>;
  /** Share of the doctors' verdicts that do not agree; null without verdicts. */
  overrideRate: number | null;
  /** Population stability index of `best` against the reference; null, with `noPsi`, where it would be noise. */
  psi: number | null;
  /** What the index exceeds by chance alone in 5 of 100 weeks without any shift, with that many images. */
  psiByChance: number | null;
  noPsi: TooFew | null;
}

/** A window has too few supported images for an index. */
export interface TooFew {
  code: 'too-few-images';
  window: 'week' | 'reference';
  images: number;
  needed: number;
}

export interface DriftReference {
  kind: 'validation' | 'first-weeks';
  /** The weeks that it is made of. */
  weeks?: string[];
  classes: Partial<Record<ScanClass, number>>;
}

/**
 * Images that both windows must have. Against a large reference, the index of 50 images of six classes stays below 0.22 by
 * chance in 95 of 100 weeks, so that 0.25 means something; with fewer, chance alone passes it: one image gives about 0.5.
 */
export const fewestImages = 50;

/** How many of the first weeks make a reference. */
export const referenceWeeks = 4;

export function driftPoints(cells: readonly DriftCell[], reference: DriftReference | undefined): DriftPoint[] {
  return cells.map((cell) => {
    const { agree, partly, disagree } = cell.verdicts;
    const verdicts = agree + partly + disagree;
    const shares = Object.entries(cell.answers).map(([answer, count]) => [answer, count / cell.count]);
    return {
      ...cell,
      rates: Object.fromEntries(shares) as DriftPoint['rates'],
      overrideRate: verdicts === 0 ? null : (partly + disagree) / verdicts,
      ...indexOf(reference?.classes ?? {}, cell.best),
    };
  });
}

function indexOf(reference: Counts, week: Counts): Pick<DriftPoint, 'psi' | 'psiByChance' | 'noPsi'> {
  const windows = [['week', total(week)], ['reference', total(reference)]] as const; // prettier-ignore
  const small = windows.find(([, images]) => images < fewestImages);
  if (!small) return { psi: stabilityIndex(reference, week), psiByChance: byChance(reference, week), noPsi: null };
  const [window, images] = small;
  return { psi: null, psiByChance: null, noPsi: { code: 'too-few-images', window, images, needed: fewestImages } };
}

/** The classes that the model saw in its first weeks here. @param cells of all scanners together, oldest first. */
export function firstWeeks(cells: readonly DriftCell[]): DriftReference {
  const first = cells.filter(({ scanner }) => scanner === null).slice(0, referenceWeeks);
  const sum = (label: ScanClass) => first.reduce((total, { best }) => total + (best[label] ?? 0), 0);
  return {
    kind: 'first-weeks',
    weeks: first.map(({ week }) => week),
    classes: Object.fromEntries(scanClasses.map((label) => [label, sum(label)])),
  };
}

type Counts = Partial<Record<ScanClass, number>>;

/**
 * Population stability index: the sum over classes of (a - e) ln(a / e), where e and a are the expected and the
 * actual share. Half a case is added to every class, so that a class without cases does not make it infinite.
 *
 * @returns null if one side has no cases. Up to 0.1 is commonly read as stable, above 0.25 as a shift.
 */
export function stabilityIndex(expected: Counts, actual: Counts): number | null {
  const [before, now] = [smoothed(expected), smoothed(actual)];
  if (!before || !now) return null;
  return before.reduce((sum, e, i) => sum + (now[i]! - e) * Math.log(now[i]! / e), 0);
}

function smoothed(counts: Counts): number[] | undefined {
  const all = scanClasses.map((label) => counts[label] ?? 0);
  const images = total(counts);
  return images === 0 ? undefined : all.map((count) => (count + 0.5) / (images + 0.5 * all.length));
}

/** 95th percentile of chi-square, by degrees of freedom from 0. */
const chiSquare95 = [0, 3.841, 5.991, 7.815, 9.488, 11.07];

/**
 * Between two samples of one distribution the index is nearly chi-square distributed, with a degree of freedom fewer than
 * classes, times 1/n + 1/m (Yurdakul, Statistical Properties of Population Stability Index, 2018).
 */
function byChance(one: Counts, other: Counts): number {
  const classes = scanClasses.filter((label) => (one[label] ?? 0) + (other[label] ?? 0) > 0).length;
  return chiSquare95[classes - 1]! * (1 / total(one) + 1 / total(other));
}

function total(counts: Counts): number {
  return scanClasses.reduce((sum, label) => sum + (counts[label] ?? 0), 0);
}

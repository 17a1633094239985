import type { ScanClass } from '../workflow/codes.ts';
import { scanClasses } from '../workflow/codes.ts';
import type { Answer } from './analysis-row.ts';

/** What the database counts of one model in one week, of one scanner or (null) of all. */
export interface DriftCell {
  /** `2026-W48` */
  week: string;
  scanner: string | null;
  count: number;
  answers: Partial<Record<Answer, number>>;
  /** Highest class of the images that were not refused. */
  best: Partial<Record<ScanClass, number>>;
  /** Mean probability of that class; null without such images. */
  meanProbability: number | null;
  /** Of each distance score, over all images. */
  distance: { mean: number; median: number; p95: number }[];
  verdicts: { agree: number; partly: number; disagree: number };
}

export interface DriftPoint extends DriftCell {
  /** Shares of `count`, 0..1. */
  rates: Partial<Record<Answer, number>>;
  /** Share of the doctors' verdicts that do not agree; null without verdicts. */
  overrideRate: number | null;
  /** Population stability index of `best` against the reference; null where one of them is empty. */
  psi: number | null;
}

export interface DriftReference {
  kind: 'validation' | 'first-weeks';
  /** The weeks that it is made of. */
  weeks?: string[];
  classes: Partial<Record<ScanClass, number>>;
}

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
      psi: reference ? stabilityIndex(reference.classes, cell.best) : null,
    };
  });
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
  const total = all.reduce((sum, count) => sum + count, 0);
  return total === 0 ? undefined : all.map((count) => (count + 0.5) / (total + 0.5 * all.length));
}

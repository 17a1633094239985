import { derivedSeed, seededRandom } from './random.ts';

export interface Interval {
  value: number;
  /** 95 % percentile interval. */
  low: number;
  high: number;
}

const REPEATS = 1000;

/**
 * Confidence intervals by drawing whole clusters (patients, look-alikes) with replacement: images of one person are
 * not independent, and drawing single images would make the intervals too narrow.
 *
 * @param clusters the cluster of each row.
 * @param measure named values of a list of rows; values that are not finite in a draw are left out of that draw.
 */
export function clusterBootstrap(
  clusters: readonly number[],
  measure: (rows: readonly number[]) => Record<string, number>,
  seed: number,
  repeats = REPEATS,
): Record<string, Interval> {
  const members = new Map<number, number[]>();
  clusters.forEach((cluster, row) => members.set(cluster, [...(members.get(cluster) ?? []), row]));
  const groups = [...members.values()];
  const random = seededRandom(derivedSeed(seed, 'bootstrap'));
  const whole = measure(clusters.map((_, row) => row));
  const draws: Record<string, number[]> = Object.fromEntries(Object.keys(whole).map((name) => [name, []]));
  for (let repeat = 0; repeat < repeats; repeat++) {
    const rows = groups.flatMap(() => groups[Math.floor(random() * groups.length)] ?? []);
    for (const [name, value] of Object.entries(measure(rows))) if (Number.isFinite(value)) draws[name]?.push(value);
  }
  return Object.fromEntries(
    Object.entries(whole).map(([name, value]) => {
      const sorted = (draws[name] ?? []).sort((one, other) => one - other);
      const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
      return [name, { value, low: at(0.025), high: at(0.975) }];
    }),
  );
}

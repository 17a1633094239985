import type { Listed } from './collection.ts';
import { looksLikeMask, pixelDigest, SAME, type Pair } from './duplicates.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';

export type Part = 'train' | 'validation' | 'test' | 'external';
export const SHARES: Readonly<Record<Exclude<Part, 'external'>, number>> = { train: 0.7, validation: 0.15, test: 0.15 };

export interface SplitItem extends Listed {
  /** Index in the list of the collection, and so in the pixel store. */
  index: number;
  part: Part;
  /** Everything of one person, and everything that looks alike, has one cluster; a cluster is never divided. */
  cluster: number;
  pixels: string;
}

export interface Split {
  seed: number;
  items: SplitItem[];
  /** Left out, with the reason: `broken`, `mask`, `copy of <file>`, `copy in training`. */
  refused: { file: string; reason: string }[];
}

function unionFind(count: number): { find: (item: number) => number; join: (one: number, other: number) => void } {
  const parents = Int32Array.from({ length: count }, (_, index) => index);
  const find = (item: number): number => {
    let root = item;
    while (parents[root] !== root) root = parents[root] = parents[parents[root] ?? root] ?? root;
    return root;
  };
  return { find, join: (one, other) => (parents[find(one)] = find(other)) };
}

/**
 * Divides 70/15/15 by cluster, stratified by class and site.
 *
 * The same photograph under two names would be learned in training and recognised in the test, so exact and nearly
 * exact copies leave (the one with a known patient stays), drawn masks leave, and whatever shares a patient or looks
 * alike stays together. External images are never divided; an external image that is also inside leaves the external set.
 */
export function splitCollection(
  listed: readonly Listed[],
  images: (index: number) => Uint8Array,
  pairs: readonly Pair[],
  broken: ReadonlyMap<number, string>,
  seed: number,
): Split {
  const refusedAt = new Map<number, string>();
  const digests = listed.map((_, index) => pixelDigest(images(index)));
  listed.forEach((_, index) => {
    const cause = broken.get(index);
    if (cause !== undefined) refusedAt.set(index, `broken: ${cause}`);
    else if (looksLikeMask(images(index))) refusedAt.set(index, 'mask');
  });
  const copies: Pair[] = [...sameDigest(digests), ...pairs.filter(({ correlation }) => correlation > SAME)];
  for (const { one, other } of copies) {
    if (refusedAt.has(one) || refusedAt.has(other)) continue;
    const [kept, left] = keepFirst(listed, one, other) ? [one, other] : [other, one];
    refusedAt.set(left, `copy of ${listed[kept]?.file}`);
  }
  const { find, join } = unionFind(listed.length);
  for (const { one, other } of [...pairs, ...copies]) {
    if (listed[one]?.external === listed[other]?.external) join(one, other);
  }
  const firstOf = new Map<string, number>();
  listed.forEach(({ patient, group, external }, index) => {
    for (const key of [patient && `p ${patient}`, group && `g ${group}`]) {
      if (!key) continue;
      const whole = `${external} ${key}`;
      const first = firstOf.get(whole);
      if (first === undefined) firstOf.set(whole, index);
      else join(first, index);
    }
  });
  const kept = listed
    .map((item, index) => ({ ...item, index, cluster: find(index), pixels: digests[index] ?? '' }))
    .filter(({ index }) => !refusedAt.has(index));
  const parts = assignParts(
    kept.filter(({ external }) => !external),
    seed,
  );
  const items = kept.map((item): SplitItem => ({
    ...item,
    part: item.external ? 'external' : (parts.get(item.cluster) ?? 'train'),
  }));
  const refused = [...refusedAt]
    .sort(([one], [other]) => one - other)
    .map(([index, reason]) => ({ file: listed[index]?.file ?? '', reason }));
  return { seed, items, refused };
}

function sameDigest(digests: readonly string[]): Pair[] {
  const first = new Map<string, number>();
  return digests.flatMap((digest, other) => {
    const one = first.get(digest);
    if (one === undefined) first.set(digest, other);
    return one === undefined ? [] : [{ one, other, correlation: 1 }];
  });
}

/** Training images stay before external ones, and known patients before unknown. */
function keepFirst(listed: readonly Listed[], one: number, other: number): boolean {
  const rank = (index: number): number => {
    const item = listed[index];
    return (item?.external ? 2 : 0) + (item?.patient ? 0 : 1);
  };
  return rank(one) <= rank(other);
}

interface Clustered {
  cluster: number;
  label: string;
  site: string;
}

/** Cluster by cluster in random order, each to the part that lacks most of its stratum. */
function assignParts(items: readonly Clustered[], seed: number): Map<number, keyof typeof SHARES> {
  const clusters = new Map<number, Clustered[]>();
  for (const item of items) clusters.set(item.cluster, [...(clusters.get(item.cluster) ?? []), item]);
  const strata = new Map<string, { cluster: number; size: number }[]>();
  for (const [cluster, members] of clusters) {
    const stratum = mostFrequent(members.map(({ label, site }) => `${label}|${site}`));
    strata.set(stratum, [...(strata.get(stratum) ?? []), { cluster, size: members.length }]);
  }
  const parts = new Map<number, keyof typeof SHARES>();
  for (const [stratum, members] of [...strata].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const total = members.reduce((sum, { size }) => sum + size, 0);
    const lack = Object.entries(SHARES).map(([part, share]) => ({
      part: part as keyof typeof SHARES,
      lack: share * total,
    }));
    for (const { cluster, size } of shuffle(members, seededRandom(derivedSeed(seed, 'split', stratum)))) {
      const neediest = lack.reduce((most, each) => (each.lack > most.lack ? each : most));
      neediest.lack -= size;
      parts.set(cluster, neediest.part);
    }
  }
  return parts;
}

function mostFrequent(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0] ?? '';
}

/** Classes whose images all come from one site: the network could learn the site instead of the finding. */
export function singleSiteClasses(items: readonly SplitItem[]): string[] {
  const sites = new Map<string, Set<string>>();
  for (const { label, site, external } of items) {
    if (!external) sites.set(label, (sites.get(label) ?? new Set()).add(site));
  }
  return [...sites].filter(([, each]) => each.size < 2).map(([label]) => label);
}

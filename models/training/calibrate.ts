import { deployedGraph } from './deployed-graph.ts';
import { fitDistance } from './distance-fit.ts';
import { FOREIGN_KINDS, foreignImage } from './foreign-images.ts';
import { fitGate } from './gate-fit.ts';
import { infer } from './infer.ts';
import { LABELS } from './labels.ts';
import { negativeLogLikelihood, softmaxRows } from './metrics.ts';
import { EMBEDDING } from './mobilenet.ts';
import type { PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { derivedSeed, seededRandom } from './random.ts';
import type { SplitItem } from './split.ts';
import { tensor, type Weights } from './tensor.ts';

/** Share of validation images that each check may refuse. */
const REFUSED = 0.005;
const HIGHEST_GATE_MINIMUM = 0.9;
/** Of a small collection fewer: foreign images do not outnumber its own. */
const FOREIGN_PER_KIND = 250;

export interface Checks {
  weights: Weights;
  temperature: number;
  gateMinimum: number;
  distanceLimits: [number, number];
}

/** The value below which `share` of the values lie (nearest rank). */
export function percentile(values: Float32Array | readonly number[], share: number): number {
  const sorted = Float32Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

/** The temperature with the least negative log-likelihood (Guo et al. 2017), by golden section on its logarithm. */
export function fitTemperature(logits: Float32Array, truth: readonly number[]): number {
  const loss = (log: number): number => negativeLogLikelihood(softmaxRows(logits, Math.exp(log)), truth);
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.2), Math.log(5)];
  for (let step = 0; step < 40; step++) {
    const [one, other] = [high - golden * (high - low), low + golden * (high - low)];
    if (loss(one) < loss(other)) high = other;
    else low = one;
  }
  return Math.exp((low + high) / 2);
}

/**
 * Third stage: temperature and limits from the validation part, gate and distance from the embeddings of the training
 * part. Neither test nor external images are looked at.
 */
export async function calibrate(
  trained: Weights,
  store: PixelStore,
  items: readonly SplitItem[],
  seed: number,
  progress: Progress,
  threads = 1,
): Promise<Checks> {
  const train = items.filter(({ part }) => part === 'train');
  const validation = items.filter(({ part }) => part === 'validation');
  const images = (of: readonly SplitItem[]): { count: number; image: (row: number) => Uint8Array } => ({
    count: of.length,
    image: (row) => store.image(of[row]?.index ?? 0),
  });
  const graph = deployedGraph(trained);
  const inside = await infer(graph, images(train), ['embedding'], progress, 'training set', threads);
  const foreign = await infer(
    graph,
    foreignImages(store, train, seed),
    ['embedding'],
    progress,
    'foreign images',
    threads,
  );
  const held = await infer(graph, images(validation), ['logits'], progress, 'validation', threads);
  const truth = validation.map(({ label }) => LABELS.indexOf(label));
  const temperature = fitTemperature(held['logits'] ?? new Float32Array(), truth);
  const known = inside['embedding'] ?? new Float32Array();
  const strange = foreign['embedding'] ?? new Float32Array();
  const all = new Float32Array(known.length + strange.length);
  all.set(known);
  all.set(strange, known.length);
  const modality = [
    ...train.map((item) => (item.modality === 'chest' ? 0 : 1)),
    ...Array.from({ length: strange.length / EMBEDDING }, () => 2),
  ];
  const groups = train.map(({ label, modality: kind }) => LABELS.indexOf(label) * 2 + (kind === 'chest' ? 0 : 1));
  const weights: Weights = new Map([
    ...trained,
    ['temperature', tensor([], Float32Array.of(temperature))],
    ...fitGate({ rows: modality.length, width: EMBEDDING, data: all }, modality),
    ...(await fitDistance({ rows: train.length, width: EMBEDDING, data: known }, groups)),
  ]);
  const checked = await infer(
    deployedGraph(weights),
    images(validation),
    ['gate', 'distance'],
    progress,
    'limits',
    threads,
  );
  return {
    weights,
    temperature,
    ...limits(checked['gate'] ?? new Float32Array(), checked['distance'] ?? new Float32Array()),
  };
}

function limits(gate: Float32Array, distance: Float32Array): Pick<Checks, 'gateMinimum' | 'distanceLimits'> {
  const rows = gate.length / 3;
  const sure = Float32Array.from({ length: rows }, (_, row) => Math.max(gate[3 * row] ?? 0, gate[3 * row + 1] ?? 0));
  const column = (which: number): Float32Array =>
    Float32Array.from({ length: rows }, (_, row) => distance[2 * row + which] ?? 0);
  return {
    gateMinimum: Math.min(HIGHEST_GATE_MINIMUM, percentile(sure, REFUSED)),
    distanceLimits: [percentile(column(0), 1 - REFUSED), percentile(column(1), 1 - REFUSED)],
  };
}

function foreignImages(
  store: PixelStore,
  train: readonly SplitItem[],
  seed: number,
): { count: number; image: (row: number) => Uint8Array } {
  const perKind = Math.min(FOREIGN_PER_KIND, Math.ceil(train.length / FOREIGN_KINDS.length));
  return {
    count: perKind * FOREIGN_KINDS.length,
    image: (row) => {
      const random = seededRandom(derivedSeed(seed, 'foreign', row));
      const pick = (): Uint8Array => store.image(train[Math.floor(random() * train.length)]?.index ?? 0);
      return foreignImage(FOREIGN_KINDS[row % FOREIGN_KINDS.length] ?? 'noise', pick(), pick(), random);
    },
  };
}

/** Why an image is not answered, or undefined. The same rule as the server's. */
export function refusal(
  gate: ArrayLike<number>,
  distance: ArrayLike<number>,
  { gateMinimum, distanceLimits }: Pick<Checks, 'gateMinimum' | 'distanceLimits'>,
): 'gate' | 'distance' | undefined {
  const [chest = 0, cardiac = 0, other = 0] = Array.from(gate);
  const sure = Math.max(chest, cardiac);
  if (other >= sure || sure < gateMinimum) return 'gate';
  return (distance[0] ?? 0) > distanceLimits[0] || (distance[1] ?? 0) > distanceLimits[1] ? 'distance' : undefined;
}

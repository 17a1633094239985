import { average, adamStep, freshAdam } from './adam.ts';
import { augment } from './augment.ts';
import { classWeights, lossFeeds } from './batches.ts';
import { deployedGraph } from './deployed-graph.ts';
import { freshHead, neutralChecks } from './head-weights.ts';
import { infer } from './infer.ts';
import { EMBEDDING } from './mobilenet.ts';
import type { PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { derivedSeed, seededRandom, shuffle } from './random.ts';
import { floatTensor, openGraph, weightFeeds, type Feeds } from './session.ts';
import { copyWeights, type Weights } from './tensor.ts';
import { headTrainingGraph } from './trainable-graph.ts';
import { rateFactor, type TrainingSettings } from './training-settings.ts';

const BATCH = 128;

/**
 * First stage: the new head alone, on embeddings of the frozen network (computed once for each image and for a few
 * augmented copies). Random dense layers would send noise into the network below; after this stage they do not.
 *
 * @param items pixel index and true class of every training image.
 * @returns base weights with a trained head and neutral checks.
 */
export async function trainHead(
  base: Weights,
  store: PixelStore,
  items: readonly { index: number; truth: number }[],
  settings: TrainingSettings,
  progress: Progress,
): Promise<Weights> {
  const weights: Weights = new Map([...copyWeights(base), ...freshHead(settings.seed), ...neutralChecks()]);
  const copies = 1 + settings.headCopies;
  const image = (row: number): Uint8Array => {
    const plain = store.image(items[Math.floor(row / copies)]?.index ?? 0);
    const copy = row % copies;
    return copy === 0
      ? plain
      : augment(plain, seededRandom(derivedSeed(settings.seed, 'head', row)), settings.augmentation);
  };
  const images = { count: items.length * copies, image };
  const { embedding = new Float32Array() } = await infer(
    deployedGraph(weights),
    images,
    ['embedding'],
    progress,
    'embeddings',
    settings.threads,
  );
  const training = headTrainingGraph(weights);
  const runner = await openGraph(training.file, settings.threads);
  const state = freshAdam(weights, training.parameters);
  const averaged = copyWeights(weights);
  const perClass = classWeights(
    items.map(({ truth }) => truth),
    settings.balance,
  );
  const random = seededRandom(derivedSeed(settings.seed, 'head training'));
  const rows = Array.from({ length: images.count }, (_, row) => row);
  const perEpoch = Math.ceil(rows.length / BATCH);
  const bar = progress('head', settings.headEpochs * perEpoch);
  let loss = 0;
  for (let step = 0; step < settings.headEpochs * perEpoch; step++) {
    const inEpoch = step % perEpoch;
    if (inEpoch === 0) shuffle(rows, random);
    const chosen = rows.slice(inEpoch * BATCH, (inEpoch + 1) * BATCH);
    const data = new Float32Array(chosen.length * EMBEDDING);
    chosen.forEach((row, at) => data.set(embedding.subarray(row * EMBEDDING, (row + 1) * EMBEDDING), at * EMBEDDING));
    const truth = chosen.map((row) => items[Math.floor(row / copies)]?.truth ?? 0);
    const feeds: Feeds = {
      embedding: floatTensor(data, [chosen.length, EMBEDDING]),
      ...lossFeeds(truth, perClass, settings, random),
      ...weightFeeds(weights, training.parameters),
    };
    const results = await runner.run(feeds);
    loss = results['loss']?.[0] ?? Number.NaN;
    const gradients = new Map(training.parameters.map((name) => [name, results[`grad:${name}`] ?? new Float32Array()]));
    const rate = settings.headRate * rateFactor(step, settings.headEpochs * perEpoch, perEpoch / 2);
    adamStep(weights, gradients, state, () => rate);
    average(averaged, weights, training.parameters, Math.min(settings.averageKeep, (step + 1) / (step + 10)));
    bar(step + 1, `loss ${loss.toFixed(4)}`);
  }
  await runner.close();
  return averaged;
}

import { beforeAll, describe, expect, it } from 'vitest';
import { adamStep, average, freshAdam } from '../../models/training/adam.ts';
import { classWeights, lossFeeds } from '../../models/training/batches.ts';
import { deployedGraph } from '../../models/training/deployed-graph.ts';
import { freshHead, neutralChecks } from '../../models/training/head-weights.ts';
import { readBase } from '../../models/training/import-base.ts';
import { LABELS } from '../../models/training/labels.ts';
import { blockOutput } from '../../models/training/mobilenet.ts';
import { fold, statisticsGraph, trainedLayers, unfold } from '../../models/training/normalisation.ts';
import { StatisticsSum } from '../../models/training/statistics.ts';
import { toThreeChannels } from '../../models/training/pixels.ts';
import { seededRandom } from '../../models/training/random.ts';
import { floatTensor, imageTensor, openGraph, weightFeeds, type Feeds } from '../../models/training/session.ts';
import { copyWeights, named, tensor, type Weights } from '../../models/training/tensor.ts';
import {
  batchStatisticsGraph,
  fineTuningGraph,
  frozenGraph,
  headTrainingGraph,
} from '../../models/training/trainable-graph.ts';
import { EPSILON } from '../../models/training/training-layers.ts';
import { madeImage } from './made-images.ts';
import { SHIPPED } from './shipped.ts';

const COUNT = 4;
let weights: Weights;
const truth = Array.from({ length: COUNT }, (_, index) => index % LABELS.length);
const image = imageTensor(toThreeChannels(truth.map((label, index) => madeImage(label, index))), COUNT);

beforeAll(() => {
  weights = new Map([...readBase(SHIPPED.model), ...freshHead(1), ...neutralChecks()]);
});

/** What the images' own statistics make of the network: the normalised form says the same for these images. */
async function unfolded(from: number): Promise<{ start: Weights; features: Feeds }> {
  const results = await once(statisticsGraph(weights, from), { image });
  const sum = new StatisticsSum();
  for (const layer of trainedLayers(from))
    sum.add(layer, result(results, `mean:${layer}`), result(results, `square:${layer}`));
  const found = await once(frozenGraph(weights, from), { image });
  const features = floatTensor(result(found, 'features'), [COUNT, ...blockOutput(from - 1)]);
  return { start: unfold(weights, sum.result()), features: { features } };
}

async function once(graph: Uint8Array, feeds: Feeds): Promise<Record<string, Float32Array>> {
  const runner = await openGraph(graph);
  const results = await runner.run(feeds);
  await runner.close();
  return results;
}

function result(results: Record<string, Float32Array>, name: string): Float32Array {
  const found = results[name];
  if (!found) throw new Error(`no ${name}`);
  return found;
}

function feedsOf(from: Weights, parameters: readonly string[], features: Feeds): Feeds {
  return {
    ...features,
    ...lossFeeds(
      truth,
      LABELS.map(() => 1),
      { labelSmoothing: 0.05, dropout: 0 },
      seededRandom(3),
    ),
    ...weightFeeds(from, parameters),
  };
}

describe('the training graph', () => {
  // Block 6 halves a large map, block 12 keeps one, block 13 halves a small one, block 16 keeps one.
  it.each([
    [6, /^block6\./],
    [12, /^(block1[236]|top|head)\b/],
  ])('has the gradient of its own loss in every tensor from block %i on', async (from, looked) => {
    const { start, features } = await unfolded(from);
    const { file, parameters } = fineTuningGraph(start, from);
    const runner = await openGraph(file);
    const feeds = feedsOf(start, parameters, features);
    const results = await runner.run(feeds);
    for (const name of parameters.filter((each) => looked.test(each))) {
      const gradient = result(results, `grad:${name}`);
      const { dims, data } = named(start, name);
      const square = gradient.reduce((sum, value) => sum + value * value, 0);
      // Moving along the gradient by a step changes the loss by step x |gradient|^2; ReLU6 bends, so the step is small.
      // The next normalisation takes the shift of a projection out again: its gradient is nothing but rounding.
      const isIdle = name.endsWith('.project.shift');
      const step = isIdle ? 0.1 / Math.sqrt(square) : 5e-4 / square;
      const lossAt = async (sign: number): Promise<number> => {
        const moved = floatTensor(
          data.map((value, at) => value + sign * step * (gradient[at] ?? 0)),
          dims,
        );
        return (await runner.run({ ...feeds, [name]: moved }, ['loss']))['loss']?.[0] ?? Number.NaN;
      };
      if (isIdle) {
        expect(square, name).toBeLessThan(1e-8);
        expect(await lossAt(1), name).toBeCloseTo(result(results, 'loss')[0] ?? Number.NaN, 4);
        continue;
      }
      const ratio = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step * square);
      expect(ratio, name).toBeGreaterThan(0.95);
      expect(ratio, name).toBeLessThan(1.05);
    }
    await runner.close();
  });

  it.each([7, 13, 17])(
    'says the same as the deployed graph, unfolded from block %i on and folded again',
    async (from) => {
      const deployed = result(await once(deployedGraph(weights), { image }), 'probabilities');
      const { start, features } = await unfolded(from);
      const { file, parameters } = fineTuningGraph(start, from);
      const training = await once(file, feedsOf(start, parameters, features));
      closeTo(result(training, 'probabilities'), deployed);
      const { layers } = batchStatisticsGraph(start, from);
      const sum = new StatisticsSum();
      for (const layer of layers) {
        const mean = result(training, `mean:${layer}`);
        const inverse = result(training, `inverse:${layer}`);
        sum.add(layer, mean, mean.map((value, at) => value * value + (inverse[at] ?? 0) ** -2 - EPSILON)); // prettier-ignore
      }
      const folded = fold(start, sum.result());
      expect([...folded.keys()].sort()).toEqual([...weights.keys()].sort());
      closeTo(result(await once(deployedGraph(folded), { image }), 'probabilities'), deployed);
    },
  );

  it('has the same statistics forwards only', async () => {
    const { start, features } = await unfolded(16);
    const training = fineTuningGraph(start, 16);
    const whole = await once(training.file, feedsOf(start, training.parameters, features));
    const { file, parameters } = batchStatisticsGraph(start, 16);
    const { target: _target, dropout: _dropout, ...feeds } = feedsOf(start, parameters, features);
    const forwards = await once(file, feeds);
    expect(Object.keys(forwards)).toHaveLength(8);
    for (const [name, values] of Object.entries(forwards)) expect(values, name).toEqual(whole[name]);
  });

  it('learns a few images by heart, and the same seed gives the same weights', async () => {
    const { start, features } = await unfolded(16);
    const run = async (): Promise<{ loss: number; weights: Weights }> => {
      const own = copyWeights(start);
      const { file, parameters } = fineTuningGraph(own, 16);
      const runner = await openGraph(file);
      const state = freshAdam(own, parameters);
      let loss = Number.NaN;
      for (let step = 0; step < 25; step++) {
        const results = await runner.run(feedsOf(own, parameters, features));
        loss = results['loss']?.[0] ?? Number.NaN;
        const gradients = new Map(parameters.map((name) => [name, result(results, `grad:${name}`)]));
        adamStep(own, gradients, state, (name) => (name.startsWith('head.') ? 2e-3 : 2e-4));
      }
      await runner.close();
      return { loss, weights: own };
    };
    const [first, second] = [await run(), await run()];
    // Smoothing of 0.05 over six classes keeps the loss above 0.22.
    expect(first.loss).toBeLessThan(0.35);
    expect(named(second.weights, 'top.weight').data).toEqual(named(first.weights, 'top.weight').data);
  });

  it('refuses a first block that cannot be trained', () => {
    expect(() => fineTuningGraph(weights, 0)).toThrow(RangeError);
    expect(() => fineTuningGraph(weights, 18)).toThrow(RangeError);
  });

  it('trains the head alone on embeddings', () => {
    expect(headTrainingGraph(weights).parameters).toHaveLength(4);
  });
});

function closeTo(found: Float32Array, known: Float32Array): void {
  expect(found).toHaveLength(known.length);
  found.forEach((value, at) => expect(value).toBeCloseTo(known[at] ?? Number.NaN, 4));
}

describe('Adam', () => {
  it('moves the first step by the learning rate against the sign of the gradient', () => {
    const own: Weights = new Map([['a.bias', tensor([2], Float32Array.of(1, 1))]]);
    adamStep(own, new Map([['a.bias', Float32Array.of(0.3, -2)]]), freshAdam(own, ['a.bias']), () => 0.1);
    expect([...named(own, 'a.bias').data].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([0.9, 1.1]);
  });

  it('averages towards the new weights', () => {
    const into: Weights = new Map([['a', tensor([1], Float32Array.of(0))]]);
    average(into, new Map([['a', tensor([1], Float32Array.of(1))]]), ['a'], 0.75);
    expect(named(into, 'a').data[0]).toBe(0.25);
  });
});

describe('class weights', () => {
  it('are a power of N / n with a mean of one over the images', () => {
    const found = classWeights([0, 0, 0, 0, 1], 0.5);
    expect((found[1] ?? 0) / (found[0] ?? 1)).toBeCloseTo(2);
    expect((4 * (found[0] ?? 0) + (found[1] ?? 0)) / 5).toBeCloseTo(1);
    expect(found[5]).toBe(0);
  });
});

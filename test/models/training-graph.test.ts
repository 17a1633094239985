import { beforeAll, describe, expect, it } from 'vitest';
import { adamStep, average, freshAdam } from '../../models/training/adam.ts';
import { classWeights, lossFeeds } from '../../models/training/batches.ts';
import { deployedGraph } from '../../models/training/deployed-graph.ts';
import { freshHead, neutralChecks } from '../../models/training/head-weights.ts';
import { readBase } from '../../models/training/import-base.ts';
import { LABELS } from '../../models/training/labels.ts';
import { toThreeChannels } from '../../models/training/pixels.ts';
import { seededRandom } from '../../models/training/random.ts';
import { floatTensor, imageTensor, openGraph, type Feeds } from '../../models/training/session.ts';
import { copyWeights, named, tensor, type Weights } from '../../models/training/tensor.ts';
import { fineTuningGraph, headTrainingGraph } from '../../models/training/trainable-graph.ts';
import { madeImage } from './made-images.ts';
import { SHIPPED } from './shipped.ts';

const COUNT = 4;
let weights: Weights;
const truth = Array.from({ length: COUNT }, (_, index) => index % LABELS.length);
const image = imageTensor(toThreeChannels(truth.map((label, index) => madeImage(label, index))), COUNT);

beforeAll(() => {
  weights = new Map([...readBase(SHIPPED.model), ...freshHead(1), ...neutralChecks()]);
});

function feedsOf(from: Weights, parameters: readonly string[], dropout = 0): Feeds {
  const feeds: Feeds = {
    image,
    ...lossFeeds(
      truth,
      LABELS.map(() => 1),
      { labelSmoothing: 0.05, dropout },
      seededRandom(3),
    ),
  };
  for (const name of parameters) feeds[name] = floatTensor(named(from, name).data, named(from, name).dims);
  return feeds;
}

describe('the training graph', () => {
  it('has the gradient of its own loss in every trainable tensor', async () => {
    const { file, parameters } = fineTuningGraph(weights, 13);
    const runner = await openGraph(file);
    const feeds = feedsOf(weights, parameters);
    const results = await runner.run(feeds);
    for (const name of parameters) {
      const gradient = results[`grad:${name}`] ?? new Float32Array();
      const { dims, data } = named(weights, name);
      const square = gradient.reduce((sum, value) => sum + value * value, 0);
      // Moving along the gradient by a step changes the loss by step x |gradient|^2; ReLU6 bends, so the step is small.
      const step = 2e-3 / square;
      const lossAt = async (sign: number): Promise<number> => {
        const moved = floatTensor(
          data.map((value, at) => value + sign * step * (gradient[at] ?? 0)),
          dims,
        );
        return (await runner.run({ ...feeds, [name]: moved }, ['loss']))['loss']?.[0] ?? Number.NaN;
      };
      const ratio = ((await lossAt(1)) - (await lossAt(-1))) / (2 * step * square);
      expect(ratio, name).toBeGreaterThan(0.98);
      expect(ratio, name).toBeLessThan(1.02);
    }
    await runner.close();
  });

  it('says the same as the deployed graph for the same weights', async () => {
    const { file, parameters } = fineTuningGraph(weights, 7);
    const [training, deployed] = [await openGraph(file), await openGraph(deployedGraph(weights))];
    const one = (await training.run(feedsOf(weights, parameters), ['probabilities']))['probabilities'] ?? [];
    const other = (await deployed.run({ image }, ['probabilities']))['probabilities'] ?? [];
    Array.from(one).forEach((value, at) => expect(value).toBeCloseTo(other[at] ?? Number.NaN, 4));
    await training.close();
    await deployed.close();
  });

  it('learns a few images by heart, and the same seed gives the same weights', async () => {
    const run = async (): Promise<{ loss: number; weights: Weights }> => {
      const own = copyWeights(weights);
      const { file, parameters } = fineTuningGraph(own, 16);
      const runner = await openGraph(file);
      const state = freshAdam(own, parameters);
      let loss = Number.NaN;
      for (let step = 0; step < 25; step++) {
        const results = await runner.run(feedsOf(own, parameters));
        loss = results['loss']?.[0] ?? Number.NaN;
        const gradients = new Map(parameters.map((name) => [name, results[`grad:${name}`] ?? new Float32Array()]));
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
  it('are sqrt(N / n) with a mean of one over the images', () => {
    const found = classWeights([0, 0, 0, 0, 1]);
    expect((found[1] ?? 0) / (found[0] ?? 1)).toBeCloseTo(2);
    expect((4 * (found[0] ?? 0) + (found[1] ?? 0)) / 5).toBeCloseTo(1);
    expect(found[5]).toBe(0);
  });
});

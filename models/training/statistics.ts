import type { FeatureSource } from './feature-source.ts';
import { statisticsGraph, trainedLayers } from './normalisation.ts';
import { toThreeChannels, type PixelStore } from './pixels.ts';
import { imageTensor, openGraph, weightFeeds } from './session.ts';
import { batchStatisticsGraph } from './trainable-graph.ts';
import { EPSILON } from './training-layers.ts';
import type { Weights } from './tensor.ts';
import type { TrainingSettings } from './training-settings.ts';

/** Mean and variance of a convolution's result, one number a channel, over images and places. */
export interface Statistics {
  mean: Float32Array;
  variance: Float32Array;
}

/** Gathers the statistics of batches into those of all their images (law of total variance). */
export class StatisticsSum {
  readonly #sums = new Map<string, { mean: Float64Array; square: Float64Array; batches: number }>();

  /** @param square mean of squares, one number a channel. */
  add(layer: string, mean: Float32Array, square: Float32Array): void {
    const fresh = { mean: new Float64Array(mean.length), square: new Float64Array(mean.length), batches: 0 };
    const sum = this.#sums.get(layer) ?? fresh;
    this.#sums.set(layer, sum);
    sum.batches++;
    mean.forEach((value, channel) => (sum.mean[channel]! += value));
    square.forEach((value, channel) => (sum.square[channel]! += value));
  }

  result(): Map<string, Statistics> {
    return new Map(
      [...this.#sums].map(([layer, { mean, square, batches }]) => [
        layer,
        {
          mean: Float32Array.from(mean, (sum) => sum / batches),
          variance: Float32Array.from(square, (sum, at) =>
            Math.max(0, sum / batches - ((mean[at] ?? 0) / batches) ** 2),
          ),
        },
      ]),
    );
  }
}

/** Statistics of the imported network, whose convolutions carry their bias, over some images. */
export async function networkStatistics(
  folded: Weights,
  store: PixelStore,
  sample: readonly number[],
  settings: TrainingSettings,
): Promise<Map<string, Statistics>> {
  const runner = await openGraph(statisticsGraph(folded, settings.fromBlock), settings.threads);
  const sum = new StatisticsSum();
  for (const indices of batched(sample, settings.batch)) {
    const images = indices.map((index) => store.image(index));
    const results = await runner.run({ image: imageTensor(toThreeChannels(images), images.length) });
    for (const layer of trainedLayers(settings.fromBlock))
      sum.add(layer, results[`mean:${layer}`] ?? new Float32Array(), results[`square:${layer}`] ?? new Float32Array());
  }
  await runner.close();
  return sum.result();
}

/** Statistics of the normalised network, batch by batch as in training. */
export async function batchStatistics(
  weights: Weights,
  features: FeatureSource,
  sample: readonly number[],
  settings: TrainingSettings,
): Promise<Map<string, Statistics>> {
  const { file, parameters, layers } = batchStatisticsGraph(weights, settings.fromBlock);
  const runner = await openGraph(file, settings.threads);
  const feeds = weightFeeds(weights, parameters);
  const sum = new StatisticsSum();
  for (const indices of batched(sample, settings.batch)) {
    const results = await runner.run({ ...feeds, features: await features.next({ indices }) });
    for (const layer of layers) {
      const mean = results[`mean:${layer}`] ?? new Float32Array();
      const inverse = results[`inverse:${layer}`] ?? new Float32Array();
      sum.add(layer, mean, mean.map((value, at) => value * value + (inverse[at] ?? 0) ** -2 - EPSILON)); // prettier-ignore
    }
  }
  await runner.close();
  return sum.result();
}

/** Whole batches only, unless there is less than one. */
function batched(indices: readonly number[], size: number): number[][] {
  const count = Math.max(1, Math.floor(indices.length / size));
  return Array.from({ length: count }, (_, at) => indices.slice(at * size, (at + 1) * size));
}

import { BLOCKS, blocks, convolutionNames, IMAGE_SIDE, scaleImage, topMap } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { named, tensor, type Weights } from './tensor.ts';
import type { Statistics } from './statistics.ts';
import { EPSILON } from './training-layers.ts';

/** Convolutions that are trained when blocks `from` to 16 and the last convolution are. */
export function trainedLayers(from: number): string[] {
  return convolutionNames().filter((name) => {
    const block = /^block(\d+)\./.exec(name)?.[1];
    return name === 'top' || (block !== undefined && Number(block) >= from);
  });
}

/**
 * The network of folded weights with the statistics of each trained convolution as results: `mean:<layer>` and
 * `square:<layer>` (mean of squares), [C] each, for the images of one batch.
 */
export function statisticsGraph(weights: Weights, from: number): Uint8Array {
  const graph = new OnnxGraph('statistics');
  const image = graph.input('image', 'uint8', ['N', IMAGE_SIDE, IMAGE_SIDE, 3]);
  const wanted = new Set(trainedLayers(from));
  const watch = (layer: string, value: string): void => {
    if (!wanted.has(layer)) return;
    const dims = named(weights, `${layer}.bias`).dims;
    const mean = (of: string): string => graph.op('ReduceMean', [of], { axes: [0, 2, 3], keepdims: 0 });
    graph.output(mean(value), `mean:${layer}`, 'float32', dims);
    graph.output(mean(graph.op('Mul', [value, value])), `square:${layer}`, 'float32', dims);
  };
  const hooks = { watch };
  topMap(graph, weights, blocks(graph, weights, scaleImage(graph, image), 0, BLOCKS.length - 1, hooks), hooks);
  return graph.finish();
}

/**
 * Takes batch normalisation out of the convolutions again: rows of length 1, the deviation as `scale`, the mean as
 * `shift`. For images with these statistics the network computes what it did before.
 *
 * Rows of one length are what makes one learning rate fit all channels; folded weights differ by factors of a thousand.
 */
export function unfold(weights: Weights, statistics: ReadonlyMap<string, Statistics>): Weights {
  const result: Weights = new Map(weights);
  for (const [layer, { mean, variance }] of statistics) {
    const { dims, data } = named(weights, `${layer}.weight`);
    const width = data.length / mean.length;
    const rows = data.slice();
    const scale = new Float32Array(mean.length);
    for (let channel = 0; channel < mean.length; channel++) {
      const row = rows.subarray(channel * width, (channel + 1) * width);
      const length = Math.hypot(...row) || 1;
      row.forEach((value, at) => (row[at] = value / length));
      scale[channel] = Math.sqrt((variance[channel] ?? 0) + EPSILON * length * length);
    }
    result.delete(`${layer}.bias`);
    result.set(`${layer}.weight`, tensor(dims, rows));
    result.set(`${layer}.scale`, tensor([mean.length], scale));
    result.set(`${layer}.shift`, tensor([mean.length], mean.slice()));
  }
  return result;
}

/** The opposite: plain convolutions with a bias, which is how the network is served. `statistics` are of the rows. */
export function fold(weights: Weights, statistics: ReadonlyMap<string, Statistics>): Weights {
  const result: Weights = new Map(weights);
  for (const [layer, { mean, variance }] of statistics) {
    const { dims, data } = named(weights, `${layer}.weight`);
    const [scale, shift] = [named(weights, `${layer}.scale`).data, named(weights, `${layer}.shift`).data];
    const width = data.length / mean.length;
    const factor = scale.map((value, channel) => value / Math.sqrt((variance[channel] ?? 0) + EPSILON));
    result.delete(`${layer}.scale`);
    result.delete(`${layer}.shift`);
    result.set(`${layer}.weight`, tensor(dims, data.map((value, at) => value * (factor[Math.floor(at / width)] ?? 0)))); // prettier-ignore
    result.set(`${layer}.bias`, tensor([mean.length], shift.map((value, channel) => value - (factor[channel] ?? 0) * (mean[channel] ?? 0)))); // prettier-ignore
  }
  return result;
}

import { BLOCKS, blocks, convolutionNames, IMAGE_SIDE, scaleImage, topMap, type Hooks } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { toThreeChannels, type PixelStore } from './pixels.ts';
import type { Progress } from './progress.ts';
import { isQuantised, quantised, withRanges } from './quantise.ts';
import { imageTensor, openGraph } from './session.ts';
import { named, tensor, type Weights } from './tensor.ts';

/** Images of the training part that a quantisation is fitted to. */
export interface Sample {
  store: PixelStore;
  indices: readonly number[];
}

/** Few at a time: the wide early maps then stay in the processor's cache. */
const BATCH = 4;
/** Biases are corrected layer by layer, each by a pass of its own: fewer images do. */
const BIAS_IMAGES = 128;
/** ReLU6 cuts here. */
const CEILING = 6;
/** Where the highest value of a stretched channel comes to lie: what an unseen image brings more has room. */
const AIM = 5.5;
/** A channel that hardly ever speaks is not made louder than this. */
const MOST_STRETCH = 1000;

/**
 * Makes a network ready to be served in 8 bits, without training: channels stretched to one range, ranges of all results
 * measured, biases corrected for what rounding shifts (Nagel et al. 2019, "Data-Free Quantization", sections 4.1
 * and 4.2, with measured instead of assumed statistics).
 *
 * @param folded plain convolutions with biases, as `fineTune` returns them.
 * @returns weights that `deployedGraph` writes down in 8 bits. In float32 they are not to be used: the corrections undo
 * errors that float32 does not make.
 */
export async function fitQuantisation(folded: Weights, sample: Sample, progress: Progress): Promise<Weights> {
  const stretched = equalise(folded, await channelMaxima(folded, sample, progress));
  const ranged = withRanges(stretched, await measureRanges(stretched, sample, progress));
  return correctBiases(stretched, ranged, sample, progress);
}

/**
 * Runs the network over the sample with hooks that declare outputs, which are handed over batch by batch.
 *
 * @param options.last convolution that is of interest; what follows its block is left out.
 */
async function watchNetwork(
  weights: Weights,
  { store, indices }: Sample,
  hooksOf: (graph: OnnxGraph) => Hooks,
  seen: (results: Record<string, Float32Array>, images: number) => void,
  { last = 'top', bar = () => undefined }: { last?: string | undefined; bar?: ReturnType<Progress> } = {},
): Promise<void> {
  const graph = new OnnxGraph('watched');
  const image = graph.input('image', 'uint8', ['N', IMAGE_SIDE, IMAGE_SIDE, 3]);
  const start = isQuantised(weights)
    ? quantised(graph, weights, image)
    : { scaled: scaleImage(graph, image), hooks: {} };
  const hooks = { ...start.hooks, ...hooksOf(graph) };
  const end = BLOCKS.findIndex(({ name }) => last.startsWith(`${name}.`));
  const to = last === 'top' ? BLOCKS.length - 1 : Math.max(0, end);
  const features = blocks(graph, weights, start.scaled, 0, to, hooks);
  if (last === 'top') topMap(graph, weights, features, hooks);
  const runner = await openGraph(graph.finish());
  for (let from = 0; from < indices.length; from += BATCH) {
    const images = indices.slice(from, from + BATCH).map((index) => store.image(index));
    seen(await runner.run({ image: imageTensor(toThreeChannels(images), images.length) }), images.length);
    bar(from + images.length);
  }
  await runner.close();
}

/** Highest value of each channel behind a ReLU6, by convolution. */
export async function channelMaxima(
  weights: Weights,
  sample: Sample,
  progress: Progress,
): Promise<Map<string, Float32Array>> {
  const maxima = new Map<string, Float32Array>();
  await watchNetwork(
    weights,
    sample,
    (graph) => ({
      settle: (place, value) => {
        if (/\.(project|sum)$/.test(place)) return value;
        const channels = named(weights, `${place}.bias`).dims;
        graph.output(graph.op('ReduceMax', [value], { axes: [0, 2, 3], keepdims: 0 }), place, 'float32', channels);
        return value;
      },
    }),
    (results) => {
      for (const [place, found] of Object.entries(results)) {
        const known = maxima.get(place) ?? new Float32Array(found.length);
        maxima.set(place, known.map((value, channel) => Math.max(value, found[channel] ?? 0))); // prettier-ignore
      }
    },
    { bar: progress('channels', sample.indices.length) },
  );
  return maxima;
}

/**
 * Stretches every channel between two convolutions so that its highest value comes near the ceiling of ReLU6, and takes
 * the factor back in the weights that read it. The network computes what it did; but all channels now fill the one scale
 * that they share, and no loud weight on a silent channel takes the steps from the others.
 *
 * @param maxima highest value of each channel behind a ReLU6, by convolution.
 */
export function equalise(folded: Weights, maxima: ReadonlyMap<string, Float32Array>): Weights {
  const result: Weights = new Map(folded);
  const editable = (name: string): Float32Array => {
    const { dims, data } = named(result, name);
    const copy = tensor(dims, data.slice());
    result.set(name, copy);
    return copy.data;
  };
  for (const [writer, reader] of readersOf()) {
    const [weight, bias, reading] = [editable(`${writer}.weight`), editable(`${writer}.bias`), editable(`${reader}.weight`)]; // prettier-ignore
    const factors = bias.map((_, channel) => stretch(maxima.get(writer)?.[channel] ?? CEILING));
    const width = weight.length / bias.length;
    weight.forEach((value, at) => (weight[at] = value * (factors[Math.floor(at / width)] ?? 1)));
    bias.forEach((value, channel) => (bias[channel] = value * (factors[channel] ?? 1)));
    // A depthwise convolution has a row for each input channel, any other a column.
    const channelOf = reader.endsWith('.depthwise')
      ? (at: number): number => Math.floor(at / (reading.length / bias.length))
      : (at: number): number => at % bias.length;
    reading.forEach((value, at) => (reading[at] = value / (factors[channelOf(at)] ?? 1)));
  }
  return result;
}

function stretch(most: number): number {
  if (most >= AIM) return 1;
  return Math.min(MOST_STRETCH, AIM / Math.max(most, AIM / MOST_STRETCH));
}

/** Pairs of convolutions with nothing but a ReLU6 between them. */
function readersOf(): [writer: string, reader: string][] {
  return BLOCKS.flatMap(({ name, expands }): [string, string][] => [
    [expands ? `${name}.expand` : 'stem', `${name}.depthwise`],
    [`${name}.depthwise`, `${name}.project`],
  ]);
}

/** Ranges of all results: the mean over images of each one's extremes, so that one odd image does not coarsen all others. */
export async function measureRanges(
  weights: Weights,
  sample: Sample,
  progress: Progress,
): Promise<Map<string, { low: number; high: number }>> {
  const ranges = new Map<string, { low: number; high: number }>();
  await watchNetwork(
    weights,
    sample,
    (graph) => ({
      settle: (place, value) => {
        const extreme = (operation: string): string => graph.op(operation, [value], { axes: [1, 2, 3], keepdims: 0 });
        graph.output(extreme('ReduceMin'), `low:${place}`, 'float32', ['N']);
        graph.output(extreme('ReduceMax'), `high:${place}`, 'float32', ['N']);
        ranges.set(place, { low: 0, high: 0 });
        return value;
      },
    }),
    (results) => {
      for (const [place, range] of ranges) {
        results[`low:${place}`]?.forEach((value) => (range.low += value / sample.indices.length));
        results[`high:${place}`]?.forEach((value) => (range.high += value / sample.indices.length));
      }
    },
    { bar: progress('ranges', sample.indices.length) },
  );
  return ranges;
}

/**
 * Moves each bias by the mean that rounding has added to its channel's results, in the order of execution: an error
 * upstream would otherwise be corrected again by every layer behind it.
 */
export async function correctBiases(
  plain: Weights,
  ranged: Weights,
  sample: Sample,
  progress: Progress,
): Promise<Weights> {
  const some = { ...sample, indices: sample.indices.slice(0, BIAS_IMAGES) };
  const wanted = await channelMeans(plain, some, convolutionNames());
  const corrected: Weights = new Map(ranged);
  const bar = progress('biases', wanted.size);
  let done = 0;
  for (const [layer, want] of wanted) {
    const have = (await channelMeans(corrected, some, [layer])).get(layer);
    const bias = named(corrected, `${layer}.bias`);
    const moved = bias.data.map((value, channel) => value + (want[channel] ?? 0) - (have?.[channel] ?? 0));
    corrected.set(`${layer}.bias`, tensor(bias.dims, moved));
    bar(++done);
  }
  return corrected;
}

/** Mean result of some convolutions, before ReLU6, by channel. @param layers in the order of execution */
async function channelMeans(
  weights: Weights,
  sample: Sample,
  layers: readonly string[],
): Promise<Map<string, Float32Array>> {
  const means = new Map<string, Float32Array>();
  await watchNetwork(
    weights,
    sample,
    (graph) => ({
      watch: (layer, value) => {
        if (!layers.includes(layer)) return;
        const channels = named(weights, `${layer}.bias`).dims;
        graph.output(graph.op('ReduceMean', [value], { axes: [0, 2, 3], keepdims: 0 }), layer, 'float32', channels);
      },
    }),
    (results, images) => {
      for (const [layer, found] of Object.entries(results)) {
        const sum = means.get(layer) ?? new Float32Array(found.length);
        means.set(layer, sum.map((value, channel) => value + ((found[channel] ?? 0) * images) / sample.indices.length)); // prettier-ignore
      }
    },
    { last: layers.at(-1) },
  );
  return means;
}

import type { Hooks } from './mobilenet.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { named, tensor, type Tensor, type Weights } from './tensor.ts';

/**
 * Largest quantised weight. Seven bits, not eight: processors without 8-bit dot products add two products in 16 bits,
 * and 2 x 255 x 127 does not fit there.
 */
const MOST = 63;

/** Name of the tensor [2] with lowest and highest value of a layer's result; `place` as in `Hooks.settle`. */
export function rangeName(place: string): string {
  return `${place}.range`;
}

/** Whether these weights are to be written down in 8 bits: ranges of all results were measured. */
export function isQuantised(weights: Weights): boolean {
  return weights.has(rangeName('stem'));
}

/**
 * The convolutions in 8 bits (ONNX's QuantizeLinear and DequantizeLinear around them, which runtimes fuse): weights
 * int8 with a scale for each output channel, results uint8 with one scale each, biases int32. The image is of 8 bits
 * already and loses nothing.
 *
 * @param image uint8 NHWC.
 * @returns `scaled`, the image as the first convolution takes it.
 */
export function quantised(graph: OnnxGraph, weights: Weights, image: string): { scaled: string; hooks: Hooks } {
  const scales = new Map<string, number>();
  const unpack = (packed: string, scale: number, constants: [string, string]): string => {
    const result = graph.op('DequantizeLinear', [packed, ...constants]);
    scales.set(result, scale);
    return result;
  };
  const settle = (place: string, value: string): string => {
    const { scale, zero } = step(named(weights, rangeName(place)));
    const constants = scaleConstants(graph, place, scale, zero);
    return unpack(graph.op('QuantizeLinear', [value, ...constants]), scale, constants);
  };
  const constants = (layer: string, value: string): [string, string] => {
    const input = scales.get(value);
    if (input === undefined) throw new RangeError(`the input of ${layer} is not quantised`);
    return layerConstants(graph, weights, layer, input);
  };
  const pixels = graph.op('Transpose', [image], { perm: [0, 3, 1, 2] });
  const scaled = unpack(pixels, 1 / 128, scaleConstants(graph, 'image', 1 / 128, 128));
  return { scaled, hooks: { constants, settle } };
}

/** 256 steps over a range, one of them exactly at zero: padding and ReLU6 produce many zeros. */
function step({ data: [low = 0, high = 0] }: Tensor): { scale: number; zero: number } {
  const bottom = Math.min(0, low);
  const scale = Math.max(high - bottom, 1e-6) / 255;
  return { scale, zero: Math.min(255, Math.round(-bottom / scale)) };
}

function scaleConstants(graph: OnnxGraph, place: string, scale: number, zero: number): [string, string] {
  return [
    graph.constant(`${place}.result.scale`, [], Float32Array.of(scale)),
    graph.constant(`${place}.result.zero`, [], Uint8Array.of(zero)),
  ];
}

function layerConstants(graph: OnnxGraph, weights: Weights, layer: string, inputScale: number): [string, string] {
  const weight = named(weights, `${layer}.weight`);
  const bias = named(weights, `${layer}.bias`);
  const { steps, rows } = roundedRows(weight);
  const biasSteps = steps.map((each) => each * inputScale);
  const offsets = Int32Array.from(bias.data, (value, row) => value / (biasSteps[row] ?? 1) + 0.5 * Math.sign(value));
  const unpack = (
    name: string,
    dims: readonly number[],
    packed: Int8Array | Int32Array,
    scales: Float32Array,
  ): string =>
    graph.op(
      'DequantizeLinear',
      [
        graph.constant(`${name}.quantised`, dims, packed),
        graph.constant(`${name}.scale`, [scales.length], scales),
        graph.constant(
          `${name}.zero`,
          [scales.length],
          packed instanceof Int8Array ? new Int8Array(scales.length) : new Int32Array(scales.length),
        ),
      ],
      { axis: 0 },
    );
  return [unpack(`${layer}.weight`, weight.dims, rows, steps), unpack(`${layer}.bias`, bias.dims, offsets, biasSteps)];
}

/** Each row (output channel) in whole steps of its own. */
export function roundedRows({ dims, data }: Tensor): { steps: Float32Array; rows: Int8Array } {
  const count = dims[0] ?? 1;
  const width = data.length / count;
  const steps = Float32Array.from({ length: count }, (_, row) => {
    const most = data
      .subarray(row * width, (row + 1) * width)
      .reduce((highest, value) => Math.max(highest, Math.abs(value)), 0);
    return most > 0 ? most / MOST : 1;
  });
  return { steps, rows: Int8Array.from(data, (value, at) => Math.round(value / (steps[Math.floor(at / width)] ?? 1))) };
}

/** The weights with the measured ranges beside them. */
export function withRanges(weights: Weights, ranges: ReadonlyMap<string, { low: number; high: number }>): Weights {
  return new Map([
    ...weights,
    ...[...ranges].map(
      ([place, { low, high }]) => [rangeName(place), tensor([2], Float32Array.of(low, high))] as const,
    ),
  ]);
}

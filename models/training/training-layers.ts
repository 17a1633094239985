import { EMBEDDING, MAP_AREA, MAP_SIDE, samePads } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { named, tensor, type Tensor, type Weights } from './tensor.ts';

/** Added to a variance before its root, as in PyTorch's and Keras' layers, but small: some channels are nearly still. */
export const EPSILON = 1e-6;

/** Passes a gradient from a layer's result back to its input; adds the layer's own gradients on the way. */
export type Backward = (gradient: string) => string;

export interface Layer {
  result: string;
  backward: Backward;
}

/**
 * A graph with the trainable tensors as inputs and a gradient for each.
 *
 * Maps are kept as [C, N*H*W]: a 1x1 convolution is then one matrix product and so are its two gradients
 * (dW = dY X^T, dX = W^T dY), and batch normalisation is the runtime's layer normalisation over rows.
 */
export class Recorder {
  readonly graph: OnnxGraph;
  readonly parameters: string[] = [];
  readonly gradients: [string, string][] = [];
  /** Convolutions with their batch mean [C,1] and inverse deviation [C,1], in the order of execution. */
  readonly statistics: { layer: string; mean: string; inverse: string }[] = [];
  #weights: Weights;

  constructor(name: string, weights: Weights) {
    this.graph = new OnnxGraph(name, 17);
    this.#weights = weights;
  }

  parameter(name: string): string {
    this.parameters.push(name);
    return this.graph.input(name, 'float32', this.dims(name));
  }

  dims(name: string): readonly number[] {
    return named(this.#weights, name).dims;
  }

  /** Declares the gradient of a parameter, shaped like it. */
  gradient(name: string, value: string): void {
    const shaped = this.graph.op('Reshape', [value, this.graph.integers(...this.dims(name))]);
    this.gradients.push([name, shaped]);
  }
}

/** Runs layers one after the other and gradients back through them. */
export class Chain {
  readonly #steps: Backward[] = [];

  add({ result, backward }: Layer): string {
    this.#steps.push(backward);
    return result;
  }

  readonly backward: Backward = (gradient) => this.#steps.reduceRight((each, step) => step(each), gradient);
}

export function transpose(graph: OnnxGraph, value: string, ...perm: number[]): string {
  return graph.op('Transpose', [value], { perm });
}

export function sumOf(graph: OnnxGraph, value: string, axes: number[], keepdims = 0): string {
  return graph.op('ReduceSum', [value, graph.integers(...axes)], { keepdims });
}

/** Y = W X on [Cin, M]; W is stored as [out, in, 1, 1] or [out, in]. */
export function pointwise(record: Recorder, layer: string, value: string): Layer {
  const { graph } = record;
  const [out = 0, inner = 0] = record.dims(`${layer}.weight`);
  const weight = graph.op('Reshape', [record.parameter(`${layer}.weight`), graph.integers(out, inner)]);
  const backward: Backward = (gradient) => {
    record.gradient(`${layer}.weight`, graph.op('Gemm', [gradient, value], { transB: 1 }));
    return graph.op('Gemm', [weight, gradient], { transA: 1 });
  };
  return { result: graph.op('MatMul', [weight, value]), backward };
}

/** Y = W X + b: the layers of the head, which have no normalisation. */
export function dense(record: Recorder, layer: string, value: string): Layer {
  const { graph } = record;
  const product = pointwise(record, layer, value);
  const bias = record.parameter(`${layer}.bias`);
  const column = graph.op('Reshape', [bias, graph.integers(record.dims(`${layer}.bias`)[0] ?? 0, 1)]);
  const backward: Backward = (gradient) => {
    record.gradient(`${layer}.bias`, sumOf(graph, gradient, [1]));
    return product.backward(gradient);
  };
  return { result: graph.op('Add', [product.result, column]), backward };
}

/**
 * Batch normalisation with the statistics of the batch (Ioffe and Szegedy 2015), one row a channel:
 * y = scale * (x - mean) / deviation + shift. Backwards, with n = (x - mean) / deviation and row means m():
 * dx = scale / deviation * (dy - m(dy) - n * m(dy * n)).
 */
export function normalised(record: Recorder, layer: string, value: string): Layer {
  const { graph } = record;
  const [channels = 0] = record.dims(`${layer}.scale`);
  const column = (name: string): string =>
    graph.op('Reshape', [record.parameter(`${layer}.${name}`), graph.integers(channels, 1)]);
  const [scale, shift] = [column('scale'), column('shift')];
  const places = graph.op('Slice', [
    graph.op('Shape', [value]),
    graph.integers(1),
    graph.integers(2),
    graph.integers(0),
  ]);
  const ones = graph.op('Expand', [graph.scalar(1), places]);
  const [standard = '', mean = '', inverse = ''] = graph.several('LayerNormalization', [value, ones], 3, {
    axis: 1,
    epsilon: { float: EPSILON },
  });
  record.statistics.push({ layer, mean, inverse });
  const result = graph.op('Add', [graph.op('Mul', [standard, scale]), shift]);
  const backward: Backward = (gradient) => {
    const total = sumOf(graph, gradient, [1], 1);
    const along = rowProducts(graph, gradient, standard, channels);
    record.gradient(`${layer}.scale`, along);
    record.gradient(`${layer}.shift`, total);
    const factor = graph.op('Mul', [scale, inverse]);
    const share = graph.op('Div', [factor, graph.op('Cast', [places], { to: 1 })]);
    const lost = graph.op('Add', [
      graph.op('Mul', [standard, graph.op('Mul', [along, share])]),
      graph.op('Mul', [total, share]),
    ]);
    return graph.op('Sub', [graph.op('Mul', [gradient, factor]), lost]);
  };
  return { result, backward };
}

/** Sum over each row of the products of two [C, M] values, [C, 1]; one matrix product a row needs no memory between. */
function rowProducts(graph: OnnxGraph, one: string, other: string, rows: number): string {
  const flat = graph.op('Reshape', [one, graph.integers(rows, 1, -1)]);
  const upright = graph.op('Reshape', [other, graph.integers(rows, -1, 1)]);
  return graph.op('Reshape', [graph.op('MatMul', [flat, upright]), graph.integers(rows, 1)]);
}

/** ReLU6; the gradient passes where nothing was cut. */
export function relu6Layer(graph: OnnxGraph, value: string): Layer {
  const result = graph.op('Clip', [value, graph.scalar(0), graph.scalar(6)]);
  const backward: Backward = (gradient) =>
    graph.op('Where', [graph.op('Equal', [result, value]), gradient, graph.scalar(0)]);
  return { result, backward };
}

/**
 * 3x3 depthwise convolution, [C, N*side*side] to [C, N*(side/stride)^2].
 *
 * Small maps: one matrix product a channel, with the kernel spread into a matrix of places by places; the two gradients
 * are then products too. That is several times the arithmetic and still several times as fast as a grouped convolution
 * whose weights are no constants.
 */
export function depthwise(record: Recorder, layer: string, value: string, side: number, stride: 1 | 2): Layer {
  return side / stride <= MAP_SIDE
    ? depthwiseByProducts(record, layer, value, side, stride)
    : depthwiseByConvolution(record, layer, value, side, stride);
}

function depthwiseByProducts(record: Recorder, layer: string, value: string, side: number, stride: 1 | 2): Layer {
  const { graph } = record;
  const [channels = 0] = record.dims(`${layer}.weight`);
  const [places, outPlaces] = [side * side, (side / stride) ** 2];
  const taps = graph.op('Reshape', [record.parameter(`${layer}.weight`), graph.integers(channels, 9)]);
  const spread = graph.weight(`spread_${side}_${stride}`, spreadMatrix(side, stride));
  const matrix = graph.op('Reshape', [graph.op('MatMul', [taps, spread]), graph.integers(channels, places, outPlaces)]);
  const input = graph.op('Reshape', [value, graph.integers(channels, -1, places)]);
  const flatten = (map: string): string => graph.op('Reshape', [map, graph.integers(channels, -1)]);
  const backward: Backward = (gradient) => {
    const maps = graph.op('Reshape', [gradient, graph.integers(channels, -1, outPlaces)]);
    const whole = graph.op('MatMul', [transpose(graph, input, 0, 2, 1), maps]);
    const rows = graph.op('Reshape', [whole, graph.integers(channels, places * outPlaces)]);
    record.gradient(`${layer}.weight`, graph.op('MatMul', [rows, transpose(graph, spread, 1, 0)]));
    return flatten(graph.op('MatMul', [maps, transpose(graph, matrix, 0, 2, 1)]));
  };
  return { result: flatten(graph.op('MatMul', [input, matrix])), backward };
}

/** [9, places * outPlaces]: 1 where tap (a, b) connects a place of the input with one of the result. */
function spreadMatrix(side: number, stride: 1 | 2): Tensor {
  const outSide = side / stride;
  const before = samePads(3, stride)[0];
  const [places, outPlaces] = [side * side, outSide * outSide];
  const data = new Float32Array(9 * places * outPlaces);
  for (let tap = 0; tap < 9; tap++) {
    for (let out = 0; out < outPlaces; out++) {
      const y = Math.floor(out / outSide) * stride + Math.floor(tap / 3) - before;
      const x = (out % outSide) * stride + (tap % 3) - before;
      if (y >= 0 && y < side && x >= 0 && x < side) data[(tap * places + y * side + x) * outPlaces + out] = 1;
    }
  }
  return tensor([9, places * outPlaces], data);
}

/**
 * Large maps. The weight gradient is itself a grouped convolution: the batch takes the place of the input channels and
 * dY that of the kernel, with the stride as dilation. The input gradient is a convolution of dY (spread by zeros at
 * stride 2) with the kernel turned by 180 degrees.
 */
function depthwiseByConvolution(record: Recorder, layer: string, value: string, side: number, stride: 1 | 2): Layer {
  const { graph } = record;
  const [channels = 0] = record.dims(`${layer}.weight`);
  const pads = samePads(3, stride);
  const weight = record.parameter(`${layer}.weight`);
  const outSide = side / stride;
  const maps = (flat: string, size: number): string =>
    graph.op('Reshape', [flat, graph.integers(channels, -1, size, size)]);
  const swapped = (map: string): string => transpose(graph, map, 1, 0, 2, 3);
  const flatten = (map: string): string => graph.op('Reshape', [swapped(map), graph.integers(channels, -1)]);
  const input = maps(value, side);
  const strides = [stride, stride];
  const result = flatten(graph.op('Conv', [swapped(input), weight], { group: channels, strides, pads }));
  const backward: Backward = (gradient) => {
    const maps4 = maps(gradient, outSide);
    const merged = graph.op('Reshape', [input, graph.integers(1, -1, side, side)]);
    const kernel = { group: channels, pads, dilations: strides };
    record.gradient(`${layer}.weight`, graph.op('Conv', [merged, maps4], kernel));
    let spread = swapped(maps4);
    if (stride === 2) {
      const split = graph.op('Reshape', [spread, graph.integers(-1, channels, outSide, 1, outSide, 1)]);
      const padded = graph.op('Pad', [split, graph.integers(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1)]);
      spread = graph.op('Reshape', [padded, graph.integers(-1, channels, side, side)]);
    }
    const rows = graph.op('Reshape', [weight, graph.integers(channels, 9)]);
    const turned = graph.op('Gather', [rows, graph.integers(8, 7, 6, 5, 4, 3, 2, 1, 0)], { axis: 1 });
    const back = { group: channels, pads: stride === 2 ? [2, 2, 0, 0] : [1, 1, 1, 1] };
    return flatten(graph.op('Conv', [spread, graph.op('Reshape', [turned, graph.integers(channels, 1, 3, 3)])], back));
  };
  return { result, backward };
}

/** Global mean of [1280, N*49] to [1280, N]. */
export function meanPool(graph: OnnxGraph, value: string): Layer {
  const places = graph.op('Reshape', [value, graph.integers(EMBEDDING, -1, MAP_AREA)]);
  const result = graph.op('ReduceMean', [places], { axes: [2], keepdims: 0 });
  const backward: Backward = (gradient) => {
    const share = graph.op('Mul', [gradient, graph.scalar(1 / MAP_AREA)]);
    const spread = graph.op('Expand', [
      graph.op('Unsqueeze', [share, graph.integers(2)]),
      graph.integers(1, 1, MAP_AREA),
    ]);
    return graph.op('Reshape', [spread, graph.integers(EMBEDDING, -1)]);
  };
  return { result, backward };
}

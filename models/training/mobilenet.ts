import type { OnnxGraph } from './onnx-graph.ts';
import { named, type Weights } from './tensor.ts';

/**
 * MobileNetV2 1.0 at 224 x 224 (Sandler et al. 2018, table 2), batch normalisation folded into the convolutions.
 * Layer names: `stem`, `block0` ... `block16` with `.expand`, `.depthwise`, `.project`, then `top`; each has
 * `.weight` [out, in / groups, k, k] and `.bias` [out].
 */
export interface Block {
  name: string;
  input: number;
  /** Channels of the depthwise convolution. */
  width: number;
  output: number;
  stride: 1 | 2;
  /** Side of the square map that comes in. */
  side: number;
  expands: boolean;
  residual: boolean;
}

export const IMAGE_SIDE = 224;
export const EMBEDDING = 1280;
/** Side of the last feature map, which is the resolution of a Grad-CAM. */
export const MAP_SIDE = 7;
export const MAP_AREA = MAP_SIDE * MAP_SIDE;

// Rows of table 2: expansion factor, output channels, repeats, stride of the first.
const ROWS: readonly (readonly [number, number, number, 1 | 2])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

function listBlocks(): Block[] {
  const blocks: Block[] = [];
  let input = 32;
  let side = IMAGE_SIDE / 2;
  for (const [factor, output, repeats, firstStride] of ROWS) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const stride = repeat === 0 ? firstStride : 1;
      const residual = stride === 1 && input === output;
      const name = `block${blocks.length}`;
      blocks.push({ name, input, width: input * factor, output, stride, side, expands: factor > 1, residual });
      side /= stride;
      input = output;
    }
  }
  return blocks;
}

export const BLOCKS: readonly Block[] = listBlocks();

/** Shape [channels, side, side] of what comes out of block `index`. */
export function blockOutput(index: number): [number, number, number] {
  const block = BLOCKS[index];
  if (!block) throw new RangeError(`MobileNetV2 has no block ${index}`);
  return [block.output, block.side / block.stride, block.side / block.stride];
}

/** Names of the convolutions in the order of execution. */
export function convolutionNames(): string[] {
  const inner = BLOCKS.flatMap(({ name, expands }) =>
    (expands ? ['expand', 'depthwise', 'project'] : ['depthwise', 'project']).map((part) => `${name}.${part}`),
  );
  return ['stem', ...inner, 'top'];
}

/** TensorFlow's SAME: at stride 2 on an even side the one padded row and column are at the end. */
export function samePads(kernel: number, stride: number): [number, number, number, number] {
  if (kernel === 1) return [0, 0, 0, 0];
  return stride === 2 ? [0, 0, 1, 1] : [1, 1, 1, 1];
}

/** ReLU6. */
export function relu6(graph: OnnxGraph, value: string): string {
  return graph.op('Clip', [value, graph.scalar(0), graph.scalar(6)]);
}

/** Changes how the layers are written down; without, they are plain float32. */
export interface Hooks {
  /** Names of the weights and the bias of a convolution over `value`. */
  constants?(layer: string, value: string): readonly [weight: string, bias: string];
  /** Sees the result of every convolution, before its ReLU6. */
  watch?(layer: string, value: string): void;
  /** What the next layer sees of a result; `place` is the convolution's name, or `block3.sum` of a residual block. */
  settle?(place: string, value: string): string;
}

/** One convolution with its bias, weights stored as constants. */
export function convolution(
  graph: OnnxGraph,
  weights: Weights,
  layer: string,
  value: string,
  stride = 1,
  hooks: Hooks = {},
): string {
  const weight = named(weights, `${layer}.weight`);
  const kernel = weight.dims[2] ?? 1;
  const plain = (): [string, string] => [
    graph.weight(`${layer}.weight`, weight),
    graph.weight(`${layer}.bias`, named(weights, `${layer}.bias`)),
  ];
  const result = graph.op('Conv', [value, ...(hooks.constants?.(layer, value) ?? plain())], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: samePads(kernel, stride),
    group: layer.endsWith('.depthwise') ? (weight.dims[0] ?? 1) : 1,
  });
  hooks.watch?.(layer, result);
  return result;
}

/**
 * uint8 [N,224,224,3] to float32 [N,3,224,224] as (pixel - 128) / 128, the scale of the imported file. It is part of
 * the graph so that no caller can scale differently from training.
 */
export function scaleImage(graph: OnnxGraph, image: string): string {
  const float = graph.op('Cast', [image], { to: 1 });
  const channelsFirst = graph.op('Transpose', [float], { perm: [0, 3, 1, 2] });
  const centred = graph.op('Sub', [channelsFirst, graph.scalar(128)]);
  return graph.op('Mul', [centred, graph.scalar(1 / 128)]);
}

/** Blocks `from` to `to` inclusive; with `from` 0 the value must be the scaled image. */
export function blocks(
  graph: OnnxGraph,
  weights: Weights,
  value: string,
  from: number,
  to: number,
  hooks: Hooks = {},
): string {
  const settled = (place: string, result: string): string => hooks.settle?.(place, result) ?? result;
  const linear = (layer: string, input: string): string =>
    settled(layer, convolution(graph, weights, layer, input, 1, hooks));
  const clipped = (layer: string, input: string, stride = 1): string =>
    settled(layer, relu6(graph, convolution(graph, weights, layer, input, stride, hooks)));
  let current = from === 0 ? clipped('stem', value, 2) : value;
  for (const { name, expands, residual, stride } of BLOCKS.slice(from, to + 1)) {
    const entering = current;
    if (expands) current = clipped(`${name}.expand`, current);
    current = clipped(`${name}.depthwise`, current, stride);
    current = linear(`${name}.project`, current);
    if (residual) current = settled(`${name}.sum`, graph.op('Add', [entering, current]));
  }
  return current;
}

/** The last feature map after ReLU6, [N,1280,7,7], from the output of block 16. */
export function topMap(graph: OnnxGraph, weights: Weights, value: string, hooks: Hooks = {}): string {
  const result = relu6(graph, convolution(graph, weights, 'top', value, 1, hooks));
  return hooks.settle?.('top', result) ?? result;
}

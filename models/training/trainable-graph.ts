import { HIDDEN } from './deployed-graph.ts';
import { LABELS } from './labels.ts';
import { BLOCKS, EMBEDDING, IMAGE_SIDE, MAP_AREA, blockOutput, blocks, samePads, scaleImage } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { named, type Weights } from './tensor.ts';

/**
 * One ONNX graph that holds the forward and the backward pass, so that a plain inference runtime can train.
 *
 * Frozen blocks are constants; everything from block `from` on is a graph input, and the graph returns the loss, the
 * probabilities and one gradient per trainable tensor (`grad:<name>`). The optimiser lives outside. Batch statistics
 * are folded into the weights, so there is no batch normalisation to train.
 *
 * Maps are kept as [C, N*H*W] inside the trainable part: a 1x1 convolution is then one matrix product, and so are its
 * two gradients (dW = dY X^T, dX = W^T dY).
 */
export interface TrainableGraph {
  file: Uint8Array;
  /** Names of the trainable tensors, in the order of the graph. */
  parameters: string[];
}

/** What one layer needs to pass a gradient back; adds the layer's own gradients on the way. */
type Backward = (gradient: string) => string;

class Recorder {
  readonly graph: OnnxGraph;
  readonly parameters: string[] = [];
  readonly gradients: [string, string][] = [];
  #weights: Weights;

  constructor(name: string, weights: Weights) {
    this.graph = new OnnxGraph(name);
    this.#weights = weights;
  }

  parameter(name: string): string {
    this.parameters.push(name);
    return this.graph.input(name, 'float32', named(this.#weights, name).dims);
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

function transpose(graph: OnnxGraph, value: string, ...perm: number[]): string {
  return graph.op('Transpose', [value], { perm });
}

function sumOf(graph: OnnxGraph, value: string, axes: number[], keepdims = 0): string {
  return graph.op('ReduceSum', [value, graph.integers(...axes)], { keepdims });
}

/** Y = W X + b on [Cin, M]; W is stored as [out, in, 1, 1] or [out, in]. */
function pointwise(record: Recorder, layer: string, value: string): { result: string; backward: Backward } {
  const { graph } = record;
  const [out = 0, inner = 0] = record.dims(`${layer}.weight`);
  const weight = graph.op('Reshape', [record.parameter(`${layer}.weight`), graph.integers(out, inner)]);
  const bias = graph.op('Reshape', [record.parameter(`${layer}.bias`), graph.integers(out, 1)]);
  const result = graph.op('Add', [graph.op('MatMul', [weight, value]), bias]);
  const backward: Backward = (gradient) => {
    record.gradient(`${layer}.weight`, graph.op('Gemm', [gradient, value], { transB: 1 }));
    record.gradient(`${layer}.bias`, sumOf(graph, gradient, [1]));
    return graph.op('MatMul', [transpose(graph, weight, 1, 0), gradient]);
  };
  return { result, backward };
}

function relu6Layer(graph: OnnxGraph, value: string): { result: string; backward: Backward } {
  const result = graph.op('Clip', [value, graph.scalar(0), graph.scalar(6)]);
  const backward: Backward = (gradient) => {
    const inside = graph.op('And', [
      graph.op('Greater', [result, graph.scalar(0)]),
      graph.op('Less', [result, graph.scalar(6)]),
    ]);
    return graph.op('Where', [inside, gradient, graph.scalar(0)]);
  };
  return { result, backward };
}

/**
 * 3x3 depthwise convolution. Its weight gradient is itself a grouped convolution: the batch takes the place of the
 * input channels and dY that of the kernel, with the stride as dilation. Its input gradient is a convolution of dY
 * (spread by zeros at stride 2) with the kernel turned by 180 degrees.
 */
function depthwise(
  record: Recorder,
  layer: string,
  value: string,
  side: number,
  stride: 1 | 2,
): { result: string; backward: Backward } {
  const { graph } = record;
  const [channels = 0] = record.dims(`${layer}.weight`);
  const pads = samePads(3, stride);
  const weight = record.parameter(`${layer}.weight`);
  const bias = record.parameter(`${layer}.bias`);
  const outSide = side / stride;
  const maps = (flat: string, size: number): string =>
    graph.op('Reshape', [flat, graph.integers(channels, -1, size, size)]);
  const flatten = (map: string): string => graph.op('Reshape', [map, graph.integers(channels, -1)]);
  const input = maps(value, side);
  const batch = transpose(graph, input, 1, 0, 2, 3);
  const convolved = graph.op('Conv', [batch, weight, bias], { group: channels, strides: [stride, stride], pads });
  const result = flatten(transpose(graph, convolved, 1, 0, 2, 3));
  const backward: Backward = (gradient) => {
    const maps4 = maps(gradient, outSide);
    const merged = graph.op('Reshape', [input, graph.integers(1, -1, side, side)]);
    const kernel = { group: channels, pads, dilations: [stride, stride] };
    record.gradient(`${layer}.weight`, graph.op('Conv', [merged, maps4], kernel));
    record.gradient(`${layer}.bias`, sumOf(graph, gradient, [1]));
    let spread = transpose(graph, maps4, 1, 0, 2, 3);
    if (stride === 2) {
      const split = graph.op('Reshape', [spread, graph.integers(-1, channels, outSide, 1, outSide, 1)]);
      const padded = graph.op('Pad', [split, graph.integers(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1)]);
      spread = graph.op('Reshape', [padded, graph.integers(-1, channels, side, side)]);
    }
    const rows = graph.op('Reshape', [weight, graph.integers(channels, 9)]);
    const turned = graph.op('Gather', [rows, graph.integers(8, 7, 6, 5, 4, 3, 2, 1, 0)], { axis: 1 });
    const back = graph.op('Conv', [spread, graph.op('Reshape', [turned, graph.integers(channels, 1, 3, 3)])], {
      group: channels,
      pads: stride === 2 ? [2, 2, 0, 0] : [1, 1, 1, 1],
    });
    return flatten(transpose(graph, back, 1, 0, 2, 3));
  };
  return { result, backward };
}

/** The inverted residual block, as a chain of the layers above. */
function trainableBlock(record: Recorder, index: number, value: string): { result: string; backward: Backward } {
  const { graph } = record;
  const block = BLOCKS[index];
  if (!block?.expands) throw new RangeError(`block ${index} cannot be trained`);
  const steps: Backward[] = [];
  const chain = ({ result, backward }: { result: string; backward: Backward }): string => {
    steps.push(backward);
    return result;
  };
  let current = chain(relu6Layer(graph, chain(pointwise(record, `${block.name}.expand`, value))));
  current = chain(depthwise(record, `${block.name}.depthwise`, current, block.side, block.stride));
  current = chain(pointwise(record, `${block.name}.project`, chain(relu6Layer(graph, current))));
  const result = block.residual ? graph.op('Add', [value, current]) : current;
  const backward: Backward = (gradient) => {
    const inner = steps.reduceRight((each, step) => step(each), gradient);
    return block.residual ? graph.op('Add', [gradient, inner]) : inner;
  };
  return { result, backward };
}

/** Global mean of [1280, N*49] to [1280, N]. */
function meanPool(graph: OnnxGraph, value: string): { result: string; backward: Backward } {
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

/**
 * Head and loss on an embedding [1280, N]. `target` [N,6] carries label smoothing and class weights; the loss is
 * -sum(target * log p) / sum(target). `dropout` [N,256] holds 0 or 1 / (1 - rate).
 */
function headAndLoss(
  record: Recorder,
  embedding: string,
): { loss: string; probabilities: string; gradient: () => string } {
  const { graph } = record;
  const target = transpose(graph, graph.input('target', 'float32', ['N', LABELS.length]), 1, 0);
  const dropout = transpose(graph, graph.input('dropout', 'float32', ['N', HIDDEN]), 1, 0);
  const hidden = pointwise(record, 'head.hidden', embedding);
  const active = graph.op('Mul', [graph.op('Relu', [hidden.result]), dropout]);
  const classes = pointwise(record, 'head.classes', active);
  const logs = graph.op('LogSoftmax', [classes.result], { axis: 0 });
  const total = sumOf(graph, target, [0, 1]);
  const loss = graph.op('Div', [graph.op('Neg', [sumOf(graph, graph.op('Mul', [target, logs]), [0, 1])]), total]);
  const probabilities = graph.op('Softmax', [classes.result], { axis: 0 });
  const gradient = (): string => {
    const weighted = graph.op('Mul', [probabilities, sumOf(graph, target, [0], 1)]);
    const toLogits = graph.op('Div', [graph.op('Sub', [weighted, target]), total]);
    const toActive = graph.op('Mul', [classes.backward(toLogits), dropout]);
    const open = graph.op('Greater', [hidden.result, graph.scalar(0)]);
    return hidden.backward(graph.op('Where', [open, toActive, graph.scalar(0)]));
  };
  return { loss, probabilities: transpose(graph, probabilities, 1, 0), gradient };
}

function finish(record: Recorder, loss: string, probabilities: string): TrainableGraph {
  const { graph } = record;
  graph.output(loss, 'loss', 'float32', []);
  graph.output(probabilities, 'probabilities', 'float32', ['N', LABELS.length]);
  for (const [name, value] of record.gradients) graph.output(value, `grad:${name}`, 'float32', record.dims(name));
  return { file: graph.finish(), parameters: record.parameters };
}

/** Only the head is trained; the input `embedding` [N,1280] was computed before. */
export function headTrainingGraph(weights: Weights): TrainableGraph {
  const record = new Recorder('train-head', weights);
  const embedding = transpose(record.graph, record.graph.input('embedding', 'float32', ['N', EMBEDDING]), 1, 0);
  const { loss, probabilities, gradient } = headAndLoss(record, embedding);
  gradient();
  return finish(record, loss, probabilities);
}

/**
 * Blocks `from` to 16, the last convolution and the head are trained; the input `image` is uint8 [N,224,224,3].
 *
 * @throws RangeError unless 1 <= from <= 17 (17: only the last convolution and the head).
 */
export function fineTuningGraph(weights: Weights, from: number): TrainableGraph {
  if (from < 1 || from > BLOCKS.length) throw new RangeError(`the first trained block must be 1 to ${BLOCKS.length}`);
  const record = new Recorder('fine-tune', weights);
  const { graph } = record;
  const image = graph.input('image', 'uint8', ['N', IMAGE_SIDE, IMAGE_SIDE, 3]);
  const frozen = blocks(graph, weights, scaleImage(graph, image), 0, from - 1);
  const [channels] = blockOutput(from - 1);
  let current = graph.op('Reshape', [transpose(graph, frozen, 1, 0, 2, 3), graph.integers(channels, -1)]);
  const steps: Backward[] = [];
  const chain = ({ result, backward }: { result: string; backward: Backward }): string => {
    steps.push(backward);
    return result;
  };
  for (let index = from; index < BLOCKS.length; index++) current = chain(trainableBlock(record, index, current));
  current = chain(relu6Layer(graph, chain(pointwise(record, 'top', current))));
  const { loss, probabilities, gradient } = headAndLoss(record, chain(meanPool(graph, current)));
  steps.reduceRight((each, step) => step(each), gradient());
  return finish(record, loss, probabilities);
}

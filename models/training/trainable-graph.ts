import { HIDDEN } from './deployed-graph.ts';
import { LABELS } from './labels.ts';
import { BLOCKS, EMBEDDING, IMAGE_SIDE, blockOutput, blocks, scaleImage } from './mobilenet.ts';
import { OnnxGraph } from './onnx-graph.ts';
import {
  Chain,
  Recorder,
  dense,
  depthwise,
  meanPool,
  normalised,
  pointwise,
  relu6Layer,
  sumOf,
  transpose,
  type Layer,
} from './training-layers.ts';
import type { Weights } from './tensor.ts';

/**
 * One ONNX graph that holds the forward and the backward pass, so that a plain inference runtime can train.
 *
 * Frozen blocks are constants; everything from block `from` on is a graph input, and the graph returns the loss, the
 * probabilities, one gradient per trainable tensor (`grad:<name>`) and, for each normalised layer, the statistics of
 * the batch (`mean:<layer>`, `inverse:<layer>`). The optimiser lives outside.
 */
export interface TrainableGraph {
  file: Uint8Array;
  /** Names of the trainable tensors, in the order of the graph. */
  parameters: string[];
  /** Names of the normalised convolutions. */
  layers: string[];
}

/** The inverted residual block: expand, depthwise and project, each normalised, the first two with ReLU6. */
function trainableBlock(record: Recorder, index: number, value: string): Layer {
  const { graph } = record;
  const block = BLOCKS[index];
  if (!block?.expands) throw new RangeError(`block ${index} cannot be trained`);
  const { name, side, stride, residual } = block;
  const chain = new Chain();
  const finished = (layer: string, convolved: string): string =>
    chain.add(relu6Layer(graph, chain.add(normalised(record, layer, convolved))));
  let current = finished(`${name}.expand`, chain.add(pointwise(record, `${name}.expand`, value)));
  current = finished(`${name}.depthwise`, chain.add(depthwise(record, `${name}.depthwise`, current, side, stride)));
  current = chain.add(pointwise(record, `${name}.project`, current));
  current = chain.add(normalised(record, `${name}.project`, current));
  if (!residual) return { result: current, backward: chain.backward };
  return {
    result: graph.op('Add', [value, current]),
    backward: (gradient) => graph.op('Add', [gradient, chain.backward(gradient)]),
  };
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
  const hidden = dense(record, 'head.hidden', embedding);
  const active = graph.op('Mul', [graph.op('Relu', [hidden.result]), dropout]);
  const classes = dense(record, 'head.classes', active);
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

function finish(record: Recorder, loss?: string, probabilities?: string): TrainableGraph {
  const { graph } = record;
  if (loss) graph.output(loss, 'loss', 'float32', []);
  if (probabilities) graph.output(probabilities, 'probabilities', 'float32', ['N', LABELS.length]);
  for (const [name, value] of record.gradients) graph.output(value, `grad:${name}`, 'float32', record.dims(name));
  for (const { layer, mean, inverse } of record.statistics) {
    const dims = [...record.dims(`${layer}.scale`), 1];
    graph.output(mean, `mean:${layer}`, 'float32', dims);
    graph.output(inverse, `inverse:${layer}`, 'float32', dims);
  }
  return {
    file: graph.finish(),
    parameters: record.parameters,
    layers: record.statistics.map(({ layer }) => layer),
  };
}

/** What stays as it was imported: uint8 `image` [N,224,224,3] to `features` [N,C,H,W], the result of block `from` - 1. */
export function frozenGraph(weights: Weights, from: number): Uint8Array {
  const graph = new OnnxGraph('frozen');
  const image = graph.input('image', 'uint8', ['N', IMAGE_SIDE, IMAGE_SIDE, 3]);
  const features = blocks(graph, weights, scaleImage(graph, image), 0, from - 1);
  graph.output(features, 'features', 'float32', ['N', ...blockOutput(from - 1)]);
  return graph.finish();
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
 * Blocks `from` to 16, the last convolution and the head are trained; the input `features` is the result of the block
 * before.
 *
 * @param weights normalised from block `from` on, as `unfold` leaves them.
 * @throws RangeError unless 1 <= from <= 17 (17: only the last convolution and the head).
 */
export function fineTuningGraph(weights: Weights, from: number): TrainableGraph {
  const { record, chain, embedding } = trainableNetwork(weights, from);
  const { loss, probabilities, gradient } = headAndLoss(record, embedding);
  chain.backward(gradient());
  return finish(record, loss, probabilities);
}

/** The same network forwards only: the statistics that its layers have for a batch, and nothing else. */
export function batchStatisticsGraph(weights: Weights, from: number): TrainableGraph {
  const { record } = trainableNetwork(weights, from);
  return finish(record);
}

function trainableNetwork(weights: Weights, from: number): { record: Recorder; chain: Chain; embedding: string } {
  if (from < 1 || from > BLOCKS.length) throw new RangeError(`the first trained block must be 1 to ${BLOCKS.length}`);
  const record = new Recorder('fine-tune', weights);
  const { graph } = record;
  const [channels, side] = blockOutput(from - 1);
  const features = graph.input('features', 'float32', ['N', channels, side, side]);
  let current = graph.op('Reshape', [transpose(graph, features, 1, 0, 2, 3), graph.integers(channels, -1)]);
  const chain = new Chain();
  for (let index = from; index < BLOCKS.length; index++) current = chain.add(trainableBlock(record, index, current));
  current = chain.add(pointwise(record, 'top', current));
  current = chain.add(relu6Layer(graph, chain.add(normalised(record, 'top', current))));
  return { record, chain, embedding: chain.add(meanPool(graph, current)) };
}

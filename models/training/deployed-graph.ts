import { LABELS, MODALITIES } from './labels.ts';
import { BLOCKS, EMBEDDING, IMAGE_SIDE, MAP_AREA, MAP_SIDE, blocks, scaleImage, topMap } from './mobilenet.ts';
import { isQuantised, quantised } from './quantise.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { named, tensor, type Weights } from './tensor.ts';

/** Units of the hidden layer between the embedding and the classes. */
export const HIDDEN = 256;

/**
 * The model as it is served: everything between the uint8 image and the numbers of the report is one graph, so that
 * training, serving and any other runtime cannot disagree on scaling, calibration or the heat map.
 *
 * Needs, beside the network of `mobilenet.ts`: `head.hidden.{weight [256,1280], bias}`, `head.classes.{weight [6,256],
 * bias}`, `temperature []`, `gate.{weight [1280,3], bias}`, `distance.{mean [1280], components [1280,k],
 * deviations [k], centres [m,k]}`.
 *
 * Results for N images: `probabilities` [N,6], softmax of logits / temperature; `logits` [N,6]; `gradcam` [N,6,7,7],
 * not normalised; `embedding` [N,1280]; `gate` [N,3], probabilities of chest, cardiac, other; `distance` [N,2],
 * Mahalanobis distance to the nearest class centre in PCA space and the norm of what the PCA leaves over.
 *
 * With the measured ranges of all results (`quantise.ts`) the convolutions are in 8 bits; what follows them stays float32.
 */
export function deployedGraph(weights: Weights, metadata: Record<string, string> = {}): Uint8Array {
  const graph = new OnnxGraph('chest-mobilenet-v2');
  const image = graph.input('image', 'uint8', ['N', IMAGE_SIDE, IMAGE_SIDE, 3]);
  const { scaled, hooks } = isQuantised(weights)
    ? quantised(graph, weights, image)
    : { scaled: scaleImage(graph, image), hooks: {} };
  const map = topMap(graph, weights, blocks(graph, weights, scaled, 0, BLOCKS.length - 1, hooks), hooks);
  const embedding = graph.op('ReduceMean', [map], { axes: [2, 3], keepdims: 0 });
  const { hidden, logits } = head(graph, weights, embedding);
  const calibrated = graph.op('Div', [logits, constant(graph, weights, 'temperature')]);
  graph.output(graph.op('Softmax', [calibrated], { axis: 1 }), 'probabilities', 'float32', ['N', LABELS.length]);
  graph.output(logits, 'logits', 'float32', ['N', LABELS.length]);
  const shape = ['N', LABELS.length, MAP_SIDE, MAP_SIDE];
  graph.output(gradCam(graph, weights, map, hidden), 'gradcam', 'float32', shape);
  graph.output(embedding, 'embedding', 'float32', ['N', EMBEDDING]);
  graph.output(gate(graph, weights, embedding), 'gate', 'float32', ['N', MODALITIES.length]);
  graph.output(distance(graph, weights, embedding), 'distance', 'float32', ['N', 2]);
  return graph.finish(metadata);
}

function constant(graph: OnnxGraph, weights: Weights, name: string): string {
  return graph.weight(name, named(weights, name));
}

function head(graph: OnnxGraph, weights: Weights, embedding: string): { hidden: string; logits: string } {
  const dense = (layer: string, value: string): string =>
    graph.op('Gemm', [value, constant(graph, weights, `${layer}.weight`), constant(graph, weights, `${layer}.bias`)], {
      transB: 1,
    });
  const hidden = dense('head.hidden', embedding);
  return { hidden, logits: dense('head.classes', graph.op('Relu', [hidden])) };
}

/**
 * Grad-CAM (Selvaraju et al. 2017) of all classes without a backward pass. With g = mean(A) over the map A [1280,49],
 * u = W1 g + b1 and z = W2 relu(u) + b2, the gradient of class c at every place of A is constant:
 * (1/49) W1^T (W2[c] * [u > 0]). Its mean over places is Grad-CAM's alpha, so cam_c = relu(sum_k alpha_ck A_k).
 */
function gradCam(graph: OnnxGraph, weights: Weights, map: string, hidden: string): string {
  const open = graph.op('Cast', [graph.op('Greater', [hidden, graph.scalar(0)])], { to: 1 });
  const gated = graph.op('Mul', [
    graph.op('Unsqueeze', [open, graph.integers(1)]),
    graph.op('Unsqueeze', [constant(graph, weights, 'head.classes.weight'), graph.integers(0)]),
  ]);
  const gradient = graph.op('MatMul', [gated, constant(graph, weights, 'head.hidden.weight')]);
  const places = graph.op('Reshape', [map, graph.integers(0, EMBEDDING, MAP_AREA)]);
  const cam = graph.op('Mul', [graph.op('MatMul', [gradient, places]), graph.scalar(1 / MAP_AREA)]);
  return graph.op('Reshape', [graph.op('Relu', [cam]), graph.integers(0, LABELS.length, MAP_SIDE, MAP_SIDE)]);
}

function gate(graph: OnnxGraph, weights: Weights, embedding: string): string {
  const scores = graph.op('Gemm', [
    embedding,
    constant(graph, weights, 'gate.weight'),
    constant(graph, weights, 'gate.bias'),
  ]);
  return graph.op('Softmax', [scores], { axis: 1 });
}

function distance(graph: OnnxGraph, weights: Weights, embedding: string): string {
  const squares = (value: string): string =>
    graph.op('ReduceSum', [graph.op('Mul', [value, value]), graph.integers(1)], { keepdims: 1 });
  const root = (value: string): string => graph.op('Sqrt', [graph.op('Max', [value, graph.scalar(0)])]);
  const centred = graph.op('Sub', [embedding, constant(graph, weights, 'distance.mean')]);
  const components = graph.op('MatMul', [centred, constant(graph, weights, 'distance.components')]);
  const residual = root(graph.op('Sub', [squares(centred), squares(components)]));
  const whitened = graph.op('Div', [components, constant(graph, weights, 'distance.deviations')]);
  // |w - c|^2 = |w|^2 - 2 w.c + |c|^2, with the last part as a stored row.
  const centres = named(weights, 'distance.centres');
  const [count = 0, width = 0] = centres.dims;
  const norms = Float32Array.from({ length: count }, (_, row) =>
    centres.data.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value * value, 0),
  );
  const products = graph.op('Gemm', [whitened, graph.weight('distance.centres', centres)], {
    transB: 1,
    alpha: { float: -2 },
  });
  const offsets = graph.op('Add', [products, graph.weight('distance.norms', tensor([count], norms))]);
  const nearest = graph.op('ReduceMin', [graph.op('Add', [offsets, squares(whitened)])], { axes: [1], keepdims: 1 });
  return graph.op('Concat', [root(nearest), residual], { axis: 1 });
}

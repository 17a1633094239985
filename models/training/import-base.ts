import { readFileSync } from 'node:fs';
import { BLOCKS, convolutionNames } from './mobilenet.ts';
import { readInitializers } from './onnx-graph.ts';
import { named, tensor, type Tensor, type Weights } from './tensor.ts';
import { readTflite, type TfliteTensor } from './tflite.ts';

const CONV_2D = 3;
const DEPTHWISE_CONV_2D = 4;

/** real = scale x (stored - zero point); the weights were trained under this very rounding, so nothing is lost. */
function dequantise({ type, bytes, scale, zeroPoint, name }: TfliteTensor): Float32Array {
  if (type === 3) return Float32Array.from(bytes, (stored) => scale * (stored - zeroPoint));
  if (type !== 2) throw new RangeError(`tensor "${name}" has type ${type}; uint8 or int32 expected`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => scale * view.getInt32(4 * index, true));
}

/** [out, h, w, in] (depthwise [1, h, w, out]) to the [out, in, h, w] of ONNX. */
function toChannelsFirst(shape: readonly number[], data: Float32Array, depthwise: boolean): Tensor {
  const [first = 0, height = 0, width = 0, last = 0] = shape;
  const [out, inner] = depthwise ? [last, 1] : [first, last];
  const result = new Float32Array(data.length);
  let at = 0;
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inner; i++) {
      for (let place = 0; place < height * width; place++) {
        result[at++] = data[depthwise ? place * out + o : (o * height * width + place) * inner + i] ?? Number.NaN;
      }
    }
  }
  return tensor([out, inner, height, width], result);
}

/**
 * The ImageNet weights of a quantised MobileNetV2 TFLite file as float32, named as in `mobilenet.ts`, with the
 * classifier as `imagenet.*` (1001 classes, 0 is background).
 *
 * @throws RangeError when the file is not this network.
 */
export function importTflite(file: Uint8Array): Weights {
  const { tensors, operators } = readTflite(file);
  const layers = operators.filter(({ code }) => code === CONV_2D || code === DEPTHWISE_CONV_2D);
  const names = [...convolutionNames(), 'imagenet'];
  if (layers.length !== names.length) {
    throw new RangeError(`${layers.length} convolutions found, MobileNetV2 has ${names.length}`);
  }
  const weights: Weights = new Map();
  layers.forEach(({ code, inputs }, index) => {
    const name = names[index] ?? '';
    const [kernel, bias] = [tensors[inputs[1] ?? -1], tensors[inputs[2] ?? -1]];
    const depthwise = code === DEPTHWISE_CONV_2D;
    if (!kernel || !bias || depthwise !== name.endsWith('.depthwise')) {
      throw new RangeError(`operator ${index} is not the layer ${name} of MobileNetV2`);
    }
    weights.set(`${name}.weight`, toChannelsFirst(kernel.shape, dequantise(kernel), depthwise));
    weights.set(`${name}.bias`, tensor([bias.shape[0] ?? 0], dequantise(bias)));
  });
  checkShapes(weights);
  return weights;
}

/** @throws RangeError naming the first layer that is missing or has another shape. */
export function checkShapes(weights: Weights): void {
  for (const { name, input, width, output, expands } of BLOCKS) {
    const expected: [string, number[]][] = [
      [`${name}.depthwise.weight`, [width, 1, 3, 3]],
      [`${name}.project.weight`, [output, width, 1, 1]],
      ...(expands ? [[`${name}.expand.weight`, [width, input, 1, 1]] satisfies [string, number[]]] : []),
    ];
    for (const [layer, dims] of expected) {
      const found = named(weights, layer).dims;
      if (found.join() !== dims.join())
        throw new RangeError(`${layer} is [${found.join()}], expected [${dims.join()}]`);
    }
  }
}

/**
 * Base weights from a TFLite file or from an ONNX model that this pipeline exported before.
 *
 * @throws RangeError when the file is neither, or an exported model in 8 bits.
 */
export function readBase(path: string): Weights {
  const file = readFileSync(path);
  if (file.toString('latin1', 4, 8) === 'TFL3') return importTflite(file);
  const weights = readInitializers(file);
  if (weights.has('stem.weight.scale'))
    throw new RangeError(`${path} is rounded to 8 bits: start from the float32 model that it was made from`);
  checkShapes(weights);
  return weights;
}

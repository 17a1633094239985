import { MessageWriter, readMessage } from './protobuf.ts';
import { elements, tensor, type Tensor, type Weights } from './tensor.ts';

/** `TensorProto.DataType` of onnx.proto3. */
export const DATA_TYPE = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type DataType = keyof typeof DATA_TYPE;

/** A fixed length, or the name of a length that the caller chooses (`N`). */
export type Dim = number | string;
type Attribute = number | string | number[] | { float: number };

const OPSET = 13;
const IR_VERSION = 7;

function writeAttribute(out: MessageWriter, name: string, value: Attribute): void {
  out.text(1, name);
  if (typeof value === 'number') out.integer(3, value).integer(20, 2);
  else if (typeof value === 'string') out.text(4, value).integer(20, 3);
  else if (Array.isArray(value)) value.reduce((each, item) => each.integer(8, item), out).integer(20, 7);
  else out.float(2, value.float).integer(20, 1);
}

function writeTensor(out: MessageWriter, name: string, type: DataType, dims: readonly number[], raw: Uint8Array): void {
  for (const dim of dims) out.integer(1, dim);
  out.integer(2, DATA_TYPE[type]).text(8, name).bytes(9, raw);
}

function writeValueInfo(out: MessageWriter, name: string, type: DataType, dims: readonly Dim[]): void {
  out.text(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensorType) =>
      tensorType.integer(1, DATA_TYPE[type]).message(2, (shape) => {
        for (const dim of dims) {
          shape.message(1, (each) => (typeof dim === 'number' ? each.integer(1, dim) : each.text(2, dim)));
        }
      }),
    ),
  );
}

function typeOf(data: object): DataType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Int32Array ? 'int32' : 'int64';
}

/**
 * Builds one ONNX graph (opset 13 unless another is asked for) node by node. Values are named by strings, as in the file itself; `op` returns the
 * name of its result, so that a layer reads like the formula it stands for.
 */
export class OnnxGraph {
  #name: string;
  #nodes: Uint8Array[] = [];
  #initializers: Uint8Array[] = [];
  #inputs: Uint8Array[] = [];
  #outputs: Uint8Array[] = [];
  #known = new Set<string>();
  #count = 0;

  #opset: number;

  constructor(name: string, opset = OPSET) {
    this.#name = name;
    this.#opset = opset;
  }

  input(name: string, type: DataType, dims: readonly Dim[]): string {
    const out = new MessageWriter();
    writeValueInfo(out, name, type, dims);
    this.#inputs.push(out.finish());
    return name;
  }

  /** Declares a value that exists already as a result; renames it first, so that the caller sees a stable name. */
  output(value: string, name: string, type: DataType, dims: readonly Dim[]): void {
    this.op('Identity', [value], {}, name);
    const out = new MessageWriter();
    writeValueInfo(out, name, type, dims);
    this.#outputs.push(out.finish());
  }

  /** A float32 constant; asking twice for one name stores it once. */
  weight(name: string, { dims, data }: Tensor): string {
    return this.constant(name, dims, data);
  }

  /** A constant of whole numbers, or a float32 one; asking twice for one name stores it once. */
  constant(
    name: string,
    dims: readonly number[],
    data: Int8Array | Uint8Array | Int32Array | BigInt64Array | Float32Array,
  ): string {
    if (!this.#known.has(name)) {
      const out = new MessageWriter();
      writeTensor(out, name, typeOf(data), dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.#initializers.push(out.finish());
      this.#known.add(name);
    }
    return name;
  }

  scalar(value: number): string {
    return this.weight(`scalar_${value}`, tensor([], Float32Array.of(value)));
  }

  integers(...values: number[]): string {
    return this.constant(`int64_${values.join('_')}`, [values.length], BigInt64Array.from(values, BigInt));
  }

  op(type: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, result?: string): string {
    const name = result ?? `${type}_${++this.#count}`;
    this.#node(type, inputs, [name], attributes);
    return name;
  }

  /** A node with several results. */
  several(
    type: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const names = Array.from({ length: count }, () => `${type}_${++this.#count}`);
    this.#node(type, inputs, names, attributes);
    return names;
  }

  #node(
    type: string,
    inputs: readonly string[],
    results: readonly string[],
    attributes: Record<string, Attribute>,
  ): void {
    const out = new MessageWriter();
    for (const input of inputs) out.text(1, input);
    for (const result of results) out.text(2, result);
    out.text(3, `node_${results[0]}`).text(4, type);
    for (const [key, value] of Object.entries(attributes)) {
      out.message(5, (attribute) => writeAttribute(attribute, key, value));
    }
    this.#nodes.push(out.finish());
  }

  /** The whole file; `metadata` becomes `metadata_props`. */
  finish(metadata: Record<string, string> = {}): Uint8Array {
    const model = new MessageWriter();
    model.integer(1, IR_VERSION).text(2, 'csss-models').text(3, '1');
    model.message(7, (graph) => {
      for (const node of this.#nodes) graph.bytes(1, node);
      graph.text(2, this.#name);
      for (const initializer of this.#initializers) graph.bytes(5, initializer);
      for (const input of this.#inputs) graph.bytes(11, input);
      for (const output of this.#outputs) graph.bytes(12, output);
    });
    model.message(8, (opset) => opset.text(1, '').integer(2, this.#opset));
    for (const [key, value] of Object.entries(metadata)) model.message(14, (pair) => pair.text(1, key).text(2, value));
    return model.finish();
  }
}

/**
 * The float32 constants of an ONNX file by name: how a shipped model becomes the start of the next training.
 *
 * @throws RangeError when the bytes are not an ONNX file or a tensor does not fill its shape.
 */
export function readInitializers(file: Uint8Array): Weights {
  const weights: Weights = new Map();
  for (const model of readMessage(file)) {
    if (model.field !== 7) continue;
    for (const graph of readMessage(model.bytes)) {
      if (graph.field !== 5) continue;
      const read = readFloatTensor(graph.bytes);
      if (read) weights.set(read.name, read.tensor);
    }
  }
  if (weights.size === 0) throw new RangeError('the file holds no float32 weights');
  return weights;
}

function readFloatTensor(message: Uint8Array): { name: string; tensor: Tensor } | undefined {
  const dims: number[] = [];
  let type = 0;
  let name = '';
  let raw = new Uint8Array();
  for (const { field, number, bytes } of readMessage(message)) {
    if (field === 1) dims.push(number);
    else if (field === 2) type = number;
    else if (field === 8) name = Buffer.from(bytes).toString('utf8');
    else if (field === 9) raw = new Uint8Array(bytes);
  }
  if (type !== DATA_TYPE.float32 || raw.length !== 4 * elements(dims)) return undefined;
  return { name, tensor: tensor(dims, new Float32Array(raw.buffer)) };
}

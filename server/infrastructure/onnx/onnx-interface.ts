/**
 * What an ONNX file says about itself, read from its protobuf without running anything of it
 * (onnx.proto3 of ONNX IR; https://protobuf.dev/programming-guides/encoding/).
 */
export interface OnnxInterface {
  /** Operator set by domain; `ai.onnx` and the empty domain are the standard one. */
  operatorSets: { domain: string; version: number }[];
  /** Domains of the operators that are used, also inside subgraphs. */
  operatorDomains: Set<string>;
  /** Operators that the file defines itself. */
  ownFunctions: number;
  /** Weights that lie in other files. */
  externalData: boolean;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

export interface OnnxValue {
  name: string;
  /** TensorProto.DataType: 1 float32, 2 uint8. */
  type: number;
  /** A number, or undefined for a free dimension. */
  shape: (number | undefined)[];
}

const deepest = 16;

/** @throws RangeError if the bytes are not the protobuf of a model. */
export function readOnnxInterface(file: Uint8Array): OnnxInterface {
  const found: OnnxInterface = {
    operatorSets: [],
    operatorDomains: new Set(),
    ownFunctions: 0,
    externalData: false,
    inputs: [],
    outputs: [],
  };
  let graphs = 0;
  for (const { field, bytes } of fields(file)) {
    if (field === 7) readGraph(bytes, found, 0, ++graphs === 1);
    else if (field === 8) found.operatorSets.push(operatorSet(bytes));
    else if (field === 25) found.ownFunctions++;
  }
  if (graphs !== 1) throw new RangeError('there is no graph in the file');
  return found;
}

/** GraphProto: 1 node, 5 initializer, 11 input, 12 output. */
function readGraph(graph: Uint8Array, found: OnnxInterface, depth: number, outermost: boolean): void {
  if (depth > deepest) throw new RangeError('the graphs are nested too deeply');
  for (const { field, bytes } of fields(graph)) {
    if (field === 1) readNode(bytes, found, depth);
    else if (field === 5) found.externalData ||= isExternal(bytes);
    else if (field === 11 && outermost) found.inputs.push(value(bytes));
    else if (field === 12 && outermost) found.outputs.push(value(bytes));
  }
}

/** NodeProto: 5 attribute, 7 domain. AttributeProto: 5 tensor, 6 graph, 11 graphs. */
function readNode(node: Uint8Array, found: OnnxInterface, depth: number): void {
  let domain = '';
  for (const { field, bytes } of fields(node)) {
    if (field === 7) domain = text(bytes);
    if (field !== 5) continue;
    for (const attribute of fields(bytes)) {
      if (attribute.field === 5) found.externalData ||= isExternal(attribute.bytes);
      if (attribute.field === 6 || attribute.field === 11) readGraph(attribute.bytes, found, depth + 1, false);
    }
  }
  found.operatorDomains.add(domain);
}

/** TensorProto: 13 external_data, 14 data_location (1: EXTERNAL). */
function isExternal(tensor: Uint8Array): boolean {
  return [...fields(tensor)].some(({ field, number }) => field === 13 || (field === 14 && number === 1));
}

function operatorSet(bytes: Uint8Array): { domain: string; version: number } {
  const set = { domain: '', version: 0 };
  for (const { field, number, bytes: inner } of fields(bytes)) {
    if (field === 1) set.domain = text(inner);
    if (field === 2) set.version = number;
  }
  return set;
}

/** ValueInfoProto: 1 name, 2 type; TypeProto: 1 tensor_type; Tensor: 1 elem_type, 2 shape; shape: 1 dim; dim: 1 dim_value. */
function value(bytes: Uint8Array): OnnxValue {
  const found: OnnxValue = { name: '', type: 0, shape: [] };
  for (const info of fields(bytes)) {
    if (info.field === 1) found.name = text(info.bytes);
    if (info.field !== 2) continue;
    for (const tensor of within(info.bytes, 1)) {
      for (const part of fields(tensor)) {
        if (part.field === 1) found.type = part.number;
        if (part.field === 2) found.shape = [...within(part.bytes, 1)].map(dimension);
      }
    }
  }
  return found;
}

function dimension(bytes: Uint8Array): number | undefined {
  return [...fields(bytes)].find(({ field }) => field === 1)?.number;
}

function* within(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  for (const { field, bytes } of fields(message)) if (field === wanted) yield bytes;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

/** The fields of one message in file order; `number` for varints, `bytes` for everything with a length or a fixed width. */
function* fields(message: Uint8Array): Generator<{ field: number; number: number; bytes: Uint8Array }> {
  let at = 0;
  const varint = (): number => {
    let result = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the file is cut short');
      result += (byte & 0x7f) * factor;
      if (byte < 0x80) return result;
    }
    throw new RangeError('the file has a number of more than ten bytes');
  };
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new RangeError('the file is cut short');
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const key = varint();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) yield { field, number: varint(), bytes: new Uint8Array() };
    else if (wire === 1) yield { field, number: Number.NaN, bytes: take(8) };
    else if (wire === 2) yield { field, number: Number.NaN, bytes: take(varint()) };
    else if (wire === 5) yield { field, number: Number.NaN, bytes: take(4) };
    else throw new RangeError('the file is no protobuf');
  }
}

/**
 * Reads the weights of a quantised TFLite file without the TensorFlow runtime: a walk over the FlatBuffers tables
 * of `tensorflow/compiler/mlir/lite/schema/schema.fbs` (Model -> subgraph 0 -> operators -> tensors -> buffers).
 *
 * Every read goes through a DataView, so a damaged file ends in a RangeError and never in foreign memory.
 */

export interface TfliteOperator {
  /** `BuiltinOperator` of the schema: 0 ADD, 1 AVERAGE_POOL_2D, 3 CONV_2D, 4 DEPTHWISE_CONV_2D ... */
  code: number;
  /** Indices into `tensors`. */
  inputs: number[];
  outputs: number[];
}

export interface TfliteTensor {
  name: string;
  shape: number[];
  /** `TensorType` of the schema: 2 INT32, 3 UINT8. */
  type: number;
  scale: number;
  zeroPoint: number;
  /** Empty for activations. */
  bytes: Uint8Array;
}

export interface TfliteModel {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
}

type Field = (index: number) => number | undefined;

/** @throws RangeError for anything that is not a TFLite file. */
export function readTflite(file: Uint8Array): TfliteModel {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 8 || Buffer.from(file.subarray(4, 8)).toString('latin1') !== 'TFL3') {
    throw new RangeError('not a TFLite file: identifier TFL3 missing');
  }
  const u32 = (at: number): number => view.getUint32(at, true);
  const follow = (at: number): number => at + u32(at);
  /** Position of a table's field, through its vtable; undefined when the writer left the default. */
  const table = (at: number): Field => {
    const vtable = at - view.getInt32(at, true);
    return (index) => {
      const slot = 4 + 2 * index;
      const offset = slot < view.getUint16(vtable, true) ? view.getUint16(vtable + slot, true) : 0;
      return offset === 0 ? undefined : at + offset;
    };
  };
  /** Calls `read` with the position of each element of a vector field. */
  const vector = <T>(at: number | undefined, size: number, read: (at: number) => T): T[] => {
    if (at === undefined) return [];
    const start = follow(at);
    return Array.from({ length: Math.min(u32(start), file.length) }, (_, index) => read(start + 4 + index * size));
  };
  const tables = (at: number | undefined): Field[] => vector(at, 4, (each) => table(follow(each)));
  const integers = (at: number | undefined): number[] => vector(at, 4, (each) => view.getInt32(each, true));
  const bytes = (at: number | undefined): Uint8Array => {
    if (at === undefined) return new Uint8Array();
    const start = follow(at);
    const end = start + 4 + u32(start);
    if (end > file.length) throw new RangeError('a TFLite buffer ends outside the file');
    return file.subarray(start + 4, end);
  };

  const model = table(follow(0));
  const buffers = tables(model(4)).map((buffer) => bytes(buffer(0)));
  const codes = tables(model(1)).map((code) => {
    const narrow = code(0);
    const wide = code(3);
    return Math.max(
      narrow === undefined ? 0 : view.getInt8(narrow),
      wide === undefined ? 0 : view.getInt32(wide, true),
    );
  });
  const [graph] = tables(model(2));
  if (!graph) throw new RangeError('the TFLite file holds no graph');
  const tensors = tables(graph(0)).map((field): TfliteTensor => {
    const quantization = field(4);
    const inner = quantization === undefined ? undefined : table(follow(quantization));
    const [scale = 1, ...more] = vector(inner?.(2), 4, (each) => view.getFloat32(each, true));
    if (more.length > 0) throw new RangeError('per-channel quantisation is not supported');
    const [zeroPoint = 0n] = vector(inner?.(3), 8, (each) => view.getBigInt64(each, true));
    const type = field(1);
    const buffer = field(2);
    return {
      name: Buffer.from(bytes(field(3))).toString('utf8'),
      shape: integers(field(0)),
      type: type === undefined ? 0 : view.getInt8(type),
      scale,
      zeroPoint: Number(zeroPoint),
      bytes: buffers[buffer === undefined ? 0 : u32(buffer)] ?? new Uint8Array(),
    };
  });
  const operators = tables(graph(3)).map((field): TfliteOperator => {
    const index = field(0);
    return {
      code: codes[index === undefined ? 0 : u32(index)] ?? -1,
      inputs: integers(field(1)),
      outputs: integers(field(2)),
    };
  });
  return { tensors, operators };
}

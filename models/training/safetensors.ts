import { readFileSync } from 'node:fs';
import { tensor, type Weights } from './tensor.ts';
import { writeWhole } from './write-whole.ts';

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const ALIGNMENT = 8;

/** Writes float32 tensors in the safetensors layout (u64 header length, JSON header, raw little-endian data). */
export function writeSafetensors(path: string, weights: Weights, metadata: Record<string, string> = {}): void {
  const header: Record<string, Entry | Record<string, string>> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dims, data }] of weights) {
    header[name] = { dtype: 'F32', shape: [...dims], data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((ALIGNMENT - (Buffer.byteLength(text) % ALIGNMENT)) % ALIGNMENT);
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const parts = [...weights.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  writeWhole(path, Buffer.concat([length, json, ...parts]));
}

/** @throws RangeError when the file is cut short or holds anything but float32. */
export function readSafetensors(path: string): { weights: Weights; metadata: Record<string, string> } {
  const file = readFileSync(path);
  const start = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, start)) as Record<string, unknown>;
  const weights: Weights = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = value as Entry;
    if (dtype !== 'F32') throw new RangeError(`${path}: tensor "${name}" is ${dtype}, not F32`);
    // A copy, because the offset in the file need not be a multiple of four.
    const bytes = new Uint8Array(file.subarray(start + offsets[0], start + offsets[1]));
    weights.set(name, tensor(shape, new Float32Array(bytes.buffer)));
  }
  return { weights, metadata: (header['__metadata__'] ?? {}) as Record<string, string> };
}

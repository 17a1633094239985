/** Big endian values made little endian (PS3.5 7.3): everything that leaves this server as pixels or bulk data is. */
import type { InstanceRow } from './instance.ts';
import { own } from '../table.ts';

/** Bytes that belong together in a value of each VR; 1 for the rest. */
export const cellWidths: Readonly<Record<string, number>> = {
  US: 2, SS: 2, OW: 2, AT: 2, UL: 4, SL: 4, FL: 4, OF: 4, OL: 4, FD: 8, OD: 8, SV: 8, UV: 8, OV: 8,
}; // prettier-ignore

const bigEndian = '1.2.840.10008.1.2.2';
const pixelTags = ['7FE00010', '7FE00008', '7FE00009'];

/**
 * Bytes of a word that must be reversed to read native pixel data little endian: 1 unless the file is big
 * endian. OW holds two 8-bit samples to a word (PS3.5 8.1.1), OB none; deeper samples are words themselves.
 */
export function wordWidth(instance: Pick<InstanceRow, 'TransferSyntaxUID' | 'bulk' | 'attributes'>): number {
  if (instance.TransferSyntaxUID !== bigEndian) return 1;
  const allocated = Number(instance.attributes['00280100']?.Value?.[0] ?? 0);
  if (allocated === 16 || allocated === 32 || allocated === 64) return allocated / 8;
  return instance.bulk['7FE00010']?.vr === 'OW' ? 2 : 1;
}

/** The same for the bulk value at a path. */
export function wordWidthAt(
  instance: Pick<InstanceRow, 'TransferSyntaxUID' | 'bulk' | 'attributes'>,
  path: string,
): number {
  if (pixelTags.includes(path)) return wordWidth(instance);
  return instance.TransferSyntaxUID === bigEndian ? (own(cellWidths, own(instance.bulk, path)?.vr ?? '') ?? 1) : 1;
}

/** Reverses the bytes of each word of `width` bytes, in place; bytes behind the last whole word stay. */
export function swapWords(bytes: Uint8Array, width: number): void {
  const words = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % width));
  if (width === 2) words.swap16();
  else if (width === 4) words.swap32();
  else if (width === 8) words.swap64();
}

/** The same on a stream, whose chunks may end inside of a word. */
export async function* swappedWords(chunks: AsyncIterable<Uint8Array>, width: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (width === 1) {
      yield chunk;
      continue;
    }
    const bytes = Buffer.concat([rest, chunk]);
    const whole = bytes.length - (bytes.length % width);
    swapWords(bytes.subarray(0, whole), width);
    rest = bytes.subarray(whole);
    yield bytes.subarray(0, whole);
  }
  if (rest.length > 0) yield rest;
}

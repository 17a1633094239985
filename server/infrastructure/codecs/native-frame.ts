import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import type { FrameDescription } from './frame-description.ts';

/**
 * Turns native little endian samples into a decoded frame: packed bits, planes, 4:2:2 and unused high bits
 * are gone afterwards (PS3.5 8.1 and 8.2, PS3.3 C.7.6.3.1).
 *
 * @param bytes the frame's bytes, which may be changed in place; for 1-bit frames starting with the byte that holds its first bit
 * @param firstBit for 1-bit frames: position of the first pixel in the first byte (frames are not byte aligned)
 */
export function decodeNative(bytes: Uint8Array, frame: FrameDescription, firstBit = 0): DecodedFrame {
  const { rows, columns, samplesPerPixel, bitsStored, signed } = frame;
  const count = rows * columns * samplesPerPixel;
  let photometricInterpretation = frame.photometricInterpretation;
  let pixels: DecodedFrame['pixels'];
  if (frame.float) pixels = floats(bytes, frame.bitsAllocated, count);
  else if (frame.bitsAllocated === 1) pixels = unpackBits(bytes, count, firstBit);
  else if (frame.bitsAllocated === 12)
    pixels = interleaved(
      samplesOf(unpackTwelve(bytes, count, firstBit), { ...frame, bitsAllocated: 16 }, count),
      frame,
    );
  else if (photometricInterpretation === 'YBR_FULL_422') {
    pixels = widen422(samplesOf(bytes, frame, rows * columns * 2), rows * columns);
    photometricInterpretation = 'YBR_FULL';
  } else {
    pixels = interleaved(samplesOf(bytes, frame, count), frame);
  }
  return {
    rows,
    columns,
    samplesPerPixel,
    bitsStored,
    signed: signed && bitsStored > 1,
    photometricInterpretation,
    pixels,
  };
}

/** Bytes of one frame as native pixel data has it, without padding. */
export function nativeLength({
  rows,
  columns,
  samplesPerPixel,
  bitsAllocated,
  photometricInterpretation,
}: FrameDescription): number {
  const samples = photometricInterpretation === 'YBR_FULL_422' ? 2 : samplesPerPixel;
  return Math.ceil((rows * columns * samples * bitsAllocated) / 8);
}

/**
 * Takes the stored bits out of each cell: earlier standards allowed overlays in the bits above, and signed
 * values need their sign extended from the stored width.
 */
export function samplesOf(bytes: Uint8Array, frame: FrameDescription, count: number): DecodedFrame['pixels'] {
  const width = frame.bitsAllocated / 8;
  if (bytes.length < count * width) throw new Problem('structure', 'The pixel data is shorter than the image');
  const ordered = width === 1 ? bytes.subarray(0, count) : aligned(bytes, count * width, width);
  const { buffer, byteOffset } = ordered;
  const samples =
    width === 1
      ? new (frame.signed ? Int8Array : Uint8Array)(buffer as ArrayBuffer, byteOffset, count)
      : width === 2
        ? new (frame.signed ? Int16Array : Uint16Array)(buffer as ArrayBuffer, byteOffset, count)
        : new (frame.signed ? Int32Array : Uint32Array)(buffer as ArrayBuffer, byteOffset, count);
  if (frame.bitsStored === frame.bitsAllocated) return samples;
  if (samples instanceof Uint16Array && frame.highBit === frame.bitsStored - 1)
    return masked(samples, frame.bitsStored);
  if (samples instanceof Int16Array && frame.highBit === frame.bitsStored - 1)
    return extended(samples, frame.bitsStored);
  const down = 32 - frame.bitsStored;
  const up = 31 - frame.highBit;
  for (let i = 0; i < count; i++) {
    const placed = samples[i]! << up;
    samples[i] = frame.signed ? placed >> down : placed >>> down;
  }
  return samples;
}

/** Loops over one kind of array each: over any kind they take five times as long, and nearly all images are of these two. */
function masked(samples: Uint16Array, bits: number): Uint16Array {
  const mask = 2 ** bits - 1;
  for (let i = 0; i < samples.length; i++) samples[i] = samples[i]! & mask;
  return samples;
}

function extended(samples: Int16Array, bits: number): Int16Array {
  const shift = 32 - bits;
  for (let i = 0; i < samples.length; i++) samples[i] = (samples[i]! << shift) >> shift;
  return samples;
}

/** The bytes at an offset that typed arrays of `width` bytes accept. */
function aligned(bytes: Uint8Array, length: number, width: number): Uint8Array {
  return bytes.byteOffset % width === 0 ? bytes.subarray(0, length) : bytes.slice(0, length);
}

function unpackBits(bytes: Uint8Array, count: number, firstBit: number): Uint8Array {
  if (bytes.length * 8 < firstBit + count) throw new Problem('structure', 'The pixel data is shorter than the image');
  const pixels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const bit = firstBit + i;
    pixels[i] = (bytes[bit >> 3]! >> (bit & 7)) & 1;
  }
  return pixels;
}

/** Twelve bits a sample without gaps, the first one in the lowest bits (PS3.5 8.1.1, before 2003): as cells of 16. */
function unpackTwelve(bytes: Uint8Array, count: number, firstBit: number): Uint8Array {
  if (bytes.length * 8 < firstBit + count * 12)
    throw new Problem('structure', 'The pixel data is shorter than the image');
  const cells = new Uint16Array(count);
  for (let i = 0, bit = firstBit; i < count; i++, bit += 12) {
    const at = bit >> 3;
    cells[i] = ((bytes[at]! | (bytes[at + 1]! << 8)) >> (bit & 7)) & 0xfff;
  }
  return new Uint8Array(cells.buffer);
}

function floats(bytes: Uint8Array, bits: number, count: number): Float32Array | Float64Array {
  const width = bits / 8;
  if (bytes.length < count * width) throw new Problem('structure', 'The pixel data is shorter than the image');
  const { buffer, byteOffset } = aligned(bytes, count * width, width);
  return width === 4
    ? new Float32Array(buffer as ArrayBuffer, byteOffset, count)
    : new Float64Array(buffer as ArrayBuffer, byteOffset, count);
}

function interleaved<T extends DecodedFrame['pixels']>(samples: T, { planar, rows, columns }: FrameDescription): T {
  return planar ? interleave(samples, rows * columns) : samples;
}

function interleave<T extends DecodedFrame['pixels']>(planes: T, size: number): T {
  const pixels = planes.slice() as T;
  for (let plane = 0; plane < 3; plane++)
    for (let i = 0, start = plane * size; i < size; i++) pixels[i * 3 + plane] = planes[start + i]!;
  return pixels;
}

/** Two luminance samples share their colour samples: Y1 Y2 CB CR becomes Y1 CB CR Y2 CB CR. */
function widen422<T extends DecodedFrame['pixels']>(halved: T, size: number): T {
  const pixels = new (halved.constructor as new (length: number) => T)(size * 3);
  for (let from = 0, to = 0; to < size * 3; from += 4, to += 6) {
    pixels[to] = halved[from]!;
    pixels[to + 3] = halved[from + 1]!;
    pixels[to + 1] = pixels[to + 4] = halved[from + 2]!;
    pixels[to + 2] = pixels[to + 5] = halved[from + 3]!;
  }
  return pixels;
}

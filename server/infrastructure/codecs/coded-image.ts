import type { DecodedFrame } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import type { FrameDescription } from './frame-description.ts';

/** What a codec gave: samples in one byte each up to eight bits, otherwise in two, little endian. */
export interface CodedImage {
  rows: number;
  columns: number;
  components: number;
  /** Bits of a sample in the codestream. */
  precision: number;
  /** The codestream says that samples have a sign: it is their highest bit, and not extended. */
  signed: boolean;
  /** All of the first component, then all of the second. */
  planar: boolean;
  bytes: Uint8Array;
}

/**
 * The samples of a codec as those of the image: interleaved, in cells of Bits Allocated, with the sign that Pixel
 * Representation says. What codestream and attributes say otherwise of each other is refused where it leaves open which
 * value is meant (PS3.5 8.2.3, 8.2.4: both shall be consistent).
 *
 * @throws Problem `structure` when they contradict each other.
 */
export function imageSamples(image: CodedImage, frame: FrameDescription): DecodedFrame['pixels'] {
  const count = frame.rows * frame.columns * frame.samplesPerPixel;
  const { precision, bytes } = image;
  const fits =
    image.rows === frame.rows && image.columns === frame.columns && image.components === frame.samplesPerPixel;
  if (!fits || bytes.length < count * (precision > 8 ? 2 : 1))
    throw new Problem('structure', 'The compressed frame is not of the size that the image declares');
  if (precision > Math.max(8, frame.bitsAllocated))
    throw new Problem('structure', `The compressed frame has ${precision} bits, more than Bits Allocated holds`);
  if (frame.signed !== image.signed && precision < frame.bitsStored)
    throw new Problem('structure', 'The compressed frame and Pixel Representation differ about the sign of values');
  const from = cellsOf(bytes, count, precision);
  const to = emptySamples(count, frame);
  const place = placing(frame, precision, image.signed);
  const size = frame.rows * frame.columns;
  const samples = frame.samplesPerPixel;
  if (image.planar && samples === 3) {
    for (let plane = 0; plane < 3; plane++)
      for (let i = 0, start = plane * size; i < size; i++) to[i * 3 + plane] = place(from[start + i]!);
  } else if (sameCells(from, frame, precision)) to.set(from);
  else for (let i = 0; i < count; i++) to[i] = place(from[i]!);
  return to;
}

/** Undoes `withoutSign` of the codestream: half of the range less, in the same bits. */
export function withSign(image: CodedImage): CodedImage {
  const { precision, bytes } = image;
  const cells = cellsOf(bytes, precision > 8 ? bytes.length >> 1 : bytes.length, precision);
  const highest = 1 << (precision - 1);
  for (let i = 0; i < cells.length; i++) cells[i]! ^= highest;
  return { ...image, signed: true, bytes: new Uint8Array(cells.buffer, cells.byteOffset, cells.byteLength) };
}

function cellsOf(bytes: Uint8Array, count: number, precision: number): Uint8Array | Uint16Array {
  if (precision <= 8) return bytes.subarray(0, count);
  const ordered = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(ordered.buffer, ordered.byteOffset, count);
}

function emptySamples(count: number, { bitsAllocated, signed }: FrameDescription): DecodedFrame['pixels'] {
  if (bitsAllocated <= 8) return signed ? new Int8Array(count) : new Uint8Array(count);
  if (bitsAllocated <= 16) return signed ? new Int16Array(count) : new Uint16Array(count);
  return signed ? new Int32Array(count) : new Uint32Array(count);
}

/** Bits can be copied as they are: nothing above the stored ones, and cells of the same width. */
function sameCells(from: Uint8Array | Uint16Array, frame: FrameDescription, precision: number): boolean {
  const width = frame.bitsAllocated <= 8 ? 1 : 2;
  if (from.BYTES_PER_ELEMENT !== width || frame.bitsAllocated > 16) return false;
  return frame.signed ? frame.bitsStored === width * 8 && precision === width * 8 : precision <= frame.bitsStored;
}

/** Takes the stored bits out of a cell of `precision` bits; High Bit counts where the codestream holds whole cells. */
function placing(frame: FrameDescription, precision: number, extended: boolean): (cell: number) => number {
  const { bitsStored, highBit, signed } = frame;
  if (precision < bitsStored) {
    // A signed codestream of fewer bits: its sign is that of the value.
    const up = 32 - precision;
    return extended ? (cell) => (cell << up) >> up : (cell) => cell;
  }
  const up = 31 - (highBit < precision ? highBit : bitsStored - 1);
  const down = 32 - bitsStored;
  return signed ? (cell) => (cell << up) >> down : (cell) => (cell << up) >>> down;
}

import type { DecodedFrame, FrameIndex, InstanceRow } from './instance.ts';
import { Problem } from '../problem.ts';
import { own } from '../table.ts';

/** Where the bytes of one frame lie in the file. */
export interface FrameRanges {
  /** In the order in which they are to be joined. */
  ranges: [offset: number, length: number][];
  /** Position of the frame's first pixel in the first byte: packed frames (1 or 12 bits) are not byte aligned. */
  firstBit: number;
  /** Bits of a packed frame; undefined when frames are whole bytes. */
  bits: number | undefined;
}

/** Number of frames that the file really holds, whatever Number of Frames says. */
export function frameCount(frames: FrameIndex | null): number {
  if (!frames) return 0;
  return frames.encapsulated ? frames.frames.length : frames.count;
}

/**
 * Finds a frame (from 0) by the stored offsets; the file is not parsed again (PS3.5 8.1.1, A.4).
 * @throws Problem `not-found` for a frame that is not there.
 */
export function frameRanges(instance: Pick<InstanceRow, 'frames' | 'attributes'>, frame: number): FrameRanges {
  const { frames, attributes } = instance;
  if (!frames || !Number.isInteger(frame) || frame < 0 || frame >= frameCount(frames))
    throw new Problem('not-found', 'The instance has no such frame');
  if (frames.encapsulated) return { ranges: frames.frames[frame] ?? [], firstBit: 0, bits: undefined };
  if (!frames.bitPacked)
    return { ranges: [[frames.offset + frame * frames.length, frames.length]], firstBit: 0, bits: undefined };
  const samples =
    number(attributes, '00280010') * number(attributes, '00280011') * (number(attributes, '00280002') || 1);
  const bits = samples * (number(attributes, '00280100') || 1);
  const first = frame * bits;
  const firstBit = first % 8;
  return { ranges: [[frames.offset + (first - firstBit) / 8, Math.ceil((firstBit + bits) / 8)]], firstBit, bits };
}

/** Moves a packed frame to the first bit of its first byte and clears the bits behind its end. */
export function alignBits(bytes: Uint8Array, firstBit: number, bits: number): Uint8Array {
  const aligned = new Uint8Array(Math.ceil(bits / 8));
  for (let i = 0; i < aligned.length; i++)
    aligned[i] = (bytes[i]! >> firstBit) | (firstBit === 0 ? 0 : (bytes[i + 1] ?? 0) << (8 - firstBit));
  if (bits % 8 !== 0) aligned[aligned.length - 1]! &= (1 << (bits % 8)) - 1;
  return aligned;
}

function number(attributes: InstanceRow['attributes'], tag: string): number {
  return Number(own(attributes, tag)?.Value?.[0] ?? 0);
}

/** Decoded samples as the bytes of a native frame: packed where Bits Allocated is 1 (PS3.5 8.1.1). */
export function nativeBytes({ pixels }: Pick<DecodedFrame, 'pixels'>, bitsAllocated: unknown): Uint8Array {
  return bitsAllocated === 1 ? packBits(pixels) : new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
}

/** Packs decoded 1-bit samples, a byte each, as native pixel data has them: first pixel in the lowest bit. */
export function packBits(samples: ArrayLike<number>): Uint8Array {
  const packed = new Uint8Array(Math.ceil(samples.length / 8));
  for (let i = 0; i < samples.length; i++) if (samples[i]) packed[i >> 3]! |= 1 << (i & 7);
  return packed;
}

import type { FrameIndex, InstanceRow } from '../ports.ts';
import { Problem } from '../problem.ts';

/** Where the bytes of one frame lie in the file. */
export interface FrameRanges {
  /** In the order in which they are to be joined. */
  ranges: [offset: number, length: number][];
  /** Position of the frame's first pixel in the first byte: packed 1-bit frames are not byte aligned. */
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
  if (!frames.bitPacked) return { ranges: [[frames.offset + frame * frames.length, frames.length]], firstBit: 0, bits: undefined };
  const bits = number(attributes, '00280010') * number(attributes, '00280011') * (number(attributes, '00280002') || 1);
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
  return Number(attributes[tag]?.Value?.[0] ?? 0);
}

/**
 * Bytes of a word of native pixel data that must be reversed to read it little endian: 1 unless the file is
 * big endian. OW holds two 8-bit samples to a word (PS3.5 8.1.1), OB none.
 */
export function wordWidth(instance: Pick<InstanceRow, 'TransferSyntaxUID' | 'bulk' | 'attributes'>): 1 | 2 | 4 {
  if (instance.TransferSyntaxUID !== '1.2.840.10008.1.2.2') return 1;
  const allocated = number(instance.attributes, '00280100');
  if (allocated === 32) return 4;
  if (allocated === 16) return 2;
  return instance.bulk['7FE00010']?.vr === 'OW' ? 2 : 1;
}

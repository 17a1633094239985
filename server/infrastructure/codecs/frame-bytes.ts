import { closeSync, openSync, readSync } from 'node:fs';
import { frameRanges } from '../../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { frameBytesLimit } from './frame-description.ts';

/**
 * Reads one frame (from 0), its fragments joined.
 * @throws Problem `not-found` for a frame that is not there, `structure` when the file is too short.
 */
export function readFrame(path: string, instance: InstanceRow, frame: number): { bytes: Uint8Array; firstBit: number } {
  const { ranges, firstBit } = frameRanges(instance, frame);
  const total = ranges.reduce((sum, [, length]) => sum + length, 0);
  if (total > frameBytesLimit) throw new Problem('too-costly', 'A frame of this image is too large to decode');
  return { bytes: readRanges(path, ranges), firstBit };
}

/** Joined bytes of `[offset, length]` ranges of a file. @throws Problem `structure` when the file ends before. */
export function readRanges(path: string, ranges: [offset: number, length: number][]): Uint8Array {
  const bytes = new Uint8Array(ranges.reduce((sum, [, length]) => sum + length, 0));
  const file = openSync(path, 'r');
  try {
    let at = 0;
    for (const [offset, length] of ranges) {
      if (readSync(file, bytes, at, length, offset) < length)
        throw new Problem('structure', 'The file ends inside of the pixel data');
      at += length;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

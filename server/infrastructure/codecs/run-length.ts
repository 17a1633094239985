import { Problem } from '../../core/problem.ts';
import type { FrameDescription } from './frame-description.ts';

/**
 * Decodes DICOM RLE (PS3.5 Annex G): one PackBits segment for each byte of a sample, most significant
 * first, each sample's segments together.
 *
 * @returns native little endian samples, planar if there are three of them
 */
export function decodeRunLength(bytes: Uint8Array, frame: FrameDescription): Uint8Array {
  // One bit a pixel stays packed: eight of them are a byte of the only segment.
  const packed = frame.bitsAllocated === 1;
  const size = packed ? Math.ceil((frame.rows * frame.columns) / 8) : frame.rows * frame.columns;
  const width = packed ? 1 : frame.bitsAllocated / 8;
  const expected = frame.samplesPerPixel * width;
  if (bytes.length < 64) throw new Problem('structure', 'The RLE header is cut short');
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  const segments = header.getUint32(0, true);
  if (segments !== expected)
    throw new Problem('structure', `The RLE header counts ${segments} segments instead of ${expected}`);
  const native = new Uint8Array(size * expected);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + segment * 4, true);
    const end = segment + 1 < segments ? header.getUint32(8 + segment * 4, true) : bytes.length;
    if (start < 64 || end < start || end > bytes.length)
      throw new Problem('structure', 'An RLE segment lies outside of the frame');
    const sample = Math.floor(segment / width);
    unpack(bytes.subarray(start, end), native, sample * size * width + (width - 1 - (segment % width)), width, size);
  }
  return native;
}

/** Writes `count` bytes of one PackBits segment (PS3.5 G.3.2), `step` apart. */
function unpack(packed: Uint8Array, into: Uint8Array, first: number, step: number, count: number): void {
  let from = 0;
  let written = 0;
  let to = first;
  while (written < count) {
    const control = packed[from++];
    if (control === undefined) throw new Problem('structure', 'An RLE segment is cut short');
    if (control === 128) continue;
    const run = Math.min(control < 128 ? control + 1 : 257 - control, count - written);
    if (from + (control < 128 ? run : 1) > packed.length) throw new Problem('structure', 'An RLE segment is cut short');
    for (let i = 0; i < run; i++, to += step) into[to] = packed[control < 128 ? from + i : from]!;
    from += control < 128 ? run : 1;
    written += run;
  }
}

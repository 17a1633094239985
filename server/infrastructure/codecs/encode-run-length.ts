import type { DecodedFrame } from '../../core/dicom/instance.ts';

/**
 * Encodes samples as DICOM RLE (PS3.5 Annex G): a header of the segments' offsets, then one PackBits segment for each byte
 * of a sample, most significant first, each sample's segments together.
 */
export function encodeRunLength({ pixels, rows, columns, samplesPerPixel }: DecodedFrame): Uint8Array {
  const width = pixels.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const step = width * samplesPerPixel;
  const header = new DataView(new ArrayBuffer(64));
  const segments: Uint8Array[] = [];
  let at = 64;
  for (let sample = 0; sample < samplesPerPixel; sample++)
    for (let byte = width - 1; byte >= 0; byte--) {
      const segment = packBytes(bytes, sample * width + byte, step, rows, columns);
      header.setUint32(4 + segments.length * 4, at, true);
      segments.push(segment);
      at += segment.length;
    }
  header.setUint32(0, segments.length, true);
  return Buffer.concat([new Uint8Array(header.buffer), ...segments]);
}

/** PackBits of every `step`th byte, of even length; no run goes on in the next row (PS3.5 G.3.1). */
function packBytes(bytes: Uint8Array, first: number, step: number, rows: number, columns: number): Uint8Array {
  const line = new Uint8Array(columns);
  const packed = new Uint8Array(rows * (columns + Math.ceil(columns / 128)) + 1);
  let to = 0;
  for (let row = 0, from = first; row < rows; row++) {
    for (let i = 0; i < columns; i++, from += step) line[i] = bytes[from]!;
    to = packLine(line, packed, to);
  }
  return packed.slice(0, to + (to % 2));
}

/** Two equal bytes are a run only where no literal is under way: there they would cost a byte more. */
function packLine(line: Uint8Array, packed: Uint8Array, to: number): number {
  for (let at = 0; at < line.length;) {
    const run = runAt(line, at);
    if (run > 1) {
      packed[to++] = 257 - run;
      packed[to++] = line[at]!;
      at += run;
      continue;
    }
    let end = at + 1;
    while (end < line.length && end - at < 128 && runAt(line, end) < 3) end++;
    packed[to++] = end - at - 1;
    packed.set(line.subarray(at, end), to);
    to += end - at;
    at = end;
  }
  return to;
}

/** How often the byte is repeated from here, up to what one code says. */
function runAt(line: Uint8Array, at: number): number {
  const last = Math.min(line.length, at + 128);
  let end = at + 1;
  while (end < last && line[end] === line[at]) end++;
  return end - at;
}

import { fstatSync, readSync } from 'node:fs';
import type { ByteSource } from '../../core/dicom/byte-source.ts';
import { Problem } from '../../core/problem.ts';

const windowSize = 32 << 10;
const peekSize = 1 << 10;

/** A file as a source, through one small window: headers are read together, pixel data is stepped over. */
export function fileSource(descriptor: number): ByteSource {
  const { size } = fstatSync(descriptor);
  const window = new Uint8Array(windowSize);
  let start = 0;
  let filled = 0;

  return {
    size,
    bytes(offset, length) {
      if (offset >= start && offset + length <= start + filled)
        return window.subarray(offset - start, offset - start + length);
      if (length > windowSize) return read(new Uint8Array(length), offset);
      // After a jump (over a fragment, a bulk value) most likely only a header is wanted.
      const near = offset >= start && offset <= start + filled;
      const wanted = Math.min(size - offset, Math.max(length, near || filled === 0 ? windowSize : peekSize));
      read(window.subarray(0, wanted), offset);
      start = offset;
      filled = wanted;
      return window.subarray(0, length);
    },
  };

  function read(into: Uint8Array, offset: number): Uint8Array {
    let done = 0;
    while (done < into.length) {
      const count = readSync(descriptor, into, done, into.length - done, offset + done);
      if (count === 0) throw new Problem('structure', 'The file is shorter than its elements say');
      done += count;
    }
    return into;
  }
}

/** Range requests (RFC 9110 14). */

export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * The one range of a Range header.
 * @returns undefined when the whole representation is to be sent: no header, another unit, several ranges
 * (RFC 9110 14.2 lets a server ignore those), or not well formed; `unsatisfiable` for a 416.
 */
export function byteRange(header: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=\s*([0-9]*)-([0-9]*)\s*$/i.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length > 0 ? { offset: size - length, length } : 'unsatisfiable';
  }
  const offset = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < offset) return undefined;
  return offset < size ? { offset, length: end - offset + 1 } : 'unsatisfiable';
}

/** Content-Range of a 206, or of a 416 (`undefined`). */
export function contentRange(range: ByteRange | undefined, size: number): string {
  return range ? `bytes ${range.offset}-${range.offset + range.length - 1}/${size}` : `bytes */${size}`;
}

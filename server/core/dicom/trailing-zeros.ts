import type { ByteSource } from './byte-source.ts';

const piece = 65_536;

/** Some writers fill the file up with zeros instead of Data Set Trailing Padding. */
export function restIsZeros(source: ByteSource, start: number, end: number): boolean {
  // No element begins with (0000,00..), so one look is enough nearly always.
  let length = Math.min(3, end - start);
  for (let at = start; at < end; at += length, length = Math.min(piece, end - at))
    if (source.bytes(at, length).some((byte) => byte !== 0)) return false;
  return true;
}

/**
 * The entries of a segmented palette table (PS3.3 C.7.9.2.2): discrete segments are entries, linear ones are a ramp from the
 * entry before to the one named, indirect ones repeat segments from elsewhere in the data.
 *
 * @param cells opcodes, counts and values, 8 or 16 bits each
 * @param bits of a cell: an indirect offset counts bytes, in cells of 8 bits it is written in four of them, otherwise in two
 * @param length of the table; more is not made
 * @returns undefined when the data are no such table
 */
export function segmentedEntries(cells: ArrayLike<number>, bits: 8 | 16, length: number): number[] | undefined {
  const entries: number[] = [];
  return expand(cells, bits, { at: 0, segments: Infinity, inside: false }, entries, length) && entries.length === length
    ? entries
    : undefined;
}

function expand(
  cells: ArrayLike<number>,
  bits: 8 | 16,
  { at, segments, inside }: { at: number; segments: number; inside: boolean },
  entries: number[],
  limit: number,
): boolean {
  for (let done = 0; done < segments && at < cells.length && entries.length < limit; done++) {
    const opcode = cells[at];
    const count = cells[at + 1];
    // Data of odd length is padded with one zero, which is no segment.
    if (count === undefined) return opcode === 0;
    if (opcode === 0) {
      if (at + 2 + count > cells.length) return false;
      for (let i = 0; i < count && entries.length < limit; i++) entries.push(cells[at + 2 + i]!);
      at += 2 + count;
    } else if (opcode === 1) {
      const last = entries.at(-1);
      const end = cells[at + 2];
      if (last === undefined || end === undefined) return false;
      for (let i = 1; i <= count && entries.length < limit; i++)
        entries.push(Math.round(last + ((end - last) * i) / count));
      at += 3;
    } else if (opcode === 2 && !inside) {
      const width = bits === 8 ? 4 : 2;
      if (at + 2 + width > cells.length) return false;
      let offset = 0;
      for (let i = 0; i < width; i++) offset += cells[at + 2 + i]! * 2 ** (bits * i);
      const from = bits === 8 ? offset : offset / 2;
      if (!expand(cells, bits, { at: from, segments: count, inside: true }, entries, limit)) return false;
      at += 2 + width;
    } else return false;
  }
  return true;
}

import { Problem } from '../../core/problem.ts';

/**
 * Reads the size out of a JPEG XL codestream (ISO/IEC 18181-1 D.2), bare or in its container (18181-2), so that none is
 * decoded that claims more pixels than the image has.
 * @throws Problem `structure` when there is none or it is not that of the image.
 */
export function checkJpegXl(bytes: Uint8Array, image: { rows: number; columns: number }): void {
  const at = codestreamAt(bytes);
  if (at === undefined) throw new Problem('structure', 'The compressed frame has no frame header');
  const size = sizeHeader(bytes.subarray(at + 2, at + 16));
  if (size.rows !== image.rows || size.columns !== image.columns)
    throw new Problem('structure', 'The compressed frame is not of the size that the image declares');
}

/** Where FF 0A is: at the start, or in the first box of the container that holds a codestream or a part of one. */
function codestreamAt(bytes: Uint8Array): number | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0x0a) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0, boxes = 0; at + 16 <= bytes.length && boxes < 64; boxes++) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const short = view.getUint32(at);
    const head = short === 1 ? 16 : 8;
    const start = at + head + (type === 'jxlp' ? 4 : 0);
    if ((type === 'jxlc' || type === 'jxlp') && bytes[start] === 0xff && bytes[start + 1] === 0x0a) return start;
    const length = short === 1 ? Number(view.getBigUint64(at + 8)) : short;
    if (length < head) return undefined;
    at += length;
  }
  return undefined;
}

const ratios: readonly [number, number][] = [[1, 1], [12, 10], [4, 3], [3, 2], [16, 9], [5, 4], [2, 1]]; // prettier-ignore

function sizeHeader(bytes: Uint8Array): { rows: number; columns: number } {
  let bit = 0;
  const read = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bit++) value += (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) * 2 ** i;
    return value;
  };
  const small = read(1) === 1;
  const side = () => (small ? (read(5) + 1) * 8 : read([9, 13, 18, 30][read(2)]!) + 1);
  const rows = side();
  const ratio = ratios[read(3) - 1];
  return { rows, columns: ratio ? Math.floor((rows * ratio[0]) / ratio[1]) : side() };
}

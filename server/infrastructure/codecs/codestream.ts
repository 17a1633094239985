import { Problem } from '../../core/problem.ts';

/** What a compressed image says about its own size. */
export interface CodestreamSize {
  rows: number;
  columns: number;
  components: number;
}

/**
 * Reads the size out of a JPEG, JPEG-LS or JPEG 2000 codestream without decoding it, so that a stream which
 * claims 65,535 x 65,535 pixels under a 10 x 10 image is refused before a codec allocates for it.
 *
 * @returns undefined when the stream has no frame header at all
 */
export function sizeOfCodestream(bytes: Uint8Array): CodestreamSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = jpeg2000Start(bytes);
  return start === undefined ? sizeOfJpeg(view) : sizeOfJpeg2000(view, start);
}

/** @throws Problem `structure` when the stream is not of the image's size. */
export function checkCodestream(
  bytes: Uint8Array,
  image: { rows: number; columns: number; samplesPerPixel: number },
): void {
  const size = sizeOfCodestream(bytes);
  if (!size) throw new Problem('structure', 'The compressed frame has no frame header');
  if (size.rows !== image.rows || size.columns !== image.columns || size.components !== image.samplesPerPixel)
    throw new Problem('structure', 'The compressed frame is not of the size that the image declares');
}

/** Position of SOC + SIZ (ITU-T T.800 A.4): at the start, or inside of a JP2 file, which some writers wrongly embed. */
function jpeg2000Start(bytes: Uint8Array): number | undefined {
  const reach = Math.min(bytes.length - 4, 4096);
  const isBox = bytes[4] === 0x6a && bytes[5] === 0x50;
  for (let i = 0; i <= (isBox ? reach : 0); i++)
    if (bytes[i] === 0xff && bytes[i + 1] === 0x4f && bytes[i + 2] === 0xff && bytes[i + 3] === 0x51) return i;
  return undefined;
}

function sizeOfJpeg2000(view: DataView, start: number): CodestreamSize | undefined {
  if (view.byteLength < start + 42) return undefined;
  return {
    columns: view.getUint32(start + 8) - view.getUint32(start + 16),
    rows: view.getUint32(start + 12) - view.getUint32(start + 20),
    components: view.getUint16(start + 40),
  };
}

/** Walks the marker segments up to the start of frame (ITU-T T.81 B.2.2, T.87 C.2.2). */
function sizeOfJpeg(view: DataView): CodestreamSize | undefined {
  let at = 2;
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  while (at + 9 < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    const isFrame =
      (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7;
    if (isFrame)
      return { rows: view.getUint16(at + 5), columns: view.getUint16(at + 7), components: view.getUint8(at + 9) };
    if (marker === 0xff) at += 1;
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

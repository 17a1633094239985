import { Problem } from '../../core/problem.ts';

/** What a compressed image says about itself. */
export interface CodestreamSize {
  rows: number;
  columns: number;
  components: number;
  /** Bits of a sample; of the deepest component, if they differ. */
  precision: number;
  /** Where the header that says this begins. */
  at: number;
  /** All components have the size and the depth of the first one. */
  uniform: boolean;
  /** JPEG 2000 only: samples have a sign. */
  signed?: boolean;
  /** JPEG 2000 only: colours are transformed (RCT, ICT). */
  transformed?: boolean;
  /** JPEG only: letters R, G and B as component numbers, or Adobe's word that nothing was transformed. */
  saysRgb?: boolean;
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
): CodestreamSize {
  const size = sizeOfCodestream(bytes);
  if (!size) throw new Problem('structure', 'The compressed frame has no frame header');
  if (size.rows !== image.rows || size.columns !== image.columns || size.components !== image.samplesPerPixel)
    throw new Problem('structure', 'The compressed frame is not of the size that the image declares');
  return size;
}

/**
 * Refuses a stream without the marker of its end (EOI, EOC; both FF D9, which compressed data cannot hold): of what a broken
 * transfer has cut off, libjpeg and OpenJPH make up the rest and say nothing, and CharLS may look for it for ever.
 * @throws Problem `structure`
 */
export function checkEnd(bytes: Uint8Array, { at }: CodestreamSize): void {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).lastIndexOf(Uint8Array.of(0xff, 0xd9));
  if (end <= at) throw new Problem('structure', 'The compressed frame is cut off: the marker of its end is missing');
}

/** Position of SOC + SIZ (ITU-T T.800 A.4): at the start, or inside of a JP2 file, which some writers wrongly embed. */
function jpeg2000Start(bytes: Uint8Array): number | undefined {
  const reach = Math.min(bytes.length - 4, 4096);
  const isBox = bytes[4] === 0x6a && bytes[5] === 0x50;
  for (let i = 0; i <= (isBox ? reach : 0); i++)
    if (bytes[i] === 0xff && bytes[i + 1] === 0x4f && bytes[i + 2] === 0xff && bytes[i + 3] === 0x51) return i;
  return undefined;
}

/**
 * A copy of a JPEG 2000 codestream whose samples have no sign: the same samples, each greater by half of the range
 * (ITU-T T.800 G.1.2). Codecs cut off what is below zero in signed samples of eight bits.
 */
export function withoutSign(bytes: Uint8Array): Uint8Array {
  return marked(bytes, (depth) => depth & 0x7f);
}

/** The other way: samples that were made greater by half of the range are said to have a sign. */
export function withSignMark(bytes: Uint8Array): Uint8Array {
  return marked(bytes, (depth) => depth | 0x80);
}

function marked(bytes: Uint8Array, mark: (depth: number) => number): Uint8Array {
  const copy = new Uint8Array(bytes); // of a Buffer, `slice` would be no copy
  const start = jpeg2000Start(bytes) ?? 0;
  const components = (copy[start + 40]! << 8) | copy[start + 41]!;
  for (let i = 0; i < components; i++) copy[start + 42 + i * 3] = mark(copy[start + 42 + i * 3]!);
  return copy;
}

function sizeOfJpeg2000(view: DataView, start: number): CodestreamSize | undefined {
  if (view.byteLength < start + 42) return undefined;
  const components = view.getUint16(start + 40);
  const named = Math.min(components, Math.floor((view.byteLength - start - 42) / 3));
  const each = Array.from({ length: named }, (_, i) => {
    const at = start + 42 + i * 3;
    return { depth: view.getUint8(at), across: view.getUint8(at + 1), down: view.getUint8(at + 2) };
  });
  return {
    columns: view.getUint32(start + 8) - view.getUint32(start + 16),
    rows: view.getUint32(start + 12) - view.getUint32(start + 20),
    components,
    at: start,
    precision: Math.max(1, ...each.map(({ depth }) => (depth & 0x7f) + 1)),
    signed: ((each[0]?.depth ?? 0) & 0x80) !== 0,
    transformed: hasColourTransform(view, start),
    uniform: each.every(({ depth, across, down }) => depth === each[0]!.depth && across === 1 && down === 1),
  };
}

/** What the first coding style segment of the main header says (ITU-T T.800 A.6.1). */
function hasColourTransform(view: DataView, start: number): boolean {
  for (let at = start + 2; at + 9 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker === 0xff52) return view.getUint8(at + 8) === 1;
    if (marker === 0xff90 || marker < 0xff00) return false;
  }
  return false;
}

/** Walks the marker segments up to the start of frame (ITU-T T.81 B.2.2, T.87 C.2.2). */
function sizeOfJpeg(view: DataView): CodestreamSize | undefined {
  let at = 2;
  let adobe = false;
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  while (at + 9 < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    const isFrame =
      (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7;
    if (isFrame) return jpegFrame(view, at, adobe);
    if (marker === 0xee) adobe = saysUntransformed(view, at);
    if (marker === 0xff) at += 1;
    else at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function jpegFrame(view: DataView, at: number, adobe: boolean): CodestreamSize {
  const components = view.getUint8(at + 9);
  const each: { id: number; sampling: number }[] = [];
  for (let i = 0, where = at + 10; i < components && where + 1 < view.byteLength; i++, where += 3)
    each.push({ id: view.getUint8(where), sampling: view.getUint8(where + 1) });
  return {
    rows: view.getUint16(at + 5),
    columns: view.getUint16(at + 7),
    components,
    at,
    precision: view.getUint8(at + 4),
    uniform: each.every(({ sampling }) => sampling === each[0]!.sampling),
    saysRgb: adobe || String.fromCharCode(...each.map(({ id }) => id)) === 'RGB',
  };
}

/** Adobe's APP14 with transform 0 (ITU-T T.872 6.5.3). */
function saysUntransformed(view: DataView, at: number): boolean {
  if (at + 16 > view.byteLength) return false;
  const name = String.fromCharCode(...[4, 5, 6, 7, 8].map((i) => view.getUint8(at + i)));
  return name === 'Adobe' && view.getUint8(at + 15) === 0;
}

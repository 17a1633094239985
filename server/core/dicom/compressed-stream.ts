/** What a compressed image says of itself, without decoding it: enough to name its transfer syntax (PS3.5 8.2). */

/** Attributes of Image Pixel that the stream itself holds; a form without them names its transfer syntax only. */
export interface CompressedStream {
  TransferSyntaxUID: string;
  /** Where the stream lies: a JPEG 2000 file has boxes around it that do not belong into DICOM. */
  offset: number;
  length: number;
  image?: {
    rows: number;
    columns: number;
    samples: number;
    /** Bits of one sample. */
    bits: number;
    signed: boolean;
    photometric: string;
  };
  lossy: boolean;
}

const jpeg = (last: number) => `1.2.840.10008.1.2.4.${last}`;

/** @returns undefined for what is none of JPEG, JPEG-LS, JPEG 2000, HTJ2K, JPEG XL. */
export function compressedStream(bytes: Uint8Array): CompressedStream | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = view.getUint32(0);
  if (start >>> 16 === 0xffd8) return jpegStream(view);
  if (start === 0xff4fff51) return jpeg2000(view, 0, bytes.length);
  if (start === 0x0c && view.getUint32(4) === 0x6a502020) return boxed(view);
  // A bare stream, or its container: what it is lossless in only decoding tells.
  const isJxl = start >>> 16 === 0xff0a || (start === 0x0c && view.getUint32(4) === 0x4a584c20);
  return isJxl ? { TransferSyntaxUID: jpeg(112), offset: 0, length: bytes.length, lossy: true } : undefined;
}

/** JP2, JPX and JPH files (ITU-T T.800 I.5): the stream is in the box `jp2c`. */
function boxed(view: DataView): CompressedStream | undefined {
  for (let at = 0; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at);
    const long = size === 1 && at + 16 <= view.byteLength;
    const head = long ? 16 : 8;
    const length = size === 0 ? view.byteLength - at : long ? Number(view.getBigUint64(at + 8)) : size;
    if (length < head) return undefined;
    if (view.getUint32(at + 4) === 0x6a703263)
      return jpeg2000(view, at + head, Math.min(length, view.byteLength - at) - head);
    at += length;
  }
  return undefined;
}

/** SIZ and COD (ITU-T T.800 A.5.1, A.6.1). */
function jpeg2000(view: DataView, offset: number, length: number): CompressedStream | undefined {
  const end = offset + length;
  if (length < 51 || view.getUint32(offset) !== 0xff4fff51) return undefined;
  const siz = offset + 4;
  const samples = view.getUint16(siz + 36);
  const depth = view.getUint8(siz + 38);
  let high = (view.getUint16(siz + 2) & 0x4000) !== 0;
  let transform: { colours: boolean; reversible: boolean } | undefined;
  for (let at = siz + view.getUint16(siz); at + 14 <= end;) {
    const marker = view.getUint16(at);
    if (marker === 0xff90 || marker >>> 8 !== 0xff) break; // tiles begin
    if (marker === 0xff50) high = true; // CAP: ITU-T T.814
    if (marker === 0xff52)
      transform = { colours: view.getUint8(at + 8) === 1, reversible: view.getUint8(at + 13) === 1 };
    at += 2 + view.getUint16(at + 2);
  }
  if (!transform) return undefined;
  const { colours, reversible } = transform;
  const mixed = reversible ? 'YBR_RCT' : 'YBR_ICT';
  return {
    // "Lossless only" promises what a stream cannot show: layers may have been left out.
    TransferSyntaxUID: high ? jpeg(203) : jpeg(91),
    offset,
    length,
    lossy: !reversible,
    image: {
      columns: view.getUint32(siz + 4) - view.getUint32(siz + 12),
      rows: view.getUint32(siz + 8) - view.getUint32(siz + 16),
      samples,
      bits: (depth & 0x7f) + 1,
      signed: depth > 0x7f,
      photometric: samples < 3 ? 'MONOCHROME2' : colours ? mixed : 'RGB',
    },
  };
}

/** Start of frame and of scan (ITU-T T.81 B.2, T.87 C.2). */
function jpegStream(view: DataView): CompressedStream | undefined {
  let frame: { kind: number; at: number } | undefined;
  let adobe: number | undefined;
  for (let at = 2; at + 10 < view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    if (marker === 0xee && view.getUint16(at + 2) >= 14 && view.getUint32(at + 4) === 0x41646f62 && at + 16 <= view.byteLength)
      adobe = view.getUint8(at + 15); // prettier-ignore
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame || marker === 0xf7) frame = { kind: marker, at: at + 4 };
    if (marker === 0xda) return frame && described(view, frame, at + 4, adobe);
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function described(
  view: DataView,
  { kind, at }: { kind: number; at: number },
  scan: number,
  adobe: number | undefined,
): CompressedStream | undefined {
  const samples = view.getUint8(at + 5);
  // The predictor of lossless JPEG and NEAR of JPEG-LS stand at the same place.
  const choice = view.getUint8(Math.min(view.byteLength - 1, scan + 1 + 2 * view.getUint8(scan)));
  const syntax = syntaxOf(kind, choice);
  if (syntax === undefined || at + 6 + 3 * samples > view.byteLength) return undefined;
  const lossy = kind === 0xf7 ? choice > 0 : kind !== 0xc3;
  const ids = Array.from({ length: samples }, (_, i) => String.fromCharCode(view.getUint8(at + 6 + 3 * i))).join('');
  const isRgb = !lossy || kind === 0xf7 || adobe === 0 || ids === 'RGB';
  const whole = samples >= 3 && view.getUint8(at + 7) === view.getUint8(at + 10);
  const colour = isRgb ? 'RGB' : whole ? 'YBR_FULL' : 'YBR_FULL_422';
  return {
    TransferSyntaxUID: syntax,
    offset: 0,
    length: view.byteLength,
    lossy,
    image: {
      bits: view.getUint8(at),
      rows: view.getUint16(at + 1),
      columns: view.getUint16(at + 3),
      samples,
      signed: false,
      photometric: samples < 3 ? 'MONOCHROME2' : colour,
    },
  };
}

function syntaxOf(kind: number, choice: number): string | undefined {
  if (kind === 0xf7) return jpeg(choice === 0 ? 80 : 81);
  if (kind === 0xc3) return jpeg(choice === 1 ? 70 : 57);
  if (kind === 0xc0) return jpeg(50);
  if (kind === 0xc1) return jpeg(51);
  return kind === 0xc2 ? jpeg(55) : undefined;
}

import { statSync } from 'node:fs';
import {
  elementBytes,
  elementHeader,
  rewriteExplicit,
  type Encoding,
} from '../../core/dicom/explicit-little-endian.ts';
import { memorySource } from '../../core/dicom/byte-source.ts';
import { coercionEdits, type DataSetCoercion } from '../../core/dicom/coerced-data-set.ts';
import { editedBytes, type Edit } from '../../core/dicom/edits.ts';
import { wordWidth } from '../../core/dicom/word-order.ts';
import type { InstanceRow } from '../../core/dicom/instance.ts';
import { Problem } from '../../core/problem.ts';
import { readRanges } from './frame-bytes.ts';
import { codedForm, decodedForm, type Encoded } from './rewritten-form.ts';
import { own } from '../../core/table.ts';

/** A Part 10 file in Explicit VR Little Endian, or in a compressed form of it, but for the pixels themselves. */
export interface Surroundings {
  /** Preamble, file meta information, data set up to and with the header of Pixel Data. */
  head: Uint8Array;
  /** What follows Pixel Data. */
  tail: Uint8Array;
  /** Native pixels are copied from the file, their words reversed when `width` is not 1; compressed ones are decoded. */
  pixels:
    | { native: [offset: number, length: number]; width: number }
    | { frames: number; bits: number }
    | { encoded: number }
    | undefined;
}

const explicitSyntax = '1.2.840.10008.1.2.1';
/** Data sets around pixels that are rewritten in memory. */
const surroundingsLimit = 256 * 1024 * 1024;

/**
 * Rewrites everything but the pixels of a stored file.
 * @throws Problem `not-supported` when the pixels cannot be decoded, `structure` when the file is broken.
 */
export function explicitSurroundings(
  path: string,
  instance: InstanceRow,
  coercion?: DataSetCoercion,
  encoded?: Encoded,
): Surroundings {
  const size = statSync(path).size;
  const pixelsAt = startOfPixels(instance);
  const source = readLimited(path, 0, Math.min(pixelsAt ?? size, size));
  const { meta, dataSetAt } = fileMeta(source, instance.frames && encoded ? encoded.transferSyntax : explicitSyntax);
  const encoding = encodingOf(instance);
  const coding = instance.frames && encoded ? codedForm(instance, encoded) : undefined;
  const decoding = !coding && instance.frames?.encapsulated ? decodedForm(instance) : undefined;
  const { chunks, pixelData } = rewriteExplicit(source, dataSetAt, encoding, (coding ?? decoding)?.edits);
  const beginning = [source.subarray(0, 128), meta];
  if (!pixelData) {
    const [whole] = coerced(chunks, [], coercion);
    return { head: Buffer.concat([...beginning, whole]), tail: new Uint8Array(0), pixels: undefined };
  }

  const end =
    pixelData.valueAt +
    (instance.frames?.encapsulated ? (own(instance.bulk, pixelData.tag)?.length ?? Infinity) : pixelData.length);
  if (end > size) throw new Problem('structure', 'The file ends inside of the pixel data');
  const behind = rewriteExplicit(readLimited(path, end, size - end), 0, encoding).chunks;
  const [before, tail] = coerced(chunks, behind, coercion);
  const head = [...beginning, before];
  if (coding) {
    head.push(elementHeader('7FE00010', 'OB', 0xffff_ffff));
    return { head: Buffer.concat(head), tail, pixels: { encoded: coding.frames } };
  }
  if (decoding) {
    head.push(elementHeader('7FE00010', decoding.vr, decoding.length + (decoding.length % 2)));
    return { head: Buffer.concat(head), tail, pixels: { frames: decoding.frames, bits: decoding.bits } };
  }
  const width = wordWidth(instance);
  head.push(elementHeader(pixelData.tag, own(instance.bulk, pixelData.tag)?.vr ?? 'OW', pixelData.length));
  return { head: Buffer.concat(head), tail, pixels: { native: [pixelData.valueAt, pixelData.length], width } };
}

/** The elements before and behind the pixels, with what a coercion makes of them: to it they are one data set. */
function coerced(
  before: readonly Uint8Array[],
  behind: readonly Uint8Array[],
  coercion: DataSetCoercion | undefined,
): [before: Uint8Array, behind: Uint8Array] {
  const first = Buffer.concat(before);
  if (!coercion) return [first, Buffer.concat(behind)];
  const source = memorySource(Buffer.concat([first, ...behind]));
  const edits = coercionEdits(source, 0, source.size, { explicit: true, littleEndian: true }, coercion);
  const middle = first.length;
  const isBefore = ({ at, length }: Edit) => at < middle || (at === middle && length === 0);
  return [
    editedBytes(source, 0, middle, edits.filter(isBefore)),
    editedBytes(source, middle, source.size, edits.filter((edit) => !isBefore(edit))),
  ]; // prettier-ignore
}

/** Bytes before the first frame: the header of Pixel Data is among them. */
function startOfPixels({ frames }: InstanceRow): number | undefined {
  if (!frames) return undefined;
  if (!frames.encapsulated) return frames.offset;
  const offsets = frames.frames.flat().map(([offset]) => offset);
  if (offsets.length === 0) throw new Problem('structure', 'The pixel data holds no frames');
  return offsets.reduce((least, offset) => Math.min(least, offset));
}

function encodingOf({ TransferSyntaxUID, attributes }: InstanceRow): Encoding {
  return {
    explicit: TransferSyntaxUID !== '1.2.840.10008.1.2',
    bigEndian: TransferSyntaxUID === '1.2.840.10008.1.2.2',
    signed: attributes['00280103']?.Value?.[0] === 1,
  };
}

/** The file meta information with the new transfer syntax (PS3.10 7.1); it is in Explicit VR Little Endian always. */
function fileMeta(source: Uint8Array, transferSyntax: string): { meta: Uint8Array; dataSetAt: number } {
  if (String.fromCharCode(...source.subarray(128, 132)) !== 'DICM')
    throw new Problem('structure', 'The file has no DICOM prefix');
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  let end = 132;
  while (end + 8 <= source.length && view.getUint16(end, true) === 2) {
    const long = /^(OB|OW|OF|SQ|UT|UN|UC|UR)$/.test(String.fromCharCode(source[end + 4]!, source[end + 5]!));
    end += long ? 12 + view.getUint32(end + 8, true) : 8 + view.getUint16(end + 6, true);
  }
  if (end > source.length) throw new Problem('structure', 'The file meta information is cut short');
  const syntax = { vr: 'UI', value: new TextEncoder().encode(transferSyntax) };
  const encoding = { explicit: true, bigEndian: false, signed: false };
  const rest = rewriteExplicit(source.subarray(132, end), 0, encoding, new Map([['00020010', syntax]])).chunks;
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, rest.reduce((sum, chunk) => sum + chunk.length, 0), true); // prettier-ignore
  const groupLength = elementBytes('00020000', 'UL', new Uint8Array(length.buffer));
  return { meta: Buffer.concat([new TextEncoder().encode('DICM'), ...groupLength, ...rest]), dataSetAt: end };
}

function readLimited(path: string, offset: number, length: number): Uint8Array {
  if (length > surroundingsLimit) throw new Problem('too-costly', 'The data set is too large to be rewritten');
  return readRanges(path, [[offset, length]]);
}

/**
 * A data set in DICOM JSON (PS3.18 Annex F) as bytes in Explicit VR Little Endian (PS3.5 7.1.2). Text is written in UTF-8;
 * values that the JSON leaves out are asked for by their address.
 */
import { Problem } from '../problem.ts';
import { own } from '../table.ts';
import { isLongForm, itemEndTag, itemTag, sequenceEndTag, undefinedLength, type Encoding } from './element-header.ts';
import { elementHeader } from './explicit-little-endian.ts';
import type { DicomElement, DicomJson, DicomValue, PersonName } from './json.ts';
import { headerBytes } from './write-element.ts';

/** Bytes that lie elsewhere. */
export interface BulkBytes {
  length: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** A value as bytes, or compressed frames, each of which becomes a fragment (PS3.5 A.4). */
export type BulkContent = BulkBytes | { fragments: BulkBytes[] };

export type Piece = Uint8Array | BulkBytes;

/** Finds what an address stands for. @throws Problem when there is no such thing. */
export type BulkFinder = (address: string, tag: string) => BulkContent;

const encoding: Encoding = { explicit: true, littleEndian: true };
const deepest = 32;
const mostOfValue = 0xfffffffe;
const vrs = new Set(
  'AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV'.split(' '),
);

/**
 * @returns the data set in pieces; group 2 and group lengths are left out, for they belong to the file
 * @throws Problem `structure` for what is no DICOM JSON, `value` for a value that its VR cannot hold; the messages name
 * the attribute and never its value.
 */
export function dataSetPieces(attributes: DicomJson, find: BulkFinder): Piece[] {
  const pieces: Piece[] = [];
  const utf8 = { '00080005': { vr: 'CS', Value: ['ISO_IR 192'] } };
  writeDataSet({ ...attributes, ...utf8 }, find, pieces, 0);
  return pieces;
}

function writeDataSet(attributes: DicomJson, find: BulkFinder, pieces: Piece[], depth: number): void {
  if (depth > deepest) throw new Problem('structure', `Sequences are nested more than ${deepest} deep`);
  const tags = Object.keys(attributes);
  const bad = tags.find((tag) => !/^[0-9A-Fa-f]{8}$/.test(tag));
  if (bad !== undefined) throw new Problem('structure', 'A name in the metadata is no tag of eight hexadecimal digits');
  for (const name of tags.sort((a, b) => (a.toUpperCase() < b.toUpperCase() ? -1 : 1))) {
    const tag = name.toUpperCase();
    const group = Number.parseInt(tag.slice(0, 4), 16);
    if (group === 2 || tag.endsWith('0000') || (tag === '00080005' && depth > 0)) continue;
    if (group < 8 || group === 0xfffe || group === 0xffff)
      throw new Problem('structure', `Element ${tag} does not belong into a data set`);
    writeElement(tag, own(attributes, name)!, find, pieces, depth);
  }
}

function writeElement(tag: string, element: DicomElement, find: BulkFinder, pieces: Piece[], depth: number): void {
  const { vr, Value: values, BulkDataURI: address, InlineBinary: inline } = checked(tag, element);
  if (address !== undefined) return writeBulk(tag, vr, find(address, tag), pieces);
  if (vr === 'SQ') return writeSequence(tag, values ?? [], find, pieces, depth);
  const value = inline === undefined ? valueBytes(tag, vr, values ?? []) : Buffer.from(inline, 'base64');
  const odd = value.length % 2;
  pieces.push(elementHeader(tag, vr, value.length + odd), value);
  if (odd === 1) pieces.push(padding(vr));
}

function checked(tag: string, element: unknown): DicomElement {
  const { vr, Value, BulkDataURI, InlineBinary } = (element ?? {}) as Record<string, unknown>;
  const isElement =
    typeof vr === 'string' &&
    vrs.has(vr) &&
    (Value === undefined || Array.isArray(Value)) &&
    [BulkDataURI, InlineBinary].every((one) => one === undefined || typeof one === 'string');
  if (!isElement) throw new Problem('structure', `Element ${tag} is not written as PS3.18 F.2.2 says`);
  const forms = [Value, BulkDataURI, InlineBinary].filter((one) => one !== undefined);
  if (forms.length > 1) throw new Problem('structure', `Element ${tag} gives its value twice`);
  return element as DicomElement;
}

function writeBulk(tag: string, vr: string, content: BulkContent, pieces: Piece[]): void {
  if ('fragments' in content) {
    pieces.push(elementHeader(tag, 'OB', undefinedLength), headerBytes(itemTag, '', 0, encoding));
    for (const fragment of content.fragments) {
      const odd = evenLength(tag, fragment.length) - fragment.length;
      pieces.push(headerBytes(itemTag, '', fragment.length + odd, encoding), fragment);
      if (odd === 1) pieces.push(Uint8Array.of(0));
    }
    pieces.push(headerBytes(sequenceEndTag, '', 0, encoding));
    return;
  }
  if (vr === 'SQ') throw new Problem('structure', `Element ${tag} is a sequence, which has no bulk data`);
  const length = evenLength(tag, content.length);
  pieces.push(elementHeader(tag, vr, length), content);
  if (length > content.length) pieces.push(padding(vr));
}

function evenLength(tag: string, length: number): number {
  if (length > mostOfValue) throw new Problem('too-long', `The value of element ${tag} is 4 GiB or longer`);
  return length + (length % 2);
}

function writeSequence(tag: string, items: DicomValue[], find: BulkFinder, pieces: Piece[], depth: number): void {
  pieces.push(elementHeader(tag, 'SQ', undefinedLength));
  for (const item of items) {
    if (typeof item !== 'object') throw new Problem('structure', `Sequence ${tag} holds something that is no item`);
    pieces.push(headerBytes(itemTag, '', undefinedLength, encoding));
    writeDataSet((item ?? {}) as DicomJson, find, pieces, depth + 1);
    pieces.push(headerBytes(itemEndTag, '', 0, encoding));
  }
  pieces.push(headerBytes(sequenceEndTag, '', 0, encoding));
}

function padding(vr: string): Uint8Array {
  return Uint8Array.of(vr === 'UI' || isLongBinary(vr) ? 0 : 0x20);
}

const isLongBinary = (vr: string): boolean => isLongForm(vr) && !/^(UC|UR|UT)$/.test(vr);

interface NumberForm {
  width: number;
  write(view: DataView, value: number | bigint): void;
  /** Of an integer; others take any number. */
  range?: readonly [low: bigint, high: bigint];
}
const integer = (bits: bigint, signed: boolean): readonly [bigint, bigint] =>
  signed ? [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n] : [0n, 2n ** bits - 1n];
const numbers: Record<string, NumberForm> = {
  US: { width: 2, range: integer(16n, false), write: (view, value) => view.setUint16(0, Number(value), true) },
  SS: { width: 2, range: integer(16n, true), write: (view, value) => view.setInt16(0, Number(value), true) },
  UL: { width: 4, range: integer(32n, false), write: (view, value) => view.setUint32(0, Number(value), true) },
  SL: { width: 4, range: integer(32n, true), write: (view, value) => view.setInt32(0, Number(value), true) },
  UV: { width: 8, range: integer(64n, false), write: (view, value) => view.setBigUint64(0, BigInt(value), true) },
  SV: { width: 8, range: integer(64n, true), write: (view, value) => view.setBigInt64(0, BigInt(value), true) },
  FL: { width: 4, write: (view, value) => view.setFloat32(0, Number(value), true) },
  FD: { width: 8, write: (view, value) => view.setFloat64(0, Number(value), true) },
};

function valueBytes(tag: string, vr: string, values: DicomValue[]): Uint8Array {
  const form = own(numbers, vr);
  if (form) return Buffer.concat(values.map((value) => numberBytes(tag, form, value)));
  if (vr === 'AT') return Buffer.concat(values.map((value) => tagBytes(tag, value)));
  if (isLongBinary(vr)) {
    if (values.length > 0) throw new Problem('structure', `Element ${tag} gives bytes by InlineBinary or BulkDataURI`);
    return new Uint8Array(0);
  }
  return Buffer.from(
    values
      .map((value) => textOf(tag, vr, value))
      .join('\\')
      .toWellFormed(),
    'utf8',
  );
}

function numberBytes(tag: string, { width, write, range }: NumberForm, value: DicomValue): Uint8Array {
  const given = typeof value === 'string' && value.trim() !== '' ? value.trim() : value;
  const isNumber = typeof given === 'number' || (typeof given === 'string' && Number.isFinite(Number(given)));
  const isWhole = !range || (isNumber && /^-?[0-9]{1,20}$/.test(String(given)));
  const exact = range && isWhole ? BigInt(given as string | number) : undefined;
  const fits = exact === undefined || (exact >= range![0] && exact <= range![1]);
  if (!isNumber || !isWhole || !fits) throw new Problem('value', `Element ${tag} has a value that its VR cannot hold`);
  const bytes = new DataView(new ArrayBuffer(width));
  write(bytes, exact ?? Number(given));
  return new Uint8Array(bytes.buffer);
}

function tagBytes(tag: string, value: DicomValue): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9A-Fa-f]{8}$/.test(value))
    throw new Problem('value', `Element ${tag} has a value that is no tag`);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16LE(Number.parseInt(value.slice(0, 4), 16), 0);
  bytes.writeUInt16LE(Number.parseInt(value.slice(4), 16), 2);
  return bytes;
}

function textOf(tag: string, vr: string, value: DicomValue): string {
  if (value === null) return '';
  if (vr === 'PN') return nameOf(tag, value);
  if (typeof value === 'object') throw new Problem('structure', `Element ${tag} has a value that is no text`);
  return typeof value === 'number' ? decimal(value) : value;
}

function nameOf(tag: string, value: Exclude<DicomValue, null>): string {
  if (typeof value === 'string') return value;
  const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as PersonName;
  const groups = [Alphabetic, Ideographic, Phonetic];
  if (typeof value !== 'object' || groups.some((group) => typeof group !== 'string'))
    throw new Problem('structure', `Element ${tag} has a value that is no name`);
  return groups.join('=').replace(/={1,2}$/, '');
}

/** A decimal string has 16 characters at most (PS3.5 6.2): as many digits as fit into them. */
function decimal(value: number): string {
  const text = String(value);
  if (text.length <= 16) return text;
  for (let digits = 15; digits > 1; digits--) {
    const shorter = String(Number(value.toPrecision(digits)));
    if (shorter.length <= 16) return shorter;
  }
  return text;
}

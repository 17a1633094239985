/** What the header view says of an element's value: text and numbers as text, everything else by its size. */
import type { DataSet, Element } from 'dicom-parser';

export type HeaderValue =
  | { kind: 'text'; text: string }
  | { kind: 'binary'; bytes: number }
  | { kind: 'items'; count: number }
  | { kind: 'pixels' };

const longest = 120;
/** VRs whose text is in the data set's character set (PS3.5 6.1.2.3); that of the others is ASCII. */
const inCharacterSet = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const ascii = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);
const binary = new Map<string, { size: number; read: (view: DataView, at: number, little: boolean) => string }>([
  ['US', { size: 2, read: (view, at, little) => String(view.getUint16(at, little)) }],
  ['SS', { size: 2, read: (view, at, little) => String(view.getInt16(at, little)) }],
  ['UL', { size: 4, read: (view, at, little) => String(view.getUint32(at, little)) }],
  ['SL', { size: 4, read: (view, at, little) => String(view.getInt32(at, little)) }],
  ['UV', { size: 8, read: (view, at, little) => String(view.getBigUint64(at, little)) }],
  ['SV', { size: 8, read: (view, at, little) => String(view.getBigInt64(at, little)) }],
  ['FL', { size: 4, read: (view, at, little) => String(Number(view.getFloat32(at, little).toPrecision(7))) }],
  ['FD', { size: 8, read: (view, at, little) => String(view.getFloat64(at, little)) }],
  ['AT', { size: 4, read: tagAt }],
]);
const latin = new TextDecoder('latin1');

/** @throws RangeError when the element reaches beyond the end of the file. */
export function valueOf(
  data: DataSet,
  element: Element,
  vr: string | undefined,
  decode: (bytes: Uint8Array) => string,
): HeaderValue {
  if (element.items) return { kind: 'items', count: element.items.length };
  const { dataOffset: start, length } = element;
  if (start + length > data.byteArray.length) throw new RangeError('An element reaches beyond the end of the file.');
  // Four bytes a character at most: no more of a long text is decoded than is shown.
  const bytes = data.byteArray.subarray(start, start + length);
  const beginning = bytes.subarray(0, longest * 4 + 4);
  if (vr !== undefined && inCharacterSet.has(vr)) return textValue(decode(beginning));
  if (vr !== undefined && ascii.has(vr)) return textValue(latin.decode(beginning));
  const numbers = binary.get(vr ?? '');
  if (numbers) return textValue(numbersIn(beginning, numbers, isLittleEndian(data, element)));
  // Nobody says what it is (UN, or private in an implicit file): readable ASCII is shown, it is most often a text.
  if ((vr === undefined || vr === 'UN') && isReadable(beginning)) return textValue(latin.decode(beginning));
  return { kind: 'binary', bytes: length };
}

function numbersIn(
  bytes: Uint8Array,
  { size, read }: { size: number; read: (view: DataView, at: number, little: boolean) => string },
  little: boolean,
): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, at) => read(view, at * size, little)).join('\\');
}

function tagAt(view: DataView, at: number, little: boolean): string {
  const word = (place: number) => view.getUint16(place, little).toString(16).toUpperCase().padStart(4, '0');
  return `(${word(at)},${word(at + 2)})`;
}

/** The parser reads by the data set's byte order; file meta information has its own (PS3.10 7.1). */
function isLittleEndian(data: DataSet, element: Element): boolean {
  return (element.parser ?? data.byteArrayParser).readUint16(Uint8Array.of(1, 0), 0) === 1;
}

function isReadable(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end).every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d);
}

/** Without padding and control characters, on one line, and cut where it is long. */
function textValue(raw: string): HeaderValue {
  const characters = Array.from(raw.replace(/\p{Cc}+/gu, ' ').trim());
  const text = characters.length > longest ? `${characters.slice(0, longest).join('')}…` : characters.join('');
  return { kind: 'text', text };
}

import { decodeText, type TextDecoding } from './charset.ts';
import type { DicomElement, DicomValue } from './json.ts';
import { personName } from './person-name.ts';
import { own } from '../table.ts';
import { trimEnd } from '../trim-end.ts';

/** VRs whose value is bytes to JSON (PS3.18 F.2.7). */
const binary = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'UN']);
/** One value, in which the backslash is text and leading spaces count (PS3.5 6.2). */
const longText = new Set(['LT', 'ST', 'UT', 'UR']);
/** Bytes of one number. */
const numberWidth: Record<string, 2 | 4 | 8> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, SV: 8, UV: 8, AT: 4 };
/** Bytes that belong together when byte order changes. */
const wordWidth: Record<string, 2 | 4 | 8> = { OW: 2, OF: 4, OL: 4, OD: 8, OV: 8 };

export function isBinary(vr: string): boolean {
  return binary.has(vr);
}

/** Its value is read as text. */
export function isText(vr: string): boolean {
  return vr !== 'SQ' && !binary.has(vr) && !Object.hasOwn(numberWidth, vr);
}

/** Whether the standard lets the value be left out behind a BulkDataURI (PS3.18 F.2.2). */
export function mayBeBulk(vr: string): boolean {
  return (
    binary.has(vr) || Object.hasOwn(numberWidth, vr) || longText.has(vr) || vr === 'DS' || vr === 'IS' || vr === 'UC'
  );
}

/** One element with a VR other than SQ as DICOM JSON (PS3.18 F.2). An empty value has neither Value nor InlineBinary. */
export function jsonElement(vr: string, bytes: Uint8Array, littleEndian: boolean, text: TextDecoding): DicomElement {
  if (bytes.length === 0) return { vr };
  if (binary.has(vr))
    return { vr, InlineBinary: base64(littleEndian ? bytes : swapped(bytes, own(wordWidth, vr) ?? 1)) };
  const width = own(numberWidth, vr);
  if (width !== undefined) {
    // A length that is no multiple of the number's is no such number: the bytes are kept as they are.
    if (bytes.length % width !== 0) return { vr: 'UN', InlineBinary: base64(bytes) };
    return { vr, Value: numbers(vr, width, bytes, littleEndian) };
  }
  const values = texts(vr, decodeText(bytes, text));
  return values.some((value) => value !== null) ? { vr, Value: values } : { vr };
}

function numbers(vr: string, width: number, bytes: Uint8Array, littleEndian: boolean): DicomValue[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = own(readers, vr)!;
  const values: DicomValue[] = [];
  for (let at = 0; at < bytes.length; at += width) values.push(read(view, at, littleEndian));
  return values;
}

const readers: Record<string, (view: DataView, at: number, littleEndian: boolean) => DicomValue> = {
  US: (view, at, le) => view.getUint16(at, le),
  SS: (view, at, le) => view.getInt16(at, le),
  UL: (view, at, le) => view.getUint32(at, le),
  SL: (view, at, le) => view.getInt32(at, le),
  // JSON has no NaN and no infinity.
  FL: (view, at, le) => finite(view.getFloat32(at, le)),
  FD: (view, at, le) => finite(view.getFloat64(at, le)),
  SV: (view, at, le) => exact(view.getBigInt64(at, le)),
  UV: (view, at, le) => exact(view.getBigUint64(at, le)),
  AT: (view, at, le) =>
    (view.getUint16(at, le) * 0x10000 + view.getUint16(at + 2, le)).toString(16).toUpperCase().padStart(8, '0'),
};

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A string where a double would lose digits (PS3.18 F.2.3, note). */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function texts(vr: string, text: string): DicomValue[] {
  const clean = trimEnd(text, '\0 ').replaceAll('\0', '\uFFFD');
  if (longText.has(vr)) return [clean === '' ? null : clean];
  return clean.split('\\').map((part) => {
    const value = vr === 'UC' ? part.trimEnd() : part.trim();
    if (value === '') return null;
    if (vr === 'PN') return personName(value);
    return vr === 'DS' || vr === 'IS' ? numberOrText(vr, value) : value;
  });
}

/** What is no decimal or integer string stays text: never a zero, never a guess. */
function numberOrText(vr: 'DS' | 'IS', text: string): number | string {
  const form = vr === 'IS' ? /^[+-]?\d+$/ : /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
  if (!form.test(text)) return text;
  const value = Number(text);
  return Number.isFinite(value) && (Number.isSafeInteger(value) || !Number.isInteger(value)) ? value : text;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** InlineBinary is little endian whatever the file was (PS3.18 F.2.7). */
function swapped(bytes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return bytes;
  const result = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const from = i - (i % width) + (width - 1 - (i % width));
    result[i] = bytes[from] ?? 0;
  }
  return result;
}

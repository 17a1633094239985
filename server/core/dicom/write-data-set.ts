/** Writes whole data sets of DICOM JSON (PS3.18 Annex F) as bytes: what this server says itself, such as the matches of a search. */
import { own } from '../table.ts';
import { itemBytes, withHeader, type TextEncoding } from './write-element.ts';
import type { Encoding } from './element-header.ts';
import type { DicomElement, DicomJson, DicomValue, PersonName } from './json.ts';

type WriteNumber = (view: DataView, value: number | string, littleEndian: boolean) => void;

const numbers: Readonly<Record<string, readonly [width: number, write: WriteNumber]>> = {
  US: [2, (view, value, le) => view.setUint16(0, Number(value), le)],
  SS: [2, (view, value, le) => view.setInt16(0, Number(value), le)],
  UL: [4, (view, value, le) => view.setUint32(0, Number(value), le)],
  SL: [4, (view, value, le) => view.setInt32(0, Number(value), le)],
  FL: [4, (view, value, le) => view.setFloat32(0, Number(value), le)],
  FD: [8, (view, value, le) => view.setFloat64(0, Number(value), le)],
  SV: [8, (view, value, le) => view.setBigInt64(0, BigInt(value), le)],
  UV: [8, (view, value, le) => view.setBigUint64(0, BigInt(value), le)],
  AT: [
    4,
    (view, value, le) => {
      view.setUint16(0, Number.parseInt(String(value).slice(0, 4), 16), le);
      view.setUint16(2, Number.parseInt(String(value).slice(4), 16), le);
    },
  ],
};

/**
 * The elements in the order of their tags. Binary values are written as they are in JSON, little endian; values behind an address are left
 * out, and their elements are empty.
 *
 * @returns undefined when a text has a letter that the character set has not.
 */
export function dataSetBytes(attributes: DicomJson, encoding: Encoding, encode: TextEncoding): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (const tag of Object.keys(attributes).sort()) {
    const element = own(attributes, tag)!;
    const value = valueBytes(element, encoding, encode);
    if (!value) return undefined;
    parts.push(withHeader(tag, element.vr, value, encoding));
  }
  return Buffer.concat(parts);
}

function valueBytes(element: DicomElement, encoding: Encoding, encode: TextEncoding): Uint8Array | undefined {
  const { vr, Value: values = [], InlineBinary: inline } = element;
  if (inline !== undefined) return Buffer.from(inline, 'base64');
  if (vr === 'SQ') return itemsBytes(values as DicomJson[], encoding, encode);
  const number = own(numbers, vr);
  if (!number) return encode(values.map((value) => textOf(value)).join('\\'));
  const [width, write] = number;
  const known = values.filter((value) => typeof value === 'number' || typeof value === 'string');
  return Buffer.concat(
    known.map((value) => {
      const bytes = new Uint8Array(width);
      write(new DataView(bytes.buffer), value, encoding.littleEndian);
      return bytes;
    }),
  );
}

function itemsBytes(items: DicomJson[], encoding: Encoding, encode: TextEncoding): Uint8Array | undefined {
  const contents: Uint8Array[] = [];
  for (const item of items) {
    const content = dataSetBytes(item, encoding, encode);
    if (!content) return undefined;
    contents.push(itemBytes(content, encoding));
  }
  return Buffer.concat(contents);
}

/** One value as it stands in a data set; a name with its component groups. */
export function textOf(value: DicomValue): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  const { Alphabetic: a = '', Ideographic: i = '', Phonetic: p = '' } = value as PersonName;
  return `${a}=${i}=${p}`.replace(/={1,2}$/, '');
}

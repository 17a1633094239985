/** Writes elements of DICOM JSON as bytes of a data set (PS3.5 7.1), in the encoding of the file that they go into. */
import { isLongForm, itemTag, type Encoding } from './element-header.ts';
import type { DicomElement, DicomJson, PersonName } from './json.ts';

/** Text of one value as bytes; undefined when a letter of it is not in the character set. */
export type TextEncoding = (text: string) => Uint8Array | undefined;

/**
 * One element, or undefined when its text cannot be written in this character set.
 *
 * Values are text, names and sequences: nothing else is ever written by this server into somebody's file.
 */
export function elementBytes(
  tag: string,
  element: DicomElement,
  encoding: Encoding,
  encode: TextEncoding,
): Uint8Array | undefined {
  const value = element.vr === 'SQ' ? itemsBytes(element, encoding, encode) : textBytes(element, encode);
  return value && withHeader(tag, element.vr, value, encoding);
}

/** A value of known bytes with its header; padded to an even length as its VR asks (PS3.5 6.2). */
export function withHeader(tag: string, vr: string, value: Uint8Array, encoding: Encoding): Uint8Array {
  const odd = value.length % 2 === 1;
  // More than a short length field can say is written as UN (PS3.5 6.2.2).
  const fitting = encoding.explicit && !isLongForm(vr) && value.length > 0xfffe ? 'UN' : vr;
  const header = headerBytes(tag, fitting, value.length + (odd ? 1 : 0), encoding);
  return Buffer.concat(odd ? [header, value, Uint8Array.of(vr === 'UI' ? 0 : 0x20)] : [header, value]);
}

/** An item of a sequence, with its length. */
export function itemBytes(content: Uint8Array, encoding: Encoding): Uint8Array {
  return Buffer.concat([headerBytes(itemTag, '', content.length, encoding), content]);
}

export function headerBytes(tag: string, vr: string, length: number, encoding: Encoding): Uint8Array {
  const le = encoding.littleEndian;
  const bare = !encoding.explicit || vr === '';
  const view = new DataView(new ArrayBuffer(!bare && isLongForm(vr) ? 12 : 8));
  view.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), le);
  view.setUint16(2, Number.parseInt(tag.slice(4), 16), le);
  if (bare) view.setUint32(4, length, le);
  else {
    view.setUint8(4, vr.charCodeAt(0));
    view.setUint8(5, vr.charCodeAt(1));
    if (isLongForm(vr)) view.setUint32(8, length, le);
    else view.setUint16(6, length, le);
  }
  return new Uint8Array(view.buffer);
}

/** A length field of four bytes. */
export function lengthBytes(length: number, { littleEndian }: Encoding): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, length, littleEndian);
  return new Uint8Array(view.buffer);
}

function itemsBytes(element: DicomElement, encoding: Encoding, encode: TextEncoding): Uint8Array | undefined {
  const items = ((element.Value ?? []) as DicomJson[]).map((item) => {
    const elements = Object.entries(item)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([tag, inner]) => elementBytes(tag, inner, encoding, encode));
    return allOf(elements);
  });
  const contents = items.every((item) => item !== undefined) ? items : undefined;
  return contents && Buffer.concat(contents.map((content) => itemBytes(content, encoding)));
}

function allOf(elements: (Uint8Array | undefined)[]): Uint8Array | undefined {
  return elements.every((bytes) => bytes !== undefined) ? Buffer.concat(elements) : undefined;
}

function textBytes({ vr, Value: values = [] }: DicomElement, encode: TextEncoding): Uint8Array | undefined {
  const texts = values.map((value) => {
    if (value === null) return '';
    if (typeof value !== 'object') return String(value);
    if (vr !== 'PN') throw new Error(`values of ${vr} are not written`);
    const { Alphabetic: a = '', Ideographic: i = '', Phonetic: p = '' } = value as PersonName;
    return `${a}=${i}=${p}`.replace(/={1,2}$/, '');
  });
  return encode(texts.join('\\'));
}

import { Problem } from '../problem.ts';
import type { ByteSource } from './byte-source.ts';
import { attributeByTag, vrOf } from './dictionary.ts';

export interface Encoding {
  explicit: boolean;
  littleEndian: boolean;
}

export interface ElementHeader {
  /** Eight upper-case hex digits. */
  tag: string;
  vr: string;
  /** Bytes of the value; `undefinedLength` when delimiters end it. */
  length: number;
  /** Offset of the value. */
  valueAt: number;
}

export const undefinedLength = 0xffffffff;

export const itemTag = 'FFFEE000';
export const itemEndTag = 'FFFEE00D';
export const sequenceEndTag = 'FFFEE0DD';

const shortForm = new Set(
  'AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' '), // PS3.5 Table 7.1-2
);
const longForm = new Set('OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' ')); // PS3.5 Table 7.1-1

/** Its length field is four bytes in explicit VR. */
export function isLongForm(vr: string): boolean {
  return longForm.has(vr);
}

const tags = new Map<number, string>();

/**
 * Reads the header of the element at `at` (PS3.5 7.1). `end` bounds it and its value.
 * @param signed Pixel Representation is 1: what implicit VR leaves open as "US or SS" is SS.
 * @throws Problem `structure` when it does not fit, or is none.
 */
export function elementHeader(
  source: ByteSource,
  at: number,
  end: number,
  encoding: Encoding,
  signed: boolean,
): ElementHeader {
  if (end - at < 8) throw new Problem('structure', `The data set is cut off inside an element (offset ${at})`);
  const bytes = source.bytes(at, Math.min(12, end - at));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const le = encoding.littleEndian;
  const tag = tagText(view.getUint16(0, le) * 0x10000 + view.getUint16(2, le));
  if (!encoding.explicit || tag.startsWith('FFFE')) {
    const header = { tag, vr: implicitVr(tag, signed), length: view.getUint32(4, le), valueAt: at + 8 };
    return bounded(header, end);
  }
  const vr = String.fromCharCode(bytes[4]!, bytes[5]!);
  if (shortForm.has(vr)) return bounded({ tag, vr, length: view.getUint16(6, le), valueAt: at + 8 }, end);
  // VRs to come use the long form, too (PS3.5 7.1.2); anything else at this place is no VR.
  if (!/^[A-Z]{2}$/.test(vr)) {
    throw new Problem('structure', `Element ${tag} has no value representation (offset ${at})`);
  }
  if (bytes.length < 12) throw new Problem('structure', `The data set is cut off inside an element (offset ${at})`);
  return bounded({ tag, vr: longForm.has(vr) ? vr : 'UN', length: view.getUint32(8, le), valueAt: at + 12 }, end);
}

function bounded(header: ElementHeader, end: number): ElementHeader {
  if (header.length !== undefinedLength && header.valueAt + header.length > end) {
    throw new Problem('structure', `Element ${header.tag} is longer than what holds it (offset ${header.valueAt})`);
  }
  return header;
}

function implicitVr(tag: string, signed: boolean): string {
  return signed && attributeByTag(tag)?.signedness ? 'SS' : vrOf(tag);
}

/** Making the text of a tag costs more than reading it, and a file of many items repeats the same few. */
function tagText(tag: number): string {
  let text = tags.get(tag);
  if (text === undefined) {
    text = tag.toString(16).toUpperCase().padStart(8, '0');
    if (tags.size < 20_000) tags.set(tag, text);
  }
  return text;
}

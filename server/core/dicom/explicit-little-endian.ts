/**
 * Rewrites a data set of any other encoding as Explicit VR Little Endian (PS3.5 7.1.2, A.2) without
 * interpreting values: what a sender wrote wrong stays wrong, and comes out at the same place.
 */
import { Problem } from '../problem.ts';
import { attributeByTag, vrOf } from './dictionary.ts';
import { cellWidths, swapWords } from './word-order.ts';
import { own } from '../table.ts';

export interface Encoding {
  explicit: boolean;
  bigEndian: boolean;
  /** Pixel Representation 1: values whose VR is "US or SS" are SS. */
  signed: boolean;
}

export interface Rewritten {
  chunks: Uint8Array[];
  /** The element at which it stopped: top-level Pixel Data, Float or Double Float Pixel Data; undefined when there was none. */
  pixelData?: { tag: string; valueAt: number; length: number };
}

/** A value to put in place of the source's own; null leaves the element out. */
export type Edits = Map<string, { vr: string; value: Uint8Array } | null>;

const longForm = new Set(['OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'SQ', 'UC', 'UN', 'UR', 'UT', 'SV', 'UV']);

const undefinedLength = 0xffff_ffff;
const item = 'FFFEE000';
const itemEnd = 'FFFEE00D';
const sequenceEnd = 'FFFEE0DD';
const deepest = 64;

interface Element {
  tag: string;
  vr: string;
  length: number;
  valueAt: number;
}

/**
 * @param source bytes of the data set, or its beginning up to Pixel Data
 * @param at where to begin
 * @throws Problem `structure` when lengths lead out of the source.
 */
export function rewriteExplicit(
  source: Uint8Array,
  at: number,
  encoding: Encoding,
  edits: Edits = new Map(),
): Rewritten {
  const chunks: Uint8Array[] = [];
  const pending = [...edits].sort(([a], [b]) => (a < b ? -1 : 1));
  const insertBefore = (tag: string) => {
    while (pending.length > 0 && pending[0]![0] <= tag) {
      const [edited, edit] = pending.shift()!;
      if (edit) chunks.push(...elementBytes(edited, edit.vr, edit.value));
    }
  };
  while (at < source.length) {
    const element = readElement(source, at, encoding);
    insertBefore(element.tag);
    if (isPixelData(element.tag)) return { chunks, pixelData: element };
    const skipped: Uint8Array[] = [];
    const wanted = !edits.has(element.tag) && !element.tag.endsWith('0000') && element.tag !== 'FFFCFFFC';
    at = copyElement(source, element, encoding, wanted ? chunks : skipped, 0);
  }
  insertBefore('FFFFFFFF');
  return { chunks };
}

/** Header and value of one element; a value too long for a short length field becomes UN (PS3.5 6.2.2). */
export function elementBytes(tag: string, vr: string, value: Uint8Array): Uint8Array[] {
  const padded =
    value.length % 2 === 0 ? [value] : [value, Uint8Array.of(vr === 'UI' || vr === 'OB' || vr === 'UN' ? 0 : 0x20)];
  return [elementHeader(tag, vr, value.length + (value.length % 2)), ...padded];
}

export function elementHeader(tag: string, vr: string, length: number): Uint8Array {
  const fitting = !longForm.has(vr) && length > 0xfffe ? 'UN' : vr;
  const long = longForm.has(fitting);
  const header = new DataView(new ArrayBuffer(long ? 12 : 8));
  header.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), true);
  header.setUint16(2, Number.parseInt(tag.slice(4), 16), true);
  header.setUint8(4, fitting.charCodeAt(0));
  header.setUint8(5, fitting.charCodeAt(1));
  if (long) header.setUint32(8, length, true);
  else header.setUint16(6, length, true);
  return new Uint8Array(header.buffer);
}

function copyElement(
  source: Uint8Array,
  element: Element,
  encoding: Encoding,
  chunks: Uint8Array[],
  depth: number,
): number {
  const { tag, vr, length, valueAt } = element;
  if (vr === 'SQ' || (vr === 'UN' && length === undefinedLength)) {
    // UN of undefined length holds a sequence in Implicit VR Little Endian, whatever surrounds it (PS3.5 6.2.2 note 4).
    const inner = vr === 'UN' ? { ...encoding, explicit: false, bigEndian: false } : encoding;
    chunks.push(elementHeader(tag, 'SQ', undefinedLength));
    const end = copyItems(source, valueAt, length, inner, chunks, depth + 1);
    chunks.push(delimiter(sequenceEnd));
    return end;
  }
  if (length === undefinedLength) throw new Problem('structure', `Element ${tag} may not have an undefined length`);
  let value = source.subarray(valueAt, valueAt + length);
  if (encoding.bigEndian) swapWords((value = value.slice()), own(cellWidths, vr) ?? 1);
  chunks.push(...elementBytes(tag, vr, value));
  return valueAt + length;
}

function copyItems(
  source: Uint8Array,
  start: number,
  length: number,
  encoding: Encoding,
  chunks: Uint8Array[],
  depth: number,
): number {
  if (depth > deepest) throw new Problem('structure', 'Sequences are nested too deep');
  const end = length === undefinedLength ? source.length : start + length;
  let at = start;
  while (at < end) {
    const marker = readElement(source, at, encoding);
    if (marker.tag === sequenceEnd && length === undefinedLength) return marker.valueAt;
    if (marker.tag !== item) throw new Problem('structure', 'A sequence holds something that is not an item');
    chunks.push(delimiter(item, undefinedLength));
    at = copyItem(source, marker, encoding, chunks, depth);
    chunks.push(delimiter(itemEnd));
  }
  if (length === undefinedLength) throw new Problem('structure', 'A sequence has no end');
  return at;
}

function copyItem(
  source: Uint8Array,
  marker: Element,
  encoding: Encoding,
  chunks: Uint8Array[],
  depth: number,
): number {
  const open = marker.length === undefinedLength;
  const end = open ? source.length : marker.valueAt + marker.length;
  let at = marker.valueAt;
  while (at < end) {
    const element = readElement(source, at, encoding);
    if (element.tag === itemEnd && open) return element.valueAt;
    const skipped: Uint8Array[] = [];
    at = copyElement(source, element, encoding, element.tag.endsWith('0000') ? skipped : chunks, depth);
  }
  if (open) throw new Problem('structure', 'An item has no end');
  return at;
}

function readElement(source: Uint8Array, at: number, encoding: Encoding): Element {
  if (at + 8 > source.length) throw new Problem('structure', 'The data set ends inside of an element');
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const little = !encoding.bigEndian;
  const tag = hex(view.getUint16(at, little)) + hex(view.getUint16(at + 2, little));
  if (tag.startsWith('FFFE')) return { tag, vr: '', length: view.getUint32(at + 4, little), valueAt: at + 8 };
  if (!encoding.explicit)
    return within(source, {
      tag,
      vr: implicitVr(tag, encoding),
      length: view.getUint32(at + 4, little),
      valueAt: at + 8,
    });
  const vr = String.fromCharCode(source[at + 4]!, source[at + 5]!);
  if (!/^[A-Z]{2}$/.test(vr)) throw new Problem('structure', `Element ${tag} has no VR`);
  if (!longForm.has(vr)) return within(source, { tag, vr, length: view.getUint16(at + 6, little), valueAt: at + 8 });
  if (at + 12 > source.length) throw new Problem('structure', 'The data set ends inside of an element');
  return within(source, { tag, vr, length: view.getUint32(at + 8, little), valueAt: at + 12 });
}

/** Pixel Data may be the last thing that the caller cut off; everything else must lie inside. */
function within(source: Uint8Array, element: Element): Element {
  const fits = element.length === undefinedLength || element.valueAt + element.length <= source.length;
  if (!fits && !isPixelData(element.tag))
    throw new Problem('structure', `Element ${element.tag} leads out of the data set`);
  return element;
}

function isPixelData(tag: string): boolean {
  return tag === '7FE00010' || tag === '7FE00008' || tag === '7FE00009';
}

function implicitVr(tag: string, encoding: Encoding): string {
  return encoding.signed && attributeByTag(tag)?.signedness ? 'SS' : vrOf(tag);
}

function delimiter(tag: string, length = 0): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint16(0, Number.parseInt(tag.slice(0, 4), 16), true);
  bytes.setUint16(2, Number.parseInt(tag.slice(4), 16), true);
  bytes.setUint32(4, length, true);
  return new Uint8Array(bytes.buffer);
}

function hex(word: number): string {
  return word.toString(16).toUpperCase().padStart(4, '0');
}

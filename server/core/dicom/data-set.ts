import type { InstanceRow } from './instance.ts';
import { Problem } from '../problem.ts';
import type { ByteSource } from './byte-source.ts';
import { textDecoding, type TextDecoding } from './charset.ts';
import { isPrivate, vrOf } from './dictionary.ts';
import {
  elementHeader,
  itemEndTag,
  itemTag,
  sequenceEndTag,
  undefinedLength,
  type ElementHeader,
  type Encoding,
} from './element-header.ts';
import { isBinary, jsonElement, mayBeBulk } from './json-value.ts';
import type { DicomElement, DicomJson } from './json.ts';
import { restIsZeros } from './trailing-zeros.ts';
import { own, put } from '../table.ts';

export interface DataSet {
  /** PS3.18 Annex F; values left out carry their path as BulkDataURI. */
  attributes: DicomJson;
  bulk: InstanceRow['bulk'];
  /** (7FE0,0010), (7FE0,0008) or (7FE0,0009) at the top level. */
  pixelData: PixelDataElement | undefined;
}

export interface PixelDataElement {
  tag: string;
  offset: number;
  length: number;
  /** Encapsulated only: value of the first item, and the fragments after it, as [offset, length] of their values. */
  encapsulation: { basicOffsetTable: [number, number]; fragments: [number, number][] } | undefined;
}

const limits = {
  depth: 32,
  /** A slide of a hundred thousand tiles has 14 for each of them; reading this many takes two seconds and half a gigabyte. */
  elements: 1_500_000,
  fragments: 2_000_000,
  /** Bytes of values that go into `attributes`. */
  inline: 32 << 20,
  /** A binary value up to this length is inline. */
  inlineBinary: 1024,
  /** The same for numbers and long text. */
  inlineText: 64 << 10,
};

interface Level {
  encoding: Encoding;
  depth: number;
  /** Dotted path of the item, with a dot at its end; empty at the top. */
  path: string;
  text: TextDecoding;
  signed: boolean;
}

const implicit: Encoding = { explicit: false, littleEndian: true };

/**
 * Reads the data set from `start` to the end of the source: every length is checked against what holds it,
 * depth and number of elements are limited, and pixel data and other bulk is only located.
 *
 * @throws Problem `structure` for what breaks PS3.5, `too-costly` past the limits.
 */
export function readDataSet(source: ByteSource, start: number, encoding: Encoding, encapsulated: boolean): DataSet {
  const walk = new Walk(source, encapsulated);
  const level = { encoding, depth: 0, path: '', text: textDecoding([]), signed: false };
  const attributes = walk.elements(start, source.size, false, level).json;
  if (walk.translated || attributes['00080005']) attributes['00080005'] = { vr: 'CS', Value: ['ISO_IR 192'] };
  return { attributes: sorted(attributes), bulk: walk.bulk, pixelData: walk.pixelData };
}

class Walk {
  readonly bulk: InstanceRow['bulk'] = {};
  pixelData: PixelDataElement | undefined;
  /** Some text was not ASCII. */
  translated = false;
  private readonly source: ByteSource;
  private readonly encapsulated: boolean;
  private count = 0;
  private inline = 0;

  constructor(source: ByteSource, encapsulated: boolean) {
    this.source = source;
    this.encapsulated = encapsulated;
  }

  /** Elements up to `end`, or up to the item's delimiter. */
  elements(start: number, end: number, delimited: boolean, level: Level): { json: DicomJson; next: number } {
    const json: DicomJson = {};
    const top = level.depth === 0;
    let at = start;
    while (at < end) {
      if (top && at > start && restIsZeros(this.source, at, end)) break;
      const header = elementHeader(this.source, at, end, level.encoding, level.signed);
      if (header.tag === itemEndTag && delimited) return { json, next: header.valueAt };
      this.expectElement(header, top);
      if (++this.count > limits.elements) throw new Problem('too-costly', `More than ${limits.elements} elements`);
      const { element, next } = this.element(header, end, level);
      at = next;
      // Group lengths say nothing (PS3.18 F.2.2), nor does padding at the end (PS3.10 7.2).
      if (header.tag.endsWith('0000') || header.tag === 'FFFCFFFC') continue;
      if (!Object.hasOwn(json, header.tag)) put(json, header.tag, element);
      else if (top) throw new Problem('structure', `Element ${header.tag} is there twice`);
      this.note(header.tag, element, level);
    }
    if (delimited) throw new Problem('structure', 'An item has no end');
    return { json, next: end };
  }

  /** What later elements of the same level are read by. */
  private note(tag: string, element: DicomElement, level: Level): void {
    if (tag === '00080005') {
      level.text = textDecoding((element.Value ?? []).map((value) => (typeof value === 'string' ? value : '')));
      if (element.Value) element.Value = ['ISO_IR 192'];
    } else if (tag === '00280103') {
      level.signed = element.Value?.[0] === 1;
    }
  }

  private element(header: ElementHeader, end: number, level: Level): { element: DicomElement; next: number } {
    const { tag, valueAt, length } = header;
    if (length === undefinedLength) return this.delimited(header, end, level);
    const next = valueAt + length;
    const isPixels = level.depth === 0 && (tag === '7FE00010' || tag === '7FE00008' || tag === '7FE00009');
    if (isPixels) {
      if (this.encapsulated && tag === '7FE00010' && length > 0) {
        throw new Problem('structure', 'Pixel data is not encapsulated as its transfer syntax asks');
      }
      this.pixelData = { tag, offset: valueAt, length, encapsulation: undefined };
      return { element: length > 0 ? this.located(header, header.vr, length, level) : { vr: header.vr }, next };
    }
    if (header.vr === 'SQ') return { element: this.sequence(header, next, false, level).element, next };

    // A public attribute that some system on the way wrote as UN is read by its own VR (PS3.5 6.2.2, note).
    const known = header.vr === 'UN' && level.encoding.explicit && !isPrivate(tag) ? vrOf(tag) : 'UN';
    const retyped = known !== 'UN' && known !== 'SQ';
    const vr = retyped ? known : header.vr;
    if (length > (isBinary(vr) ? limits.inlineBinary : limits.inlineText) && mayBeBulk(vr)) {
      return { element: this.located(header, vr, length, level), next };
    }
    this.inline += length;
    if (this.inline > limits.inline)
      throw new Problem('too-costly', `More than ${limits.inline >> 20} MiB of values besides bulk data`);
    const bytes = this.source.bytes(valueAt, length);
    this.translated ||= !isBinary(vr) && bytes.some((byte) => byte >= 0x80 || byte === 0x1b);
    return { element: jsonElement(vr, bytes, retyped || level.encoding.littleEndian, level.text), next };
  }

  private delimited(header: ElementHeader, end: number, level: Level): { element: DicomElement; next: number } {
    if (header.vr === 'SQ') return this.sequence(header, end, true, level);
    const mayBePixels = header.tag === '7FE00010' && (header.vr === 'OB' || header.vr === 'OW');
    if (mayBePixels && this.encapsulated) return this.fragments(header, end, level);
    // UN of undefined length is a sequence in Implicit VR Little Endian (PS3.5 6.2.2, note 2).
    if (header.vr === 'UN') return this.sequence(header, end, true, { ...level, encoding: implicit });
    throw new Problem('structure', `Element ${header.tag} must have a length`);
  }

  private sequence(
    header: ElementHeader,
    end: number,
    delimited: boolean,
    level: Level,
  ): { element: DicomElement; next: number } {
    if (level.depth >= limits.depth)
      throw new Problem('structure', `Sequences are nested more than ${limits.depth} deep`);
    const items: DicomJson[] = [];
    let at = header.valueAt;
    while (at < end) {
      const item = elementHeader(this.source, at, end, level.encoding, level.signed);
      if (item.tag === sequenceEndTag && delimited) return { element: sequenceElement(items), next: item.valueAt };
      if (item.tag !== itemTag)
        throw new Problem('structure', `Sequence ${header.tag} holds something that is no item`);
      const open = item.length === undefinedLength;
      const path = `${level.path}${header.tag}.${items.length + 1}.`;
      const inside = { ...level, depth: level.depth + 1, path };
      const { json, next } = this.elements(item.valueAt, open ? end : item.valueAt + item.length, open, inside);
      if (++this.count > limits.elements) throw new Problem('too-costly', `More than ${limits.elements} elements`);
      items.push(sorted(json));
      at = next;
    }
    if (delimited) throw new Problem('structure', `Sequence ${header.tag} has no end`);
    return { element: sequenceElement(items), next: end };
  }

  /** Encapsulated pixel data: the offset table's item, then fragments, then the delimiter (PS3.5 A.4). */
  private fragments(header: ElementHeader, end: number, level: Level): { element: DicomElement; next: number } {
    const all: [number, number][] = [];
    let at = header.valueAt;
    for (;;) {
      if (at >= end) throw new Problem('structure', 'Pixel data has no end: the file is cut off');
      const item = elementHeader(this.source, at, end, level.encoding, false);
      if (item.tag === sequenceEndTag) {
        const [basicOffsetTable, ...fragments] = all;
        if (!basicOffsetTable) throw new Problem('structure', 'Pixel data has no offset table item');
        const length = item.valueAt - header.valueAt;
        if (level.depth === 0) {
          this.pixelData = {
            tag: header.tag,
            offset: header.valueAt,
            length,
            encapsulation: { basicOffsetTable, fragments },
          };
        }
        return { element: this.located(header, header.vr, length, level), next: item.valueAt };
      }
      if (item.tag !== itemTag || item.length === undefinedLength)
        throw new Problem('structure', 'Pixel data holds something that is no fragment');
      if (all.push([item.valueAt, item.length]) > limits.fragments)
        throw new Problem('too-costly', `More than ${limits.fragments} fragments`);
      at = item.valueAt + item.length;
    }
  }

  private located(header: ElementHeader, vr: string, length: number, level: Level): DicomElement {
    const path = level.path + header.tag;
    put(this.bulk, path, { vr, offset: header.valueAt, length });
    return { vr, BulkDataURI: path.replaceAll('.', '/') };
  }

  private expectElement({ tag }: ElementHeader, top: boolean): void {
    const group = Number.parseInt(tag.slice(0, 4), 16);
    // Command and file meta elements, and the odd groups that PS3.5 7.8.1 forbids.
    const forbidden =
      group === 0 || group === 2 || group === 1 || group === 3 || group === 5 || group === 7 || group === 0xffff;
    if (forbidden || tag.startsWith('FFFE'))
      throw new Problem('structure', `Element ${tag} does not belong ${top ? 'into a data set' : 'into an item'}`);
  }
}

function sequenceElement(items: DicomJson[]): DicomElement {
  return items.length === 0 ? { vr: 'SQ' } : { vr: 'SQ', Value: items };
}

/** Tags in ascending order (PS3.18 F.2.2); files mostly have them so. */
function sorted(json: DicomJson): DicomJson {
  const tags = Object.keys(json);
  if (tags.every((tag, i) => i === 0 || tags[i - 1]! < tag)) return json;
  return Object.fromEntries(tags.sort().map((tag) => [tag, own(json, tag)!]));
}

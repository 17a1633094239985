/** Puts the text of a data set into UTF-8, in place: what is ASCII, which nearly all is, is not touched. */
import { Problem } from '../problem.ts';
import type { ByteSource } from './byte-source.ts';
import { decodeText, isPlain, type TextDecoding } from './charset.ts';
import { isPrivate, vrOf } from './dictionary.ts';
import type { Edit } from './edits.ts';
import { elementAt, innerEncoding, isFragmented, type ElementSpan } from './element-spans.ts';
import {
  elementHeader,
  itemEndTag,
  itemTag,
  sequenceEndTag,
  undefinedLength,
  type Encoding,
} from './element-header.ts';
import { isText } from './json-value.ts';
import { lengthBytes, withHeader } from './write-element.ts';

/** What one data set may change: more text than this is in no header that a person would read. */
const limits = { edits: 200_000, bytes: 64 << 20 };
const piece = 64 << 10;

interface Level {
  encoding: Encoding;
  text: TextDecoding;
}

/** Rewrites text element by element, counting what it changed. */
export class TextInUtf8 {
  private readonly source: ByteSource;
  private edits = 0;
  private bytes = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  /**
   * The edits of one element, and by how many bytes they make it longer.
   * @throws Problem `too-costly` past the limits.
   */
  element(span: ElementSpan, level: Level): { edits: Edit[]; growth: number } {
    const edits: Edit[] = [];
    return { edits, growth: this.rewrite(span, level, edits) };
  }

  /** The edits of a sequence's items, its own length left as it is. */
  items(span: ElementSpan, { encoding, text }: Level): { edits: Edit[]; growth: number } {
    const edits: Edit[] = [];
    return { edits, growth: this.rewriteItems(span, { encoding: innerEncoding(span, encoding), text }, edits) };
  }

  private rewrite(span: ElementSpan, level: Level, edits: Edit[]): number {
    const { tag, vr, length } = span;
    if (isFragmented(span)) return 0;
    if (vr === 'SQ' || length === undefinedLength) {
      const inner = { ...level, encoding: innerEncoding(span, level.encoding) };
      return this.lengthened(span, this.rewriteItems(span, inner, edits), level.encoding, edits);
    }
    // A public attribute that some system on the way wrote as UN is text all the same (PS3.5 6.2.2, note).
    const meant = vr === 'UN' && level.encoding.explicit && !isPrivate(tag) ? vrOf(tag) : vr;
    // Codes and dates have no such letters (PS3.5 6.1.2.2), but writers put them there, and they are read.
    if (!isText(meant) || length === 0 || this.isPlain(span)) return 0;
    this.count(0, length);
    const text = decodeText(this.source.bytes(span.valueAt, length), level.text);
    return this.replaced(span, withHeader(tag, vr, Buffer.from(text.toWellFormed()), level.encoding), edits);
  }

  private rewriteItems(span: ElementSpan, level: Level, edits: Edit[]): number {
    let growth = 0;
    // A delimiter ends what is open, whatever stands in its own length field.
    const bound = span.length === undefinedLength ? this.source.size : span.end;
    for (let at = span.valueAt; at < bound;) {
      const item = elementHeader(this.source, at, bound, level.encoding, false);
      if (item.tag === sequenceEndTag) return growth;
      if (item.tag !== itemTag) throw new Problem('structure', 'A sequence holds something that is no item');
      const open = item.length === undefinedLength;
      const end = open ? bound : item.valueAt + item.length;
      const inside = this.rewriteItem(item.valueAt, end, level, edits);
      growth += this.lengthened(item, inside.growth, level.encoding, edits);
      at = inside.next;
    }
    return growth;
  }

  /** An item with a character set of its own keeps it, and so does all that it holds. */
  private rewriteItem(start: number, end: number, level: Level, edits: Edit[]): { next: number; growth: number } {
    let growth = 0;
    let own = false;
    for (let at = start; at < end;) {
      const header = elementHeader(this.source, at, end, level.encoding, false);
      if (header.tag === itemEndTag) return { next: header.valueAt, growth };
      const span = elementAt(this.source, at, end, level.encoding);
      own ||= span.tag === '00080005';
      // Group lengths say nothing and would be wrong (PS3.5 7.2).
      if (span.tag.endsWith('0000')) growth += this.replaced(span, new Uint8Array(0), edits);
      else if (!own) growth += this.rewrite(span, level, edits);
      at = span.end;
    }
    return { next: end, growth };
  }

  /** The length field that stands before a value, when the value has one and grew. */
  private lengthened(
    { length, valueAt }: Pick<ElementSpan, 'length' | 'valueAt'>,
    growth: number,
    encoding: Encoding,
    edits: Edit[],
  ): number {
    if (length === undefinedLength || growth === 0) return growth;
    edits.push({ at: valueAt - 4, length: 4, bytes: lengthBytes(length + growth, encoding) });
    return growth;
  }

  private replaced({ at, end }: ElementSpan, bytes: Uint8Array, edits: Edit[]): number {
    this.count(1, bytes.length);
    edits.push({ at, length: end - at, bytes });
    return bytes.length - (end - at);
  }

  private count(edits: number, bytes: number): void {
    this.edits += edits;
    this.bytes += bytes;
    if (this.edits > limits.edits || this.bytes > limits.bytes)
      throw new Problem('too-costly', 'The data set holds too much text to be put into another character set');
  }

  private isPlain({ valueAt, length }: ElementSpan): boolean {
    for (let at = 0; at < length; at += piece)
      if (!isPlain(this.source.bytes(valueAt + at, Math.min(piece, length - at)))) return false;
    return true;
  }
}

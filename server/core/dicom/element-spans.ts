/** Where the elements of a data set lie, whatever they say: the same walk as reading it, without its values. */
import { Problem } from '../problem.ts';
import type { ByteSource } from './byte-source.ts';
import {
  elementHeader,
  itemEndTag,
  itemTag,
  sequenceEndTag,
  undefinedLength,
  type ElementHeader,
  type Encoding,
} from './element-header.ts';
import { restIsZeros } from './trailing-zeros.ts';

/** An element from its first byte to the one behind it. */
export interface ElementSpan extends ElementHeader {
  at: number;
  end: number;
}

const deepest = 64;

export const implicitEncoding: Encoding = { explicit: false, littleEndian: true };

/** The elements of the top level in the order of the file, up to `end` or what a writer filled it up with. */
export function* topElements(
  source: ByteSource,
  start: number,
  end: number,
  encoding: Encoding,
): Generator<ElementSpan> {
  for (let at = start; at < end;) {
    if (at > start && restIsZeros(source, at, end)) return;
    const span = elementAt(source, at, end, encoding);
    yield span;
    at = span.end;
  }
}

export function elementAt(source: ByteSource, at: number, end: number, encoding: Encoding): ElementSpan {
  const header = elementHeader(source, at, end, encoding, false);
  return { ...header, at, end: endOf(source, header, end, encoding, 0) };
}

/** UN of undefined length is a sequence in Implicit VR Little Endian (PS3.5 6.2.2, note 2). */
export function innerEncoding({ vr }: ElementHeader, encoding: Encoding): Encoding {
  return vr === 'UN' ? implicitEncoding : encoding;
}

/** Pixel data in fragments (PS3.5 A.4), which look like items and hold no elements. */
export function isFragmented({ tag, vr, length }: ElementHeader): boolean {
  return length === undefinedLength && tag === '7FE00010' && (vr === 'OB' || vr === 'OW');
}

function endOf(source: ByteSource, header: ElementHeader, end: number, encoding: Encoding, depth: number): number {
  if (header.length !== undefinedLength) return header.valueAt + header.length;
  if (depth > deepest) throw new Problem('structure', 'Sequences are nested too deep');
  const inner = innerEncoding(header, encoding);
  for (let at = header.valueAt; at < end;) {
    const item = elementHeader(source, at, end, inner, false);
    if (item.tag === sequenceEndTag) return item.valueAt;
    if (item.tag !== itemTag) throw new Problem('structure', `Element ${header.tag} holds something that is no item`);
    if (item.length !== undefinedLength) at = item.valueAt + item.length;
    else if (isFragmented(header)) throw new Problem('structure', 'A fragment has no length');
    else at = endOfItem(source, item.valueAt, end, inner, depth);
  }
  throw new Problem('structure', `Element ${header.tag} has no end`);
}

function endOfItem(source: ByteSource, start: number, end: number, encoding: Encoding, depth: number): number {
  for (let at = start; at < end;) {
    const element = elementHeader(source, at, end, encoding, false);
    if (element.tag === itemEndTag) return element.valueAt;
    at = endOf(source, element, end, encoding, depth + 1);
  }
  throw new Problem('structure', 'An item has no end');
}

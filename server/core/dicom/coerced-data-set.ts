/**
 * A data set as it is given out when its patient was corrected (PS3.3 C.12.1.1.9): attributes replaced, and what they said kept in
 * an item of Original Attributes Sequence; everything else byte for byte as it is stored.
 *
 * New text is written in the data set's own Specific Character Set. Where that has no letters for it, all text of the data set is put
 * into UTF-8 (ISO_IR 192): a name in another alphabet must come out right, and so must all that stood there before.
 */
import { Problem } from '../problem.ts';
import { own } from '../table.ts';
import type { ByteSource } from './byte-source.ts';
import { decodeText, textDecoding, type TextDecoding } from './charset.ts';
import { editedBytes, type Edit } from './edits.ts';
import { isFragmented, topElements, type ElementSpan } from './element-spans.ts';
import { undefinedLength, type Encoding } from './element-header.ts';
import { inUtf8, textEncoding } from './encode-text.ts';
import type { DicomElement, DicomJson } from './json.ts';
import { TextInUtf8 } from './text-in-utf8.ts';
import { elementBytes, headerBytes, itemBytes, lengthBytes, withHeader, type TextEncoding } from './write-element.ts';

/** What one data set is given out with. */
export interface DataSetCoercion {
  /** The attributes that this data set says otherwise; one without a value is emptied. */
  attributes: DicomJson;
  /** What the item of Original Attributes Sequence says besides: (0400,0562) to (0400,0565). Undefined: none is added. */
  original: DicomJson | undefined;
}

const charsetTag = '00080005';
const originalTag = '04000561';
/** Bytes of replaced values that are copied into the item. */
const replacedLimit = 32 << 20;

/**
 * The edits that make the data set `[start, end)` of the source into the one that is given out.
 *
 * @throws Problem `structure` for what is no data set, `too-costly` past the limits.
 */
export function coercionEdits(
  source: ByteSource,
  start: number,
  end: number,
  encoding: Encoding,
  coercion: DataSetCoercion,
): Edit[] {
  const found = survey(source, start, end, encoding, coercion);
  const plain = changedEdits(source, encoding, found, coercion, textEncoding(found.terms));
  return plain ?? changedInUtf8(source, start, end, encoding, found, coercion);
}

interface Survey {
  /** The elements that are replaced, and those that stand in for what is inserted, by tag. */
  spans: Map<string, ElementSpan>;
  /** Where an element that is not there belongs. */
  places: Map<string, number>;
  /** Group lengths and (0008,0001), which would be wrong. */
  lengths: ElementSpan[];
  terms: string[];
}

/** Looks at all elements of the top level: nothing in a file promises that they are in order. */
function survey(
  source: ByteSource,
  start: number,
  end: number,
  encoding: Encoding,
  { attributes }: DataSetCoercion,
): Survey {
  const wanted = [...Object.keys(attributes), charsetTag, originalTag].sort();
  const groups = new Set(wanted.map((tag) => `${tag.slice(0, 4)}0000`));
  const spans: Survey['spans'] = new Map();
  const places: Survey['places'] = new Map();
  const lengths: ElementSpan[] = [];
  let terms: string[] = [];
  let behind = start;
  for (const span of topElements(source, start, end, encoding)) {
    behind = span.end;
    for (const tag of wanted) if (tag <= span.tag && !places.has(tag)) places.set(tag, span.at);
    if (groups.has(span.tag) || span.tag === '00080001') lengths.push(span);
    if (wanted.includes(span.tag)) spans.set(span.tag, span);
    if (span.tag === charsetTag) terms = termsOf(source, span);
  }
  for (const tag of wanted) if (!places.has(tag)) places.set(tag, behind);
  return { spans, places, lengths, terms };
}

function termsOf(source: ByteSource, { valueAt, length }: ElementSpan): string[] {
  if (length > 1024) return [];
  const text = decodeText(source.bytes(valueAt, length), textDecoding([]));
  return text.replaceAll('\0', '').trim() === '' ? [] : text.replaceAll('\0', '').split('\\');
}

/** The edits without those of other text; undefined when the new text cannot be written so. */
function changedEdits(
  source: ByteSource,
  encoding: Encoding,
  found: Survey,
  { attributes, original }: DataSetCoercion,
  encode: TextEncoding,
  rewritten?: { text: TextInUtf8; decoding: TextDecoding },
): Edit[] | undefined {
  const edits: Edit[] = found.lengths.map(({ at, end }) => ({ at, length: end - at, bytes: new Uint8Array(0) }));
  const before: Uint8Array[] = [];
  const keep = (tag: string, element: DicomElement, span: ElementSpan | undefined) =>
    before.push(span ? previous(source, span, encoding, rewritten) : headerBytes(tag, element.vr, 0, encoding));
  const tags = Object.keys(attributes).sort();
  for (const tag of tags) {
    const element = own(attributes, tag)!;
    const span = found.spans.get(tag);
    const bytes = elementBytes(tag, element, encoding, encode);
    if (!bytes) return undefined;
    keep(tag, element, span);
    edits.push(placed(found, tag, bytes));
  }
  if (!original) return edits;
  const standing = found.spans.get(originalTag);
  const kept = standing?.vr === 'SQ' ? standing : undefined;
  if (standing && !kept) before.push(previous(source, standing, encoding, rewritten)); // UN: nobody can add an item to it
  const item = originalItem(Buffer.concat(before), original, encoding, encode);
  if (!item) return undefined;
  edits.push(...(kept ? appended(kept, item, encoding, rewritten) : [placed(found, originalTag, withHeader(originalTag, 'SQ', item, encoding))])); // prettier-ignore
  return edits;
}

/** Replaces an element, or puts it where it belongs. */
function placed({ spans, places }: Survey, tag: string, bytes: Uint8Array): Edit {
  const span = spans.get(tag);
  return span ? { at: span.at, length: span.end - span.at, bytes } : { at: places.get(tag)!, length: 0, bytes };
}

/** An element as it was, for the item. */
function previous(
  source: ByteSource,
  span: ElementSpan,
  encoding: Encoding,
  rewritten: { text: TextInUtf8; decoding: TextDecoding } | undefined,
): Uint8Array {
  if (span.end - span.at > replacedLimit)
    throw new Problem('too-costly', 'A value that was corrected is too long to be kept beside the new one');
  const edits = rewritten?.text.element(span, { encoding, text: rewritten.decoding }).edits ?? [];
  return editedBytes(source, span.at, span.end, edits);
}

function originalItem(
  before: Uint8Array,
  original: DicomJson,
  encoding: Encoding,
  encode: TextEncoding,
): Uint8Array | undefined {
  const parts: (Uint8Array | undefined)[] = [withHeader('04000550', 'SQ', itemBytes(before, encoding), encoding)];
  for (const tag of Object.keys(original).sort()) parts.push(elementBytes(tag, own(original, tag)!, encoding, encode));
  return parts.every((part) => part !== undefined) ? itemBytes(Buffer.concat(parts), encoding) : undefined;
}

/** One more item behind those that came with the file (PS3.3 C.12.1.1.9: they are preserved). */
function appended(
  span: ElementSpan,
  item: Uint8Array,
  encoding: Encoding,
  rewritten: { text: TextInUtf8; decoding: TextDecoding } | undefined,
): Edit[] {
  const inside = rewritten?.text.items(span, { encoding, text: rewritten.decoding }) ?? { edits: [], growth: 0 };
  const open = span.length === undefinedLength;
  const length = lengthBytes(span.length + inside.growth + item.length, encoding);
  return [
    ...inside.edits,
    ...(open ? [] : [{ at: span.valueAt - 4, length: 4, bytes: length }]),
    { at: open ? span.end - 8 : span.end, length: 0, bytes: item },
  ];
}

/** All text in UTF-8, and the Specific Character Set that says so. */
function changedInUtf8(
  source: ByteSource,
  start: number,
  end: number,
  encoding: Encoding,
  found: Survey,
  coercion: DataSetCoercion,
): Edit[] {
  const text = new TextInUtf8(source);
  const decoding = textDecoding(found.terms);
  const edits = changedEdits(source, encoding, found, coercion, inUtf8, { text, decoding })!;
  const label = elementBytes(charsetTag, { vr: 'CS', Value: ['ISO_IR 192'] }, encoding, inUtf8)!;
  edits.push(placed(found, charsetTag, label));
  const gone = new Set(found.lengths.map(({ at }) => at));
  for (const span of topElements(source, start, end, encoding)) {
    if (found.spans.has(span.tag) || gone.has(span.at) || isFragmented(span)) continue;
    if (span.tag.endsWith('0000')) edits.push({ at: span.at, length: span.end - span.at, bytes: new Uint8Array(0) });
    else edits.push(...text.element(span, { encoding, text: decoding }).edits);
  }
  return edits;
}

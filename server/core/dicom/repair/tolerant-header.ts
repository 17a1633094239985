import type { ByteSource } from '../byte-source.ts';
import { attributeByTag, vrOf } from '../dictionary.ts';
import { isLongForm, undefinedLength, type ElementHeader, type Encoding } from '../element-header.ts';

/** A header as it can be understood, although it is not written as its file says. */
export interface TolerantHeader extends ElementHeader {
  /** Bytes that the value has in the file, where its end is cut off by less than a byte pair. */
  present: number;
  /** It has to be written anew: in another form, or with another VR. */
  wrong: boolean;
}

const shortForm = /^(AE|AS|AT|CS|DA|DS|DT|FL|FD|IS|LO|LT|PN|SH|SL|SS|ST|TM|UI|UL|US)$/;

/**
 * Reads the header at `at`. Where the bytes of the VR are none, the header is taken for one without VR, or for one with two
 * bytes of length as some writers do who do not know the VR (`??`), whichever leads to another element.
 *
 * @returns undefined when nothing fits.
 */
export function tolerantHeader(
  source: ByteSource,
  at: number,
  end: number,
  encoding: Encoding,
  signed: boolean,
): TolerantHeader | undefined {
  if (end - at < 8) return undefined;
  const bytes = source.bytes(at, Math.min(12, end - at));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const le = encoding.littleEndian;
  const tag = tagAt(view, 0, le);
  const long = view.getUint32(4, le);
  const short = view.getUint16(6, le);
  const text = String.fromCharCode(bytes[4]!, bytes[5]!);
  const longer = bytes.length >= 12 ? view.getUint32(8, le) : undefined;
  if (tag.startsWith('FFFE') || !encoding.explicit)
    return fitted({ tag, vr: guessedVr(tag, signed), length: long, valueAt: at + 8 }, end, false);
  if (shortForm.test(text)) return fitted({ tag, vr: text, length: short, valueAt: at + 8 }, end, false);
  if (/^[A-Z]{2}$/.test(text))
    return longer === undefined
      ? undefined
      : fitted({ tag, vr: isLongForm(text) ? text : 'UN', length: longer, valueAt: at + 12 }, end, false);
  const guesses = [
    { tag, vr: guessedVr(tag, signed), length: long, valueAt: at + 8 },
    { tag, vr: guessedVr(tag, signed), length: short, valueAt: at + 8 },
  ];
  const good = guesses.find((guess) => leadsOn(source, guess, end, encoding));
  return good && fitted(good, end, true);
}

export function tagAt(view: DataView, at: number, littleEndian: boolean): string {
  const tag = view.getUint16(at, littleEndian) * 0x10000 + view.getUint16(at + 2, littleEndian);
  return tag.toString(16).toUpperCase().padStart(8, '0');
}

/** The value ends where something can stand that follows it: the end, a delimiter, or a higher tag. */
function leadsOn(source: ByteSource, header: ElementHeader, end: number, { littleEndian }: Encoding): boolean {
  const next = header.length === undefinedLength ? header.valueAt : header.valueAt + header.length;
  if (next === end) return true;
  if (next + 8 > end) return false;
  const bytes = source.bytes(next, 8);
  const tag = tagAt(new DataView(bytes.buffer, bytes.byteOffset, 8), 0, littleEndian);
  if (header.length === undefinedLength) return tag === 'FFFEE000' || tag === 'FFFEE0DD';
  return tag > header.tag;
}

function fitted(header: ElementHeader, end: number, wrong: boolean): TolerantHeader | undefined {
  const { length, valueAt } = header;
  if (length === undefinedLength) return { ...header, present: 0, wrong };
  const present = Math.min(length, end - valueAt);
  // The last byte of a pair that is missing at the end was padding.
  const isPadding = length - present === 1 && length % 2 === 0;
  return present === length || isPadding || header.vr === 'SQ' || header.tag === 'FFFEE000'
    ? { ...header, present, wrong: wrong || present !== length }
    : undefined;
}

function guessedVr(tag: string, signed: boolean): string {
  return signed && attributeByTag(tag)?.signedness ? 'SS' : vrOf(tag);
}

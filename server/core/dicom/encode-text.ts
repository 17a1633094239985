import { isPlain, singleByteLabel } from './charset.ts';
import type { TextEncoding } from './write-element.ts';

const utf8 = new TextEncoder();

export const inUtf8: TextEncoding = (text) => utf8.encode(text.toWellFormed());

/**
 * How a data set with this Specific Character Set (PS3.3 C.12.1.1.2) can be written to without touching what is there: ASCII in
 * all of them, everything in UTF-8, and the letters of one alphabet where it is the only one. What needs escape sequences or a
 * Chinese multi-byte set is not written: undefined, and the data set is put into UTF-8 instead.
 */
export function textEncoding(terms: readonly string[]): TextEncoding {
  const names = terms.map((term) => term.trim().toUpperCase());
  const [first = ''] = names;
  if (first === 'ISO_IR 192') return inUtf8;
  const letters = names.length > 1 ? undefined : alphabet(singleByteLabel(first));
  // JIS X 0201 has an overline and a yen sign where ASCII has its tilde and backslash (PS3.3 Table C.12-2).
  const isJapanese = names.some((name) => /^(ISO_IR|ISO 2022 IR) 13$/.test(name));
  return (text) => {
    const bytes = utf8.encode(text.toWellFormed());
    if (isPlain(bytes)) return isJapanese && text.includes('~') ? undefined : bytes;
    const codes = [...text].map((letter) => (letter < '\u0080' ? letter.charCodeAt(0) : letters?.get(letter)));
    return codes.every((code) => code !== undefined) ? Uint8Array.from(codes) : undefined;
  };
}

const alphabets = new Map<string, ReadonlyMap<string, number>>();

/** Bytes from A0: those before are control characters in DICOM, whatever else a decoder makes of them. */
function alphabet(label: string | undefined): ReadonlyMap<string, number> | undefined {
  if (label === undefined) return undefined;
  let letters = alphabets.get(label);
  if (!letters) {
    const decoder = new TextDecoder(label);
    const codes = Array.from({ length: 96 }, (_, i) => 0xa0 + i);
    letters = new Map(codes.map((code) => [decoder.decode(Uint8Array.of(code)), code] as const));
    alphabets.set(label, letters);
  }
  return letters;
}

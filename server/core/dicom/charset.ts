/**
 * Text of a data set, by Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1). Everything leaves as Unicode.
 *
 * A name that is not known, or bytes that do not fit it, never fail: the text is for people to read, the
 * stored file stays as it came, and a wrong label must not keep an image from its patient.
 */
import { own } from '../table.ts';
export interface TextDecoding {
  /** Set when every value is one encoding; undefined when escape sequences may switch (ISO 2022). */
  whole: Decoder | undefined;
  /** What the value begins with under code extension: the set of the first value of Specific Character Set. */
  first: CodeElements;
}

type Decoder = (bytes: Uint8Array) => string;
/** G0 takes bytes below 0x80, G1 those above (PS3.5 6.1.2.4). */
interface CodeElements {
  g0: Designated;
  g1: Designated | undefined;
}
interface Designated {
  /** Bytes of one character. */
  width: 1 | 2;
  decode: Decoder;
}

const escape = 0x1b;
const decoders = new Map<string, Decoder>();

function decoder(label: string): Decoder {
  let found = decoders.get(label);
  if (!found) {
    const text = new TextDecoder(label, { ignoreBOM: true });
    found = (bytes) => text.decode(bytes);
    decoders.set(label, found);
  }
  return found;
}

/** The encoding of a single-byte alphabet with its own bytes above 127: of `ISO_IR 100`, not of what escape sequences switch. */
export function singleByteLabel(term: string): string | undefined {
  return own(singleByte, term)?.[0];
}

/** Latin alphabets and their like: defined term -> [name of the encoding, final byte of the G1 escape `ESC - F`]. */
const singleByte: Record<string, [label: string, final: number]> = {
  'ISO_IR 100': ['iso-8859-1', 0x41],
  'ISO_IR 101': ['iso-8859-2', 0x42],
  'ISO_IR 109': ['iso-8859-3', 0x43],
  'ISO_IR 110': ['iso-8859-4', 0x44],
  'ISO_IR 126': ['iso-8859-7', 0x46],
  'ISO_IR 127': ['iso-8859-6', 0x47],
  'ISO_IR 138': ['iso-8859-8', 0x48],
  'ISO_IR 144': ['iso-8859-5', 0x4c],
  'ISO_IR 148': ['iso-8859-9', 0x4d],
  'ISO_IR 166': ['windows-874', 0x54],
  'ISO_IR 203': ['iso-8859-15', 0x62],
};
const wholeOnly: Record<string, string> = { 'ISO_IR 192': 'utf-8', GB18030: 'gb18030', GBK: 'gbk' };

const ascii: Designated = { width: 1, decode: decoder('iso-8859-1') };
/** Half-width katakana; 0x5C stays a backslash, for it separates values (PS3.5 6.1.2.3). */
const katakana: Designated = { width: 1, decode: decoder('shift_jis') };
const jis208: Designated = { width: 2, decode: (bytes) => decoder('euc-jp')(bytes.map((byte) => byte | 0x80)) };
const jis212: Designated = { width: 2, decode: decodeJis212 };
const ksx1001: Designated = { width: 2, decode: decoder('euc-kr') };
const gb2312: Designated = { width: 2, decode: decoder('gbk') };

/** Reads a multi-valued Specific Character Set; an empty list is the default repertoire. */
export function textDecoding(terms: readonly string[]): TextDecoding {
  const names = terms.map((term) => term.trim().toUpperCase());
  const [first = ''] = names;
  const single = own(wholeOnly, first) ?? (names.length > 1 ? undefined : own(singleByte, first)?.[0]);
  if (single !== undefined) return { whole: byEvidence(single), first: initial(first) };
  if (names.length > 1 || first.startsWith('ISO 2022')) return { whole: undefined, first: initial(first) };
  if (first === 'ISO_IR 13') return { whole: katakana.decode, first: initial(first) };
  return { whole: guess, first: initial(first) };
}

/** No character set, yet bytes above 127: UTF-8 or Chinese if they look so, else Latin 1, which never fails. */
function guess(bytes: Uint8Array): string {
  return inValidUtf8(bytes) ?? inChinese(bytes) ?? ascii.decode(bytes);
}

/** Alphabets whose letters never stand in such an order that the text is valid UTF-8: devices label UTF-8 with them. */
const neverUtf8 = /^iso-8859-(1|2|3|4|5|6|7|8|9|15)$/;

function byEvidence(label: string): Decoder {
  const named = decoder(label);
  if (!neverUtf8.test(label)) return named;
  if (label !== 'iso-8859-1') return (bytes) => inValidUtf8(bytes) ?? named(bytes);
  return (bytes) => inValidUtf8(bytes) ?? inChinese(bytes) ?? named(bytes);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function inValidUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * GB18030 under the label of Latin 1 or none: all bytes above 127 stand in runs of at least two common Chinese characters
 * (rows B0 to D7 of GB 2312). Western text has no four accents in a row; Greek and Cyrillic capitals do, but all of
 * them within one stretch of 32 codes, which Chinese text leaves.
 */
function inChinese(bytes: Uint8Array): string | undefined {
  let leaves = false;
  for (let at = 0, run = 0; at <= bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) {
      if (run % 2 === 1 || run === 2) return undefined;
      run = 0;
      continue;
    }
    if (run % 2 === 0 ? byte < 0xb0 || byte > 0xd7 : byte < 0xa1 || byte === 0xff) return undefined;
    leaves ||= run % 2 === 1 && byte >= 0xe0;
    run++;
  }
  return leaves ? decoder('gb18030')(bytes) : undefined;
}

function initial(term: string): CodeElements {
  const name = term.replace('ISO 2022 IR', 'ISO_IR');
  if (name === 'ISO_IR 13') return { g0: ascii, g1: katakana };
  if (name === 'ISO_IR 149') return { g0: ascii, g1: ksx1001 };
  if (name === 'ISO_IR 58') return { g0: ascii, g1: gb2312 };
  const set = own(singleByte, name);
  return { g0: ascii, g1: set && { width: 1, decode: decoder(set[0]) } };
}

/** @param bytes one element's whole value; delimiters are still in it. */
export function decodeText(bytes: Uint8Array, decoding: TextDecoding): string {
  if (isPlain(bytes)) return latin(bytes);
  return decoding.whole ? decoding.whole(bytes) : decodeExtended(bytes, decoding.first);
}

/** ASCII only, which is the same bytes in every character set. */
export function isPlain(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte >= 0x80 || byte === escape) return false;
  return true;
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** ISO 2022: walks runs of bytes that one designated set decodes; delimiters and controls reset to the first set. */
function decodeExtended(bytes: Uint8Array, first: CodeElements): string {
  let { g0, g1 } = first;
  let text = '';
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === escape) {
      const change = designation(bytes, at);
      if (change?.g0) g0 = change.g0;
      if (change?.g1) g1 = change.g1;
      at += change?.length ?? 1;
      continue;
    }
    const upper = byte >= 0x80;
    const set = upper ? (g1 ?? ascii) : g0;
    // In a two-byte G0 set, 5C, 5E and 3D are halves of characters, not delimiters (PS3.5 6.1.2.5.3).
    if (!upper && (byte < 0x20 || (set.width === 1 && (byte === 0x5c || byte === 0x5e || byte === 0x3d)))) {
      text += String.fromCharCode(byte);
      ({ g0, g1 } = first);
      at++;
      continue;
    }
    const end = endOfRun(bytes, at, upper, set.width);
    text += set.decode(bytes.subarray(at, end));
    at = end;
  }
  return text;
}

function endOfRun(bytes: Uint8Array, start: number, upper: boolean, width: 1 | 2): number {
  let end = start + width;
  while (end < bytes.length) {
    const byte = bytes[end]!;
    if (byte === escape || byte >= 0x80 !== upper) break;
    if (!upper && (byte < 0x20 || (width === 1 && (byte === 0x5c || byte === 0x5e || byte === 0x3d)))) break;
    end += width;
  }
  return Math.min(end, bytes.length);
}

/** Escape sequences of PS3.3 Tables C.12-3 and C.12-4; undefined for others, which are skipped. */
function designation(bytes: Uint8Array, at: number): { g0?: Designated; g1?: Designated; length: number } | undefined {
  const [a, b, c] = [bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if (a === 0x28 && b === 0x42) return { g0: ascii, length: 3 }; // ( B
  if (a === 0x28 && b === 0x4a) return { g0: ascii, length: 3 }; // ( J, romaji
  if (a === 0x29 && b === 0x49) return { g1: katakana, length: 3 }; // ) I
  if (a === 0x24 && b === 0x42) return { g0: jis208, length: 3 }; // $ B
  if (a === 0x24 && b === 0x28 && c === 0x44) return { g0: jis212, length: 4 }; // $ ( D
  if (a === 0x24 && b === 0x29 && c === 0x43) return { g1: ksx1001, length: 4 }; // $ ) C
  if (a === 0x24 && b === 0x29 && c === 0x41) return { g1: gb2312, length: 4 }; // $ ) A
  if (a !== 0x2d) return undefined; // - F
  const set = Object.values(singleByte).find(([, final]) => final === b);
  return set && { g1: { width: 1, decode: decoder(set[0]) }, length: 3 };
}

/** EUC-JP writes a character of JIS X 0212 as 8F and the two bytes with their high bits set. */
function decodeJis212(bytes: Uint8Array): string {
  const euc = new Uint8Array(Math.ceil(bytes.length / 2) * 3);
  for (let i = 0; i * 2 < bytes.length; i++)
    euc.set([0x8f, bytes[i * 2]! | 0x80, (bytes[i * 2 + 1] ?? 0x21) | 0x80], i * 3);
  return decoder('euc-jp')(euc);
}

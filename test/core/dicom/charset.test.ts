import { describe, expect, it } from 'vitest';
import { decodeText, textDecoding } from '../../../server/core/dicom/charset.ts';
import { jsonElement } from '../../../server/core/dicom/json-value.ts';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const name = (value: Buffer, ...terms: string[]) => jsonElement('PN', value, true, textDecoding(terms)).Value;
const esc = '\x1b';

describe('Specific Character Set', () => {
  it('reads the single-byte alphabets', () => {
    expect(decodeText(bytes('Buc^J', [0xe9], 'r', [0xf4], 'me'), textDecoding(['ISO_IR 100']))).toBe('Buc^Jérôme');
    expect(decodeText(bytes([0xbb, 0xee, 0xda, 0xda]), textDecoding(['ISO_IR 144']))).toBe('Люкк');
    expect(decodeText(bytes([0xc4, 0xe9, 0xef, 0xed]), textDecoding(['ISO_IR 126']))).toBe('Διον');
    expect(decodeText(bytes([0xf9, 0xe8]), textDecoding(['ISO_IR 138']))).toBe('שט');
  });

  it('reads UTF-8 and GB18030, whose second bytes may look like delimiters', () => {
    expect(name(Buffer.from('Wang^XiaoDong=王^小东'), 'ISO_IR 192')).toEqual([
      { Alphabetic: 'Wang^XiaoDong', Ideographic: '王^小东' },
    ]);
    // 0x81 0x5C and 0x94 0x5C end in a backslash.
    expect(
      jsonElement('LO', bytes([0x81, 0x5c], 'a', [0x94, 0x5c]), true, textDecoding(['GB18030'])).Value,
    ).toHaveLength(1);
  });

  it('reads a Japanese name with escapes inside its components (PS3.5 Annex H.3)', () => {
    const value = bytes(
      `Yamada^Tarou=${esc}$B;3ED${esc}(B^${esc}$BB@O:${esc}(B=${esc}$B$d$^$@${esc}(B^${esc}$B$?$m$&${esc}(B`,
    );
    expect(name(value, '', 'ISO 2022 IR 87')).toEqual([
      { Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' },
    ]);
  });

  it('reads half-width katakana beside kanji (PS3.5 Annex H.3.2)', () => {
    const value = bytes(
      [0xd4, 0xcf, 0xc0, 0xde],
      '^',
      [0xc0, 0xdb, 0xb3],
      `=${esc}$B;3ED${esc}(J^${esc}$BB@O:${esc}(J`,
    );
    expect(name(value, 'ISO 2022 IR 13', 'ISO 2022 IR 87')).toEqual([
      { Alphabetic: 'ﾔﾏﾀﾞ^ﾀﾛｳ', Ideographic: '山田^太郎' },
    ]);
  });

  it('reads a Korean name, whose set must be named again after each delimiter (PS3.5 Annex I.2)', () => {
    const value = bytes(`Hong^Gildong=${esc}$)C`, [0xfb, 0xf3], `^${esc}$)C`, [0xd1, 0xce, 0xd4, 0xd7]);
    expect(name(value, '', 'ISO 2022 IR 149')).toEqual([{ Alphabetic: 'Hong^Gildong', Ideographic: '洪^吉洞' }]);
  });

  it('takes text without a character set for UTF-8 if it can be, else for Latin 1', () => {
    expect(decodeText(Buffer.from('Grün'), textDecoding([]))).toBe('Grün');
    expect(decodeText(bytes('Gr', [0xfc], 'n'), textDecoding([]))).toBe('Grün');
  });

  it('never fails on bytes that do not fit, or on sets that do not exist', () => {
    for (const terms of [
      ['ISO_IR 192'],
      ['GB18030'],
      ['nonsense'],
      ['', 'ISO 2022 IR 87'],
      ['ISO 2022 IR 999', 'ISO_IR 1'],
    ]) {
      expect(decodeText(bytes([0xff, 0x1b, 0x24, 0x42, 0x81], esc), textDecoding(terms))).toBeTypeOf('string');
    }
  });
});

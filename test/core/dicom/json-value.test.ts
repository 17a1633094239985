import { describe, expect, it } from 'vitest';
import { textDecoding } from '../../../server/core/dicom/charset.ts';
import { jsonElement } from '../../../server/core/dicom/json-value.ts';

const json = (vr: string, value: string | number[] | Buffer, littleEndian = true) =>
  jsonElement(
    vr,
    typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value),
    littleEndian,
    textDecoding([]),
  );

describe('a value as DICOM JSON (PS3.18 Annex F)', () => {
  it.each([
    ['DS', ' 1.50', [1.5]],
    ['DS', '1e3\\-.5\\+2 ', [1000, -0.5, 2]],
    ['DS', '1,5', ['1,5']],
    ['DS', 'N/A', ['N/A']],
    ['DS', '1e999', ['1e999']],
    ['DS', '12345678901234567890', ['12345678901234567890']],
    ['IS', '+7', [7]],
    ['IS', '1.0', ['1.0']],
    ['IS', '3 \0', [3]],
    ['IS', '0x10', ['0x10']],
  ])('keeps %s %j as %j: no zero for what is no number', (vr, text, values) => {
    expect(json(vr, text)).toEqual({ vr, Value: values });
  });

  it('gives null for an empty value between others, and no Value when all are empty', () => {
    expect(json('CS', 'A\\\\B')).toEqual({ vr: 'CS', Value: ['A', null, 'B'] });
    expect(json('CS', '\\ \\')).toEqual({ vr: 'CS' });
    expect(json('LO', '')).toEqual({ vr: 'LO' });
    expect(json('PN', '^^^^')).toEqual({ vr: 'PN' });
  });

  it('splits names into component groups and keeps a group that stands alone', () => {
    expect(json('PN', 'A^B^^=\xc9')).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'A^B', Ideographic: 'É' }] });
    expect(json('PN', '==Phon')).toEqual({ vr: 'PN', Value: [{ Phonetic: 'Phon' }] });
  });

  it('takes a backslash in text for text', () => {
    expect(json('LT', ' C:\\x \0')).toEqual({ vr: 'LT', Value: [' C:\\x'] });
    expect(json('UR', 'http://a/\\b  ')).toEqual({ vr: 'UR', Value: ['http://a/\\b'] });
  });

  it('keeps 64-bit integers exact and writes no NaN', () => {
    expect(json('UV', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).toEqual({
      vr: 'UV',
      Value: ['18446744073709551615'],
    });
    expect(json('SV', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])).toEqual({ vr: 'SV', Value: [-1] });
    const nan = Buffer.alloc(16);
    nan.writeDoubleLE(Number.NaN);
    nan.writeDoubleLE(Number.POSITIVE_INFINITY, 8);
    expect(json('FD', nan)).toEqual({ vr: 'FD', Value: [null, null] });
  });

  it('trims every padding of a UID and marks a NUL inside a text', () => {
    expect(json('UI', '1.2.3\0\0\0')).toEqual({ vr: 'UI', Value: ['1.2.3'] });
    expect(json('LO', 'a\0b')).toEqual({ vr: 'LO', Value: ['a\ufffdb'] });
  });

  it('writes tags as hex, and binary words in little endian', () => {
    expect(json('AT', [0x10, 0x00, 0x0a, 0x00])).toEqual({ vr: 'AT', Value: ['0010000A'] });
    expect(json('OW', [0x01, 0x02], false)).toEqual({ vr: 'OW', InlineBinary: Buffer.from([2, 1]).toString('base64') });
    expect(json('US', [0x01, 0x02], false)).toEqual({ vr: 'US', Value: [258] });
  });

  it('keeps the bytes of a number of impossible length', () => {
    expect(json('US', [1, 2, 3])).toEqual({ vr: 'UN', InlineBinary: 'AQID' });
  });
});

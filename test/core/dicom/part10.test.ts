import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../server/core/dicom/byte-source.ts';
import { readFileMeta, readInstance } from '../../../server/core/dicom/part10.ts';
import type { ReadInstance } from '../../../server/core/studies/dicom-reader.ts';
import {
  dicomFile,
  header,
  imageElements,
  imageFile,
  syntaxes,
  type Element,
  type ImageOptions,
} from '../../harness/dicom-file.ts';

function read(file: Buffer): ReadInstance {
  const source = memorySource(file);
  return readInstance(source, readFileMeta(source));
}

const little = { explicit: true, littleEndian: true };
const image = (options?: ImageOptions) => read(imageFile(options));
/** A good file with raw bytes behind it. */
const withTail = (...tail: Buffer[]) =>
  Buffer.concat([dicomFile(imageElements().filter(([tag]) => tag < '0028')), ...tail]);

describe('reading a Part 10 file', () => {
  it('gives identity, attributes and the place of the pixel data', () => {
    const file = imageFile({ study: '1.2.3', series: '1.2.4', instance: '1.2.5' });
    const found = read(file);
    expect(found).toMatchObject({
      StudyInstanceUID: '1.2.3',
      SeriesInstanceUID: '1.2.4',
      SOPInstanceUID: '1.2.5',
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
      TransferSyntaxUID: syntaxes.explicit,
      frames: { encapsulated: false, offset: file.length - 512, length: 512, count: 1, bitPacked: false },
      bulk: {},
    });
    expect(found.attributes['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Example^Erika' }] });
    expect(found.attributes['7FE00010']).toEqual({ vr: 'OW', BulkDataURI: '7FE00010' });
  });

  it('reads the same attributes whatever the encoding', () => {
    const options = {
      study: '1.2', series: '1.3', instance: '1.4', pixels: new Uint8Array(512),
      with: [['00081140', 'SQ', [[['00081150', 'UI', '1.2'], ['00280010', 'US', 7]], []]]] as Element[],
    }; // prettier-ignore
    const { attributes } = image(options);
    expect(attributes['00081140']).toEqual({
      vr: 'SQ',
      Value: [{ '00081150': { vr: 'UI', Value: ['1.2'] }, '00280010': { vr: 'US', Value: [7] } }, {}],
    });
    for (const transferSyntax of [syntaxes.implicit, syntaxes.bigEndian]) {
      for (const undefinedLengths of [true, false]) {
        const other = image({ ...options, transferSyntax, undefinedLengths }).attributes;
        expect(other).toEqual(attributes);
      }
    }
  });

  it('says that text is UTF-8 when it was translated, also inside items', () => {
    const item: Element[] = [
      ['00080005', 'CS', 'ISO_IR 144'],
      ['00100010', 'PN', Buffer.from([0xbb, 0xee])],
    ];
    const { attributes } = image({
      with: [
        ['00080005', 'CS', 'ISO_IR 100'],
        ['00100010', 'PN', 'M\xfcller'],
        ['00081140', 'SQ', [item]],
      ],
    });
    expect(attributes['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
    expect(attributes['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Müller' }] });
    expect(attributes['00081140']!.Value![0]).toEqual({
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Лю' }] },
    });
  });

  it('locates long values, also inside items, and keeps short ones inline', () => {
    const file = imageFile({
      with: [
        ['00420011', 'OB', new Uint8Array(2000).fill(5)],
        ['00082112', 'SQ', [[['00420011', 'OB', new Uint8Array(2000)]]]],
        ['00091010', 'OB', new Uint8Array(10)],
      ],
    });
    const { attributes, bulk } = read(file);
    expect(attributes['00420011']).toEqual({ vr: 'OB', BulkDataURI: '00420011' });
    expect(attributes['00082112']!.Value![0]).toEqual({ '00420011': { vr: 'OB', BulkDataURI: '00082112/1/00420011' } });
    const at = bulk['00420011']!;
    expect(file.subarray(at.offset, at.offset + at.length)).toEqual(Buffer.alloc(2000, 5));
    expect(bulk['00082112.1.00420011']).toMatchObject({ vr: 'OB', length: 2000 });
    expect(attributes['00091010']!.InlineBinary).toBeDefined();
  });

  it('reads UN of undefined length as a sequence, and a public attribute in UN by its own VR', () => {
    const un = Buffer.concat([header('00091010', 'UN', 0xffffffff, little), header('FFFEE000', '', 0xffffffff, little),
      header('00081150', '', 4, { explicit: false, littleEndian: true }), Buffer.from('1.2\0'),
      header('FFFEE00D', '', 0, little), header('FFFEE0DD', '', 0, little)]); // prettier-ignore
    const file = Buffer.concat([dicomFile([...imageElements().filter(([tag]) => tag < '0009')]), un]);
    const rest = dicomFile(
      imageElements().filter(([tag]) => tag > '0009' && tag < '0028'),
      { bare: true },
    );
    const { attributes } = read(Buffer.concat([file, rest]));
    expect(attributes['00091010']).toEqual({ vr: 'SQ', Value: [{ '00081150': { vr: 'UI', Value: ['1.2'] } }] });
    expect(image({ with: [['00181030', 'UN', 'Thorax']] }).attributes['00181030']).toEqual({
      vr: 'LO',
      Value: ['Thorax'],
    });
  });

  it('accepts zeros and Data Set Trailing Padding behind the data set', () => {
    expect(read(withTail(Buffer.alloc(1 << 20))).frames).toBeNull();
    expect(read(withTail(header('FFFCFFFC', 'OB', 6, little), Buffer.alloc(6))).attributes['FFFCFFFC']).toBeUndefined();
  });
});

describe('identity', () => {
  it.each([
    ['a path', '../../../etc/passwd'],
    ['a NUL inside', '1.2.3\0.4'],
    ['letters', '1.2.x'],
    ['an empty component', '1..2'],
    ['65 characters', '1.'.repeat(32) + '1'],
    ['two values', '1.2\\1.3'],
    ['markup', '<b>1</b>'],
  ])('refuses a UID with %s', (_, uid) => {
    for (const tag of ['0020000D', '0020000E', '00080018', '00080016']) {
      expect(() => image({ with: [[tag, 'UI', uid]] })).toThrow(expect.objectContaining({ code: 'value' }));
    }
  });

  it('takes padding of any kind for padding', () => {
    expect(image({ with: [['0020000D', 'UI', '1.2.3\0\0\0']] }).StudyInstanceUID).toBe('1.2.3');
    expect(image({ with: [['0020000D', 'UI', '1.2.3 ']] }).StudyInstanceUID).toBe('1.2.3');
  });

  it('refuses a file without a UID, with one of another VR, or with one twice', () => {
    for (const tag of ['0020000D', '0020000E', '00080018', '00080016']) {
      expect(() => image({ without: [tag] })).toThrow(expect.objectContaining({ code: 'required' }));
      expect(() => image({ with: [[tag, 'LO', '1.2.3']] })).toThrow(expect.objectContaining({ code: 'value' }));
      const elements = imageElements();
      const twin = elements.find(([name]) => name === tag)!;
      expect(() =>
        read(dicomFile(elements.flatMap((one) => (one === twin ? [one, [tag, 'UI', '9.9']] : [one])))),
      ).toThrow(expect.objectContaining({ code: 'structure' }));
    }
  });
});

describe('hostile and broken files', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['a bare data set', imageFile({ bare: true })],
    ['131 bytes', Buffer.alloc(131)],
  ])('refuses %s as no DICOM file', (_, file) => {
    expect(() => read(file)).toThrow(expect.objectContaining({ code: 'structure' }));
  });

  it('refuses a transfer syntax that is missing, unknown or no UID', () => {
    expect(() => image({ meta: [['00020002', 'UI', '1.2']] })).toThrow(expect.objectContaining({ code: 'required' }));
    for (const uid of ['1.2.840.10008.1.2.4.999', '1.2.840.10008.1.2.1\0.99', 'x']) {
      expect(() => image({ meta: [['00020010', 'UI', uid]] })).toThrow(
        expect.objectContaining({ code: 'not-supported' }),
      );
    }
  });

  it('refuses a file cut off anywhere', () => {
    const file = imageFile({ with: [['00081140', 'SQ', [[['00081150', 'UI', '1.2']]]]], undefinedLengths: true });
    // A cut between two elements behind the UIDs leaves a shorter, but whole, data set: it cannot be told from one.
    const uids = file.indexOf(header('00200010', 'SH', 2, little));
    const pixels = file.indexOf(header('7FE00010', 'OW', 512, little));
    const cuts = [...Array(uids).keys(), ...Array.from({ length: file.length - pixels - 1 }, (_, i) => pixels + 1 + i)];
    for (const length of cuts) {
      expect(() => read(file.subarray(0, length)), `cut at ${length}`).toThrow(
        expect.objectContaining({ name: 'Problem' }),
      );
    }
  });

  it('never throws anything but a Problem, whatever byte is changed', () => {
    const file = imageFile({
      rows: 2,
      columns: 2,
      with: [['00081140', 'SQ', [[['00081150', 'UI', '1.2']], []]]],
      undefinedLengths: true,
    });
    for (let at = 128; at < file.length; at++) {
      for (const value of [0, 0xff, file[at]! ^ 0x01]) {
        const changed = Buffer.from(file);
        changed[at] = value;
        try {
          read(changed);
        } catch (error) {
          expect(error, `byte ${at} = ${value}`).toMatchObject({ name: 'Problem' });
        }
      }
    }
  });

  it('refuses lengths past the end, undefined lengths where none may be, and strange ends', () => {
    for (const tail of [
      [header('7FE00010', 'OW', 0xfffffffe, little)],
      [header('7FE00010', 'OB', 0xffffffff, little)],
      [header('00710010', 'LT', 0xffff, little)],
      [header('FFFEE00D', '', 0, little)],
      [header('00020010', 'UI', 0, little)],
      [header('30060010', 'SQ', 0xffffffff, little), header('FFFEE000', '', 4, little), Buffer.alloc(4)],
      [header('30060010', 'SQ', 0xffffffff, little), header('00100010', 'PN', 0, little)],
      [Buffer.from([1, 2, 3])],
      [Buffer.alloc(64, 1)],
    ]) {
      expect(() => read(withTail(...tail))).toThrow(expect.objectContaining({ code: 'structure' }));
    }
  });

  it('refuses sequences nested without end, cheaply', () => {
    for (const depth of [33, 5000, 20_000]) {
      const nest = Buffer.concat(
        Array.from({ length: depth }, () =>
          Buffer.concat([header('30060010', 'SQ', 0xffffffff, little), header('FFFEE000', '', 0xffffffff, little)]),
        ),
      );
      expect(() => read(withTail(nest))).toThrow(/nested/);
    }
  });

  it('refuses a file of more elements than any object has', () => {
    const items = Buffer.concat(Array.from({ length: 1_600_000 }, () => header('FFFEE000', '', 0, little)));
    expect(() => read(withTail(header('30060010', 'SQ', items.length, little), items))).toThrow(
      expect.objectContaining({ code: 'too-costly' }),
    );
  });

  it('is not led to JavaScript objects by attribute names', () => {
    expect(
      Object.keys(image({ with: [['00091001', 'LO', '__proto__']] }).attributes).every((tag) =>
        /^[0-9A-F]{8}$/.test(tag),
      ),
    ).toBe(true);
  });
});

import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../server/core/dicom/byte-source.ts';
import { coercionEdits, type DataSetCoercion } from '../../../server/core/dicom/coerced-data-set.ts';
import { editedBytes } from '../../../server/core/dicom/edits.ts';
import type { DicomJson } from '../../../server/core/dicom/json.ts';
import { readFileMeta, readInstance } from '../../../server/core/dicom/part10.ts';
import { imageFile, syntaxes, type Element, type ImageOptions } from '../../harness/dicom-file.ts';

const original: DicomJson = { '04000565': { vr: 'CS', Value: ['CORRECT'] } };
const to = (name: string): DataSetCoercion => ({
  attributes: { '00100010': { vr: 'PN', Value: [{ Alphabetic: name }] }, '00101001': { vr: 'PN' } },
  original,
});

function given(file: Uint8Array, coercion: DataSetCoercion) {
  const source = memorySource(file);
  const { dataSetAt, syntax } = readFileMeta(source);
  return editedBytes(source, 0, source.size, coercionEdits(source, dataSetAt, source.size, syntax, coercion));
}
const read = (file: Uint8Array) => readInstance(memorySource(file), readFileMeta(memorySource(file)));

function readable(file: Uint8Array): DicomJson | undefined {
  try {
    return read(file).attributes;
  } catch {
    return undefined;
  }
}

/** Bytes below it are the same in each call. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const latin = (text: string) => Buffer.from(text, 'latin1');
const rich: Element[] = [
  ['00080005', 'CS', 'ISO_IR 100'],
  ['00081030', 'LO', latin('Größe')],
  ['00081110', 'SQ', [[['00081150', 'UI', '1.2']], []]],
  ['00090010', 'LO', 'ACME'],
  ['00091001', 'UN', latin('Ümlaut')],
  ['00100000', 'UL', 30],
  ['00101001', 'PN', latin('Ä^Ö')],
  ['00400555', 'SQ', [[['0040A160', 'UT', latin('ß')], ['0040A730', 'SQ', [[['0040A160', 'UT', latin('ß')]]]]]]],
  ['04000561', 'SQ', [[['04000550', 'SQ', [[['00100020', 'LO', latin('Ü')]]]], ['04000565', 'CS', 'COERCE']]]],
]; // prettier-ignore
const forms: ImageOptions[] = [
  {},
  { undefinedLengths: true },
  { transferSyntax: syntaxes.implicit },
  { transferSyntax: syntaxes.implicit, undefinedLengths: true },
  { transferSyntax: syntaxes.bigEndian },
  { transferSyntax: syntaxes.rle, pixels: { fragments: [Buffer.alloc(40, 1), Buffer.alloc(40, 2)] } },
];

describe('a coerced data set', () => {
  it('is always one that can be read, says what it must and nothing else otherwise, whatever was accepted', () => {
    const roll = random(20261127);
    let accepted = 0;
    for (let round = 0; round < 900; round++) {
      const file = imageFile({ ...forms[round % forms.length], with: rich });
      for (let changes = roll(4); changes > 0; changes--)
        file[132 + roll(Math.min(file.length - 132, 1500))] = roll(3) > 0 ? roll(256) : [0, 1, 0x10, 0xff, 0x53, 0x51, 0x55, 0x4e][roll(8)]!; // prettier-ignore
      const before = readable(file);
      if (!before) continue; // never stored
      accepted++;
      const coercion = to(['Right^Anna', 'Müller', '田中'][roll(3)]!);
      const now = read(given(file, coercion)).attributes;
      const [last, ...earlier] = (now['04000561']!.Value as DicomJson[]).toReversed();
      const [modified] = last!['04000550']!.Value as DicomJson[];
      const touched = { '00080001': 0, '00080005': 0, '00100010': 0, '00101001': 0, '04000561': 0 };
      const said = { ...now, ...touched, name: now['00100010'], was: modified!['00100010'], earlier: earlier.length };
      const expected = {
        ...before,
        ...touched,
        name: coercion.attributes['00100010'],
        was: before['00100010'] ?? { vr: 'PN' },
        earlier: before['04000561']?.vr === 'SQ' ? (before['04000561'].Value ?? []).length : 0,
      };
      if (!isDeepStrictEqual(said, expected)) expect(said, `round ${round}`).toEqual(expected);
    }
    expect(accepted).toBeGreaterThan(200);
  });

  it('keeps what stands in a sequence that was written as UN, in its own', () => {
    const before = latin('\xfe\xff\x00\xe0\x00\x00\x00\x00');
    const now = read(given(imageFile({ with: [['04000561', 'UN', before]] }), to('Right')));
    const [item, ...others] = now.attributes['04000561']!.Value as DicomJson[];
    expect(others).toEqual([]);
    const [modified] = item!['04000550']!.Value as DicomJson[];
    expect(modified!['04000561']).toEqual({ vr: 'UN', InlineBinary: before.toString('base64') });
  });

  it('has no group length of a group that changed', () => {
    const lengths: Element[] = [['00080000', 'UL', 10], ['00080001', 'UL', 10], ['00100000', 'UL', 10], ['00280000', 'UL', 10]]; // prettier-ignore
    const headers = (file: Uint8Array, tag: number[]) => Buffer.from(file).includes(Buffer.from([...tag, 0x55, 0x4c]));
    const file = given(imageFile({ with: lengths }), to('Right'));
    expect([headers(file, [0x10, 0, 0, 0]), headers(file, [8, 0, 1, 0]), headers(file, [0x28, 0, 0, 0])]).toEqual([false, false, true]); // prettier-ignore
  });

  it('is not put into another character set when that is more text than a header holds', () => {
    const long: Element[] = [['00080005', 'CS', 'ISO_IR 100'], ['0040A160', 'UT', Buffer.alloc((64 << 20) + 2, 0xe4)]]; // prettier-ignore
    const file = imageFile({ with: long });
    expect(() => given(file, to('田中'))).toThrow(expect.objectContaining({ code: 'too-costly' }));
    const source = memorySource(file);
    const { dataSetAt, syntax } = readFileMeta(source);
    expect(coercionEdits(source, dataSetAt, source.size, syntax, to('Müller')).length).toBeLessThan(10);
  });
});

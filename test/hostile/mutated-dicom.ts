/** DICOM files as no sender should make them: values that no reader expects in files that are well formed, and broken bytes. */
import fc from 'fast-check';
import { dicomFile, imageElements, syntaxes, type Element, type ElementValue } from '../harness/dicom-file.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

/** Values that lead readers astray, whatever the VR. */
const evilTexts: string[] = [
  '', ' ', '0', '-1', '00000000', '99999999', '20260231', '2026.04.12', '00010101', '99991231', '999999', '240000', '10:15', '235960.999999',
  '+1500', '-9999', '+0', 'constructor', '__proto__', 'toString', 'NaN', '1e999', '-1e-999', 'Infinity', '99999999999999999999', '-2147483649',
  '1\\2\\3', '1\\'.repeat(3000), 'A'.repeat(10_000), '^'.repeat(300), '='.repeat(300), 'a=b=c=d=e', '^^^^^^', 'x\0y', '\0\0\0\0', '1..2', '1.2.3.',
  '9'.repeat(70), "'; drop table study; --", '<script>', '$|,\\|$', '\u001b$B!!\u001b(B', '\u001b$)C\u00b0\u00a1', '\r\n\t\f', '%00', '\u00ff\u00fe',
  'ISO 2022 IR 87', 'ISO_IR 6\\ISO 2022 IR 149', 'NONSENSE', 'GB18030',
]; // prettier-ignore
const evilBytes: Uint8Array[] = [
  bytes(0xed, 0xa0, 0x80), // half a surrogate pair in UTF-8
  bytes(0xc0, 0x80),
  bytes(0xf4, 0x90, 0x80, 0x80),
  bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
  bytes(0xef, 0xbb, 0xbf, 0xe2, 0x80, 0x8b),
  new Uint8Array(0),
];

const textTags: [tag: string, vr: string][] = [
  ['00080005', 'CS'], ['00080008', 'CS'], ['00080016', 'UI'], ['00080018', 'UI'], ['00080020', 'DA'], ['00080021', 'DA'], ['00080030', 'TM'],
  ['00080031', 'TM'], ['00080050', 'SH'], ['00080060', 'CS'], ['00080061', 'CS'], ['00080090', 'PN'], ['00080201', 'SH'], ['00081030', 'LO'],
  ['0008103E', 'LO'], ['00081040', 'LO'], ['00081050', 'PN'], ['00081060', 'PN'], ['00100010', 'PN'], ['00100020', 'LO'], ['00100021', 'LO'],
  ['00100030', 'DA'], ['00100040', 'CS'], ['00180015', 'CS'], ['0020000D', 'UI'], ['0020000E', 'UI'], ['00200010', 'SH'], ['00200011', 'IS'],
  ['00200013', 'IS'], ['00200060', 'CS'], ['00280004', 'CS'], ['00280008', 'IS'], ['00281050', 'DS'], ['00281051', 'DS'], ['00281052', 'DS'],
  ['00281053', 'DS'], ['00281056', 'LO'], ['00400244', 'DA'], ['00400245', 'TM'], ['00400512', 'LO'], ['00401002', 'LO'], ['00420010', 'ST'],
  ['00700080', 'CS'], ['00090010', 'LO'], ['00091001', 'UN'], ['20500020', 'CS'],
]; // prettier-ignore
const numberTags = [
  '00280002',
  '00280006',
  '00280010',
  '00280011',
  '00280100',
  '00280101',
  '00280102',
  '00280103',
  '00280120',
  '00280121',
];
const numbers = [0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 32, 64, 255, 4096, 65_535];
const photometrics = ['RGB', 'MONOCHROME1', 'PALETTE COLOR', 'YBR_FULL', 'YBR_FULL_422', 'YBR_RCT', 'YBR_ICT', 'YBR_PARTIAL_420', 'HSV', 'ARGB', 'CMYK']; // prettier-ignore
const sequenceTags = ['00081032', '00100024', '00321064', '00080051', '00080096', '00081052', '00400560', '0040A043', '00283000', '00283010', '52009229', '52009230']; // prettier-ignore
const vrs = 'AE AS AT CS DA DS DT FL FD IS LO LT OB OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT'.split(' ');

const evilValue: fc.Arbitrary<ElementValue> = fc.oneof(
  fc.constantFrom<ElementValue>(...evilTexts),
  fc.constantFrom<ElementValue>(...evilBytes),
  fc.uint8Array({ maxLength: 24 }),
);
const codeItem: fc.Arbitrary<Element[]> = fc
  .tuple(evilValue, evilValue, evilValue, evilValue)
  .map(([code, scheme, uid, meaning]) => [
    ['00080100', 'SH', code],
    ['00080102', 'SH', scheme],
    ['00080104', 'LO', meaning],
    ['0008010C', 'UI', uid],
    ['00400032', 'UT', code],
    ['00400033', 'CS', scheme],
    ['00400551', 'LO', meaning],
  ]);

/** One element of a kind that exists in images, with a value that it should not have. */
const evilElement: fc.Arbitrary<Element> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...textTags), evilValue).map(([[tag, vr], value]): Element => [tag, vr, value]) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...numberTags), fc.constantFrom(...numbers)).map(([tag, value]): Element => [tag, 'US', value]) },
  { weight: 2, arbitrary: fc.constantFrom(...photometrics).map((name): Element => ['00280004', 'CS', name]) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...sequenceTags), fc.array(codeItem, { maxLength: 2 })).map(([tag, items]): Element => [tag, 'SQ', items]) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...textTags, ...numberTags.map((tag) => [tag, 'US'])), fc.constantFrom(...vrs), evilValue).map(([[tag], vr, value]): Element => [tag!, vr === 'SQ' ? 'UN' : vr, value]) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('00281101', '00281102', '00281103'), fc.array(fc.constantFrom(...numbers), { maxLength: 4 })).map(([tag, value]): Element => [tag, 'US', value]) },
); // prettier-ignore

/** Bytes changed without regard to what they mean. */
type Damage = (file: Buffer) => Buffer;
const position = fc.double({ min: 0, max: 0.999, noNaN: true });
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(position, fc.integer({ min: 0, max: 7 })).map(([at, bit]): Damage => (file) => {
    if (file.length > 0) file[Math.floor(at * file.length)]! ^= 1 << bit;
    return file;
  }),
  position.map(
    (at): Damage =>
      (file) =>
        file.subarray(0, Math.floor(at * file.length)),
  ),
  fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, more]): Damage => (file) => {
    const place = Math.floor(at * file.length);
    return Buffer.concat([file.subarray(0, place), more, file.subarray(place)]);
  }),
  fc.tuple(position, fc.constantFrom(0, 0xff, 0x7f, 0x80)).map(([at, value]): Damage => (file) => {
    const place = Math.floor(at * file.length);
    return file.fill(value, place, Math.min(place + 4, file.length));
  }),
  fc.tuple(position, fc.constantFrom(...vrs)).map(([at, vr]): Damage => (file) => {
    // The next thing that looks like a VR becomes another one.
    for (let i = 132 + Math.floor(at * Math.max(0, file.length - 140)); i < file.length - 2; i++) {
      if (!/^[A-Z]{2}$/.test(file.toString('latin1', i, i + 2))) continue;
      file.write(vr, i, 'latin1');
      break;
    }
    return file;
  }),
);

const fragments = { fragments: [Buffer.from('ffd8ffe0001000ffffd9', 'hex'), Buffer.alloc(8)] };

export interface Recipe {
  elements: Element[];
  syntax: string;
  undefinedLengths: boolean;
  frames: number | undefined;
  damages: Damage[];
}

export const recipe: fc.Arbitrary<Recipe> = fc.record({
  elements: fc.array(evilElement, { maxLength: 4 }),
  syntax: fc.oneof({ weight: 4, arbitrary: fc.constant<string>(syntaxes.explicit) }, { weight: 3, arbitrary: fc.constantFrom<string>(...Object.values(syntaxes)) }), // prettier-ignore
  undefinedLengths: fc.boolean(),
  frames: fc.constantFrom(undefined, undefined, 2, 3),
  damages: fc.oneof({ weight: 3, arbitrary: fc.constant<Damage[]>([]) }, { weight: 2, arbitrary: fc.array(damage, { minLength: 1, maxLength: 3 }) }), // prettier-ignore
});

/** The file of a recipe; with a Patient ID of its own, so that no file is refused for the patient of another. */
export function cook({ elements, syntax, undefinedLengths, frames, damages }: Recipe, patientId: string): Buffer {
  const encapsulated = syntax === syntaxes.jpeg || syntax === syntaxes.jpeg2000 || syntax === syntaxes.rle;
  const all = imageElements({
    patientId,
    with: elements,
    ...(frames !== undefined && { frames }),
    ...(encapsulated && { pixels: fragments }),
  });
  const file = dicomFile(all, { transferSyntax: syntax, undefinedLengths });
  return damages.reduce<Buffer>((changed, change) => change(changed), file);
}

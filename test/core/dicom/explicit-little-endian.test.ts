import { describe, expect, it } from 'vitest';
import { rewriteExplicit } from '../../../server/core/dicom/explicit-little-endian.ts';
import { dicomFile, syntaxes, type Element } from '../../harness/dicom-file.ts';

const code: Element[] = [['00080100', 'SH', 'T-1'], ['00080104', 'LO', 'Name']]; // prettier-ignore
const elements: Element[] = [
  ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.2'],
  ['00081032', 'SQ', [code, []]],
  ['00090010', 'LO', 'ACME'],
  ['00091001', 'UN', Uint8Array.of(1, 2, 3, 4)],
  ['00280009', 'AT', 0x00181063],
  ['00280010', 'US', 512],
  ['00280106', 'SS', [-5 & 0xffff]],
  ['00189087', 'FD', 1.5],
  ['00700022', 'FL', [0.5, 0.25]],
];
const forms = {
  implicit: { explicit: false, bigEndian: false, signed: true },
  bigEndian: { explicit: true, bigEndian: true, signed: true },
};
const explicit = { explicit: true, bigEndian: false, signed: true };
const sorted = elements.toSorted(([a], [b]) => (a < b ? -1 : 1));
const rewritten = (bytes: Uint8Array, form: typeof explicit) => Buffer.concat(rewriteExplicit(bytes, 0, form).chunks);

describe('a data set rewritten as Explicit VR Little Endian', () => {
  it.each(['implicit', 'bigEndian'] as const)('is that which a writer of explicit files writes (from %s)', (form) => {
    for (const undefinedLengths of [false, true]) {
      const source = dicomFile(sorted, { transferSyntax: syntaxes[form], bare: true, undefinedLengths });
      expect(rewritten(source, forms[form]).equals(dicomFile(sorted, { bare: true, undefinedLengths: true }))).toBe(
        true,
      );
    }
  });

  it('loses group lengths and trailing padding, and takes edits in tag order', () => {
    const source = dicomFile([['00080000', 'UL', 10], ['00080005', 'CS', 'ISO_IR 100'], ['00280004', 'CS', 'YBR_FULL'], ['FFFCFFFC', 'OB', new Uint8Array(8)]], { bare: true }); // prettier-ignore
    const edits = new Map([['00280004', { vr: 'CS', value: Buffer.from('RGB') }], ['00280002', { vr: 'US', value: Uint8Array.of(3, 0) }], ['00080005', null]]); // prettier-ignore
    const expected = dicomFile([['00280002', 'US', 3], ['00280004', 'CS', 'RGB']], { bare: true }); // prettier-ignore
    expect(Buffer.concat(rewriteExplicit(source, 0, explicit, edits).chunks).equals(expected)).toBe(true);
  });

  it('stops at pixel data and says where it is', () => {
    const source = dicomFile([['00280010', 'US', 1], ['7FE00010', 'OW', new Uint8Array(10)]], { bare: true }); // prettier-ignore
    expect(rewriteExplicit(source.subarray(0, -10), 0, explicit).pixelData).toMatchObject({
      tag: '7FE00010',
      length: 10,
      valueAt: source.length - 10,
    });
  });

  it('gives a value that is too long for a short length field as UN', () => {
    const source = dicomFile([['00081030', 'LO', 'x'.repeat(70_000)]], {
      transferSyntax: syntaxes.implicit,
      bare: true,
    });
    expect(rewritten(source, forms.implicit).subarray(4, 6).toString()).toBe('UN');
  });

  it('is refused, and never endless, when it is cut or scrambled anywhere', () => {
    for (const form of ['implicit', 'bigEndian'] as const) {
      const whole = dicomFile(sorted, { transferSyntax: syntaxes[form], bare: true, undefinedLengths: true });
      for (let at = 1; at < whole.length; at++) {
        const scrambled = Buffer.from(whole);
        scrambled[at] = scrambled[at]! ^ 0xff;
        for (const bytes of [whole.subarray(0, at), scrambled]) {
          try {
            rewritten(bytes, forms[form]);
          } catch (error) {
            expect(error).toMatchObject({ code: 'structure' });
          }
        }
      }
    }
    const deep = dicomFile([nested(80)], { bare: true, undefinedLengths: true });
    expect(() => rewritten(deep, explicit)).toThrow(expect.objectContaining({ code: 'structure' }));
  });
});

function nested(depth: number): Element {
  return depth === 0 ? ['00080104', 'LO', 'end'] : ['00081140', 'SQ', [[nested(depth - 1)]]];
}

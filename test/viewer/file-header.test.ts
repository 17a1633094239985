import { describe, expect, it } from 'vitest';
import { dicomWebClient } from '../../viewer/src/api/dicomweb.ts';
import { headerOf, UnreadableFile, type HeaderRow } from '../../viewer/src/imaging/file-header.ts';
import { dicomFile, imageFile, syntaxes, type Element } from '../harness/dicom-file.ts';

const bytesOf = (file: Buffer) => Uint8Array.from(file);
const rowsOf = async (file: Buffer) => (await headerOf(bytesOf(file))).rows;
const row = (rows: HeaderRow[], tag: string) => rows.find((each) => each.tag === tag);
const words = (rows: HeaderRow[], tag: string) => {
  const value = row(rows, tag)?.value;
  return value?.kind === 'text' ? value.text : value;
};

const more: Element[] = [
  ['00081111', 'SQ', [[['00081155', 'UI', '1.2.3'], ['00080005', 'CS', 'ISO_IR 144'], ['00081030', 'LO', Buffer.from([0xb8, 0xdc, 0xef, 0x20])]], []]],
  ['00090010', 'LO', 'ACME 1.1'],
  ['00091001', 'LO', 'inside'],
  ['00091002', 'OB', Buffer.from([1, 2, 3, 4])],
  ['00185100', 'CS', 'HFS'],
  ['00280009', 'AT', [0x00181063]],
  ['00280106', 'US', 7],
  ['00189087', 'FD', [1.5, 2.25]],
]; // prettier-ignore

describe.each([
  ['explicit little endian', syntaxes.explicit, false],
  ['explicit little endian with open lengths', syntaxes.explicit, true],
  ['implicit little endian', syntaxes.implicit, false],
  ['implicit little endian with open lengths', syntaxes.implicit, true],
  ['deflated', syntaxes.deflated, false],
  ['explicit big endian', syntaxes.bigEndian, false],
])('the header of a file in %s', (_, transferSyntax, undefinedLengths) => {
  const file = imageFile({ transferSyntax, undefinedLengths, patientName: 'Example^Erika', with: more });

  it('begins with the file meta information and names what the dictionary knows', async () => {
    const rows = await rowsOf(file);
    expect(rows[0]).toMatchObject({ tag: '(0002,0000)', vr: 'UL', keyword: 'GroupLength', depth: 0 });
    expect(row(rows, '(0002,0010)')).toMatchObject({ keyword: 'TransferSyntaxUID', vr: 'UI' });
    expect(words(rows, '(0002,0010)')).toBe(transferSyntax);
    expect(row(rows, '(0010,0010)')).toMatchObject({ keyword: 'PatientName', vr: 'PN', length: 14 });
    expect(words(rows, '(0010,0010)')).toBe('Example^Erika');
    expect(words(rows, '(0008,0008)')).toBe('ORIGINAL\\PRIMARY\\AXIAL');
  });

  it('reads numbers and tags in the byte order of the file', async () => {
    const rows = await rowsOf(file);
    expect(words(rows, '(0028,0010)')).toBe('16');
    expect(words(rows, '(0028,0106)')).toBe('7');
    expect(words(rows, '(0018,9087)')).toBe('1.5\\2.25');
    expect(words(rows, '(0028,0009)')).toBe('(0018,1063)');
  });

  it('has the private elements', async () => {
    const rows = await rowsOf(file);
    expect(row(rows, '(0009,0010)')).toMatchObject({ keyword: 'PrivateCreator', value: { text: 'ACME 1.1' } });
    expect(row(rows, '(0009,1001)')).toMatchObject({ keyword: undefined, value: { text: 'inside' } });
    expect(row(rows, '(0009,1002)')?.value).toEqual({ kind: 'binary', bytes: 4 });
  });

  it('has items below their sequence, each in its own character set', async () => {
    const rows = await rowsOf(file);
    const at = rows.findIndex(({ tag }) => tag === '(0008,1111)');
    expect(rows[at]).toMatchObject({ vr: 'SQ', depth: 0, value: { kind: 'items', count: 2 } });
    expect(rows.slice(at + 1, at + 6).map(({ tag, keyword, depth }) => [tag, keyword, depth])).toEqual([
      ['(FFFE,E000)', 'Item 1', 1],
      ['(0008,1155)', 'ReferencedSOPInstanceUID', 1],
      ['(0008,0005)', 'SpecificCharacterSet', 1],
      ['(0008,1030)', 'StudyDescription', 1],
      ['(FFFE,E000)', 'Item 2', 1],
    ]);
    expect(rows[at + 4]?.value).toEqual({ kind: 'text', text: 'Имя' });
    expect(rows[at]?.length === undefined).toBe(undefinedLengths);
  });

  it('ends with the pixels, which it does not read', async () => {
    expect((await rowsOf(file)).at(-1)).toMatchObject({ tag: '(7FE0,0010)', value: { kind: 'pixels' } });
  });
});

describe('what is shown of a value', () => {
  const valueOf = async (element: Element, characterSet = 'ISO_IR 192') =>
    words(
      await rowsOf(dicomFile([['00080005', 'CS', characterSet], element])),
      `(${element[0].slice(0, 4)},${element[0].slice(4)})`,
    );

  it('is read in the character set of the file', async () => {
    expect(await valueOf(['00100010', 'PN', Buffer.from('Müller^Zoë')])).toBe('Müller^Zoë');
    expect(await valueOf(['00100010', 'PN', Buffer.from('Müller^Zoë', 'latin1')], 'ISO_IR 100')).toBe('Müller^Zoë');
    expect(await valueOf(['00100010', 'PN', Buffer.from([0xb3, 0xf3, 0x64, 0xbc])], 'ISO_IR 101')).toBe('łódź');
    expect(
      await valueOf(
        ['00100010', 'PN', Buffer.from('1b2442 3b3345 441b2842'.replaceAll(' ', ''), 'hex')],
        '\\ISO 2022 IR 87',
      ),
    ).toBe('山田');
    expect(await valueOf(['00100010', 'PN', 'Plain^Name'], 'NO SUCH SET')).toBe('Plain^Name');
  });

  it('has the names of overlays in every repeating group', async () => {
    const rows = await rowsOf(dicomFile([['60020010', 'US', 5]], { transferSyntax: syntaxes.implicit }));
    expect(row(rows, '(6002,0010)')).toMatchObject({ keyword: 'OverlayRows', vr: 'US', value: { text: '5' } });
  });

  it('is cut where it is long and stays on one line', async () => {
    expect(await valueOf(['00104000', 'LT', `one\r\ntwo ${'ü'.repeat(400)}`], 'ISO_IR 100')).toBe(
      `one two ${'ü'.repeat(112)}…`,
    );
    expect(await valueOf(['00104000', 'LT', Buffer.from('€'.repeat(400))])).toBe(`${'€'.repeat(120)}…`);
    expect(await valueOf(['00081030', 'LO', ''])).toBe('');
  });
});

describe('a large file', () => {
  it('is given up by its announced length, before it is read', async () => {
    const instance = { StudyInstanceUID: '1', SeriesInstanceUID: '2', SOPInstanceUID: '3' };
    const answer = new Response('--x', { headers: { 'content-length': String(64 * 1024 * 1024 + 1) } });
    const { file } = dicomWebClient(() => Promise.resolve(answer), 'http://archive/dicomweb');
    await expect(file(instance)).rejects.toMatchObject({ kind: 'too-large' });
    expect(await answer.body?.getReader().read()).toEqual({ done: true, value: undefined });
  });
});

describe('a large header', () => {
  it('is cut at 500 rows and at four levels, and says so', async () => {
    const items = Array.from({ length: 600 }, (): Element[] => [['00081155', 'UI', '1.2']]);
    const wide = await headerOf(bytesOf(dicomFile([['00081111', 'SQ', items]])));
    expect([wide.rows.length, wide.cut]).toEqual([500, true]);
    const nested = (depth: number): Element => ['00081111', 'SQ', depth === 0 ? [] : [[nested(depth - 1)]]];
    const deep = await headerOf(bytesOf(dicomFile([nested(6)])));
    expect([Math.max(...deep.rows.map(({ depth }) => depth)), deep.cut]).toEqual([4, true]);
    const flat = await headerOf(bytesOf(dicomFile([nested(4)])));
    expect(flat.cut).toBe(false);
  });
});

describe('a file that cannot be read', () => {
  const file = imageFile({ without: ['7FE00010'] });
  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is no DICOM', Buffer.from('%PDF-1.7 '.repeat(40))],
    ['breaks off in a value', file.subarray(0, file.length - 3)],
    ['breaks off in the meta information', file.subarray(0, 150)],
    ['has a broken deflate stream', Buffer.concat([dicomFile([], { transferSyntax: syntaxes.deflated }), Buffer.alloc(40, 0xff)])],
    ['inflates without end', dicomFile([['00420011', 'OB', Buffer.alloc(65 * 1024 * 1024)]], { transferSyntax: syntaxes.deflated })],
    ['nests sequences without end', Buffer.concat([dicomFile([]), Buffer.from('080011115351 0000ffffffff feff00e0ffffffff'.replaceAll(' ', '').repeat(20_000), 'hex')])],
  ])('%s: told as such, not half shown', async (_, bytes) => {
    await expect(headerOf(bytesOf(bytes))).rejects.toThrow(UnreadableFile);
  });
}); // prettier-ignore

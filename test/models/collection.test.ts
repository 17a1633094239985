import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { listCollection } from '../../models/training/collection.ts';
import { parseCsv } from '../../models/training/csv.ts';
import { decodeDicom } from '../../models/training/decode-image.ts';
import { parseCommand } from '../../models/training/cli.ts';
import { explicitDicom } from './made-dicom.ts';

const folder = mkdtempSync(join(tmpdir(), 'csss-collection-'));
afterAll(() => rmSync(folder, { recursive: true }));

function withCsv(text: string): string {
  const file = join(folder, 'list.csv');
  writeFileSync(file, text);
  return file;
}

describe('the collection', () => {
  it('reads a table with patient, site, scanner and view', () => {
    const [first] = listCollection(
      folder,
      withCsv('file,class,patient,site,scanner,view\na.png,COVID,p1,north,x-5,pa\n'),
    );
    expect(first).toMatchObject({
      label: 'COVID',
      patient: 'p1',
      site: 'north',
      scanner: 'x-5',
      view: 'PA',
      modality: 'chest',
      external: false,
    });
  });

  it('reads sex and age, in years or as a DICOM age string', () => {
    const rows = listCollection(folder, withCsv('file,class,sex,age\na.png,COVID,f,63\nb.png,COVID,M,018M\nc.png,COVID,,\n'));
    expect(rows.map(({ sex, age }) => [sex, age])).toEqual([['F', 63], ['M', 1], ['', undefined]]);
    expect(() => listCollection(folder, withCsv('file,class,age\na.png,COVID,old\n'))).toThrow(/age "old"/);
  }); // prettier-ignore

  it('lists a folder for each class', () => {
    mkdirSync(join(folder, 'byclass/Normal'), { recursive: true });
    writeFileSync(join(folder, 'byclass/Normal/one.png'), '');
    writeFileSync(join(folder, 'byclass/Normal/notes.txt'), '');
    expect(listCollection(join(folder, 'byclass')).map(({ file, label }) => [file, label])).toEqual([
      ['Normal/one.png', 'Normal'],
    ]);
  });

  it.each(['../outside.png', '/etc/passwd', ''])('refuses the path "%s"', (file) => {
    expect(() => listCollection(folder, withCsv(`file,class\n${file},Normal\n`))).toThrow(RangeError);
  });

  it('refuses a class that the model does not have', () => {
    expect(() => listCollection(folder, withCsv('file,class\na.png,Fracture\n'))).toThrow(/Fracture/);
  });
});

describe('CSV', () => {
  it('reads quotes, doubled quotes and line breaks inside quotes', () => {
    expect(parseCsv('\uFEFFa,b\r\n"x, ""y""","1\n2"\r\n')).toEqual([{ a: 'x, "y"', b: '1\n2' }]);
  });

  it('refuses a quote that never closes and a row that is too long', () => {
    expect(() => parseCsv('a\n"x')).toThrow(RangeError);
    expect(() => parseCsv('a\nx,y')).toThrow(RangeError);
  });
});

describe('DICOM in training', () => {
  it('shows MONOCHROME1 with air dark, as in service', async () => {
    const file = join(folder, 'one.dcm');
    const samples = Uint16Array.from({ length: 16 * 16 }, (_, at) => (at % 16 < 8 ? 0 : 4095));
    writeFileSync(file, explicitDicom(samples, { rows: 16, columns: 16, photometric: 'MONOCHROME1' }));
    const grey = await decodeDicom(file);
    expect(grey).toHaveLength(224 * 224);
    expect(grey[0]).toBeGreaterThan(250);
    expect(grey[223]).toBeLessThan(5);
  });

  it('refuses pixel data that ends early', async () => {
    const file = join(folder, 'short.dcm');
    writeFileSync(file, explicitDicom(new Uint16Array(10), { rows: 16, columns: 16, photometric: 'MONOCHROME2' }));
    await expect(decodeDicom(file)).rejects.toThrow(/shorter/);
  });
});

describe('the command line', () => {
  it('names what a command lacks', () => {
    expect(() => parseCommand(['train', '--data', 'x'])).toThrow('train needs --work, --base');
    expect(() => parseCommand(['dance'])).toThrow(/unknown command/);
    expect(() => parseCommand(['split', '--data', 'x', '--work', 'y', '--seed', 'soon'])).toThrow(
      '"soon" is not a number',
    );
  });

  it('takes settings from options', () => {
    const parsed = parseCommand([
      'all',
      '--data',
      'd',
      '--base',
      'b',
      '--work',
      'w',
      '--out',
      'o',
      '--epochs',
      '3',
      '--accept-single-site',
    ]);
    expect(parsed?.run).toMatchObject({ acceptSingleSite: true, settings: { epochs: 3, seed: 42 } });
    expect(parseCommand([])).toBeUndefined();
  });
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import dicomParser from 'dicom-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Patient } from '@medplum/fhirtypes';
import { memorySource } from '../../server/core/dicom/byte-source.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { readFileMeta, readInstance } from '../../server/core/dicom/part10.ts';
import { coercionOf, type Coercion } from '../../server/core/studies/coercion.ts';
import { imageFile, newUid, syntaxes, type Element, type ImageOptions } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(() => server.close());

const stored = 'application/dicom; transfer-syntax=*';
const latin = (text: string) => Buffer.from(text, 'latin1');

const anna: Patient = {
  resourceType: 'Patient',
  identifier: [
    { value: 'RIGHT-7', assigner: { display: 'HOSP' }, system: 'urn:oid:1.2.3.4', type: { coding: [{ code: 'MR' }] } },
    { value: 'OLD-1', use: 'old', assigner: { display: 'CLINIC' } },
  ],
  name: [{ family: 'Right', given: ['Anna', 'Maria'], prefix: ['Dr.'] }],
  gender: 'female',
  birthDate: '1980-05-06',
};
const named = (family: string, ...given: string[]): Patient => ({ ...anna, name: [{ family, given }] });
const [mueller, tanaka, wang] = [named('Müller', 'Änne'), named('田中', '花子'), named('王', '小東')];

const at = '2026-11-27T09:10:11.123Z';
const correction = (patient: Patient, more: Partial<Coercion> = {}): Coercion => ({
  attributes: coercionOf(patient, server.world.settings),
  at,
  system: 'CSSS',
  source: 'Test Hospital',
  reason: 'CORRECT',
  ...more,
});

async function coerce(study: string, coercion: Coercion | undefined): Promise<void> {
  await server.world.transaction(async ({ studies }) => {
    await studies.lockStudy(study);
    await studies.coerce(study, coercion);
  });
}

interface Sample {
  study: string;
  series: string;
  instance: string;
  file: Buffer;
  path: string;
}

async function sample(options: ImageOptions = {}, make: (options: ImageOptions) => Buffer = imageFile): Promise<Sample> {
  const [study, series, instance] = [options.study ?? newUid(), options.series ?? newUid(), newUid()];
  const file = make({ patientId: `WRONG-${instance}`, ...options, study, series, instance });
  const { instances } = await server.store(file);
  expect(instances.map(({ status }) => status)).toEqual(['stored']);
  return { study, series, instance, file, path: `/studies/${study}/series/${series}/instances/${instance}` };
}

/** The file as the server's own reader sees it; deflated ones inflated first. */
function parsed(file: Buffer) {
  const meta = readFileMeta(memorySource(file));
  const plain = meta.syntax.deflated
    ? Buffer.concat([file.subarray(0, meta.dataSetAt), inflateRawSync(file.subarray(meta.dataSetAt))])
    : file;
  return { ...readInstance(memorySource(plain), meta), plain, head: file.subarray(0, meta.dataSetAt) };
}

const itemsOf = (json: DicomJson, tag: string) => (json[tag]?.Value ?? []) as DicomJson[];

/** Left out values lie elsewhere, and say where by the instance's address. */
const comparable = (json: DicomJson) => {
  const text = JSON.stringify(json, (key, value: unknown) => (key === 'BulkDataURI' ? String(value).replace(/^.*\/bulkdata\//, '') : value)); // prettier-ignore
  const { '00080005': _, ...rest } = JSON.parse(text) as DicomJson;
  // Where a value lies that was moved into the item is another place, but in the index.
  return JSON.parse(JSON.stringify(rest).replaceAll('04000561/1/04000550/1/', '')) as DicomJson;
};

/** Written for eyes and readers outside of this test. */
function dump(name: string, original: Buffer, given: Buffer): void {
  const folder = process.env['COERCED_DUMP'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/${name}.given.dcm`, given);
  writeFileSync(`${folder}/${name}.stored.dcm`, original);
}

const nested: Element[] = [
  ['00081110', 'SQ', [[['00081150', 'UI', '1.2'], ['00081155', 'UI', '1.2.3']]]],
  ['00090010', 'LO', 'ACME'],
  ['00091001', 'LO', 'private text'],
  ['00091002', 'OB', new Uint8Array(2000).fill(9)],
  ['00101000', 'LO', 'OTHER-1\\OTHER-2'],
  ['00101010', 'AS', '044Y'],
  ['00101030', 'DS', '71.5'],
  ['00400275', 'SQ', [[['00400007', 'LO', 'Thorax'], ['00400008', 'SQ', [[['00080104', 'LO', 'Chest']]]]], []]],
]; // prettier-ignore
const lengths: Element[] = [['00080000', 'UL', 400], ['00100000', 'UL', 60], ['00180000', 'UL', 16], ['00280000', 'UL', 100]]; // prettier-ignore

/** Text of a data set in each character set, and who it is corrected to. */
const repertoires: [name: string, terms: string | undefined, text: Uint8Array, read: string][] = [
  ['none', undefined, latin('Plain'), 'Plain'],
  ['Latin 1', 'ISO_IR 100', latin('Größe'), 'Größe'],
  ['JIS', '\\ISO 2022 IR 87', Buffer.from('\x1b$B;3ED\x1b(B', 'latin1'), '山田'],
  ['GB18030', 'GB18030', Buffer.from('cdf5d0a1b6ab', 'hex'), '王小东'],
  ['UTF-8', 'ISO_IR 192', Buffer.from('Größe 山'), 'Größe 山'],
];
const forms: [name: string, options: ImageOptions][] = [
  ['explicit', {}],
  ['explicit with open sequences', { undefinedLengths: true }],
  ['explicit with group lengths', { with: lengths }],
  ['implicit', { transferSyntax: syntaxes.implicit }],
  ['implicit with open sequences', { transferSyntax: syntaxes.implicit, undefinedLengths: true }],
  ['big endian', { transferSyntax: syntaxes.bigEndian }],
  ['deflated', { transferSyntax: syntaxes.deflated }],
  ['encapsulated', { transferSyntax: syntaxes.rle, pixels: { offsets: [0], fragments: [Buffer.alloc(3000, 7)] } }],
];
const patients = [anna, mueller, tanaka, wang];
/** Every pair of form and character set, and all three together where forms differ in nothing else. */
const combinations = forms.flatMap(([form, options], i) =>
  repertoires.flatMap(([set, terms, bytes, read], j) =>
    (i === 0 ? patients : [patients[(i + j) % patients.length]!]).map(
      (patient) => [`${form}, ${set}, ${patient.name![0]!.family!}`, { form, options, terms, bytes, read, patient }] as const,
    ),
  ),
);

describe('a file of a corrected study', () => {
  it.each(combinations)('names the right patient and is otherwise what was stored: %s', async (name, given) => {
    const { options, terms, bytes, read, patient } = given;
    const text: Element[] = [
      ['00081030', 'LO', bytes],
      ['00400280', 'ST', bytes],
      ['00400555', 'SQ', [[['0040A160', 'UT', bytes], ['0040A730', 'SQ', [[['0040A160', 'UT', bytes]]]]]]],
    ]; // prettier-ignore
    const charset: Element[] = terms === undefined ? [] : [['00080005', 'CS', terms]];
    const { path, study, file } = await sample({
      ...options,
      with: [...nested, ...(options.with ?? []), ...text, ...charset],
      without: terms === undefined ? ['00080005'] : [],
    });
    await coerce(study, correction(patient));

    const reply = await server.get(path, { accept: stored });
    expect([reply.status, server.faults]).toEqual([200, []]);
    dump(name.replaceAll(/[^A-Za-z0-9]+/g, '-'), file, reply.body);
    const [now, before] = [parsed(reply.body), parsed(file)];

    expect(now.head.equals(before.head)).toBe(true);
    expect(pixelsOf(now).equals(pixelsOf(before))).toBe(true);
    expect(now.attributes['00100010']).toEqual(correction(patient).attributes['00100010']);
    expect(now.attributes['00100020']).toEqual({ vr: 'LO', Value: ['RIGHT-7'] });
    expect(now.attributes['00101010']).toEqual({ vr: 'AS' });
    expect(now.attributes['00101030']).toEqual(before.attributes['00101030']);
    expect(now.attributes['00081030']).toEqual({ vr: 'LO', Value: [read] });
    expect(now.attributes['00400555']).toEqual(before.attributes['00400555']);

    const [item, ...others] = itemsOf(now.attributes, '04000561');
    expect(others).toEqual([]);
    const modified = itemsOf(item!, '04000550')[0]!;
    for (const tag of ['00100010', '00100020', '00101000', '00101010'])
      expect(modified[tag]).toEqual(before.attributes[tag]);
    expect(Object.keys(modified)).not.toContain('00100040'); // the same on both sides
    expect({ ...item, '04000550': undefined }).toEqual({
      '04000550': undefined,
      '04000562': { vr: 'DT', Value: ['20261127091011.123000+0000'] },
      '04000563': { vr: 'LO', Value: ['CSSS'] },
      '04000564': { vr: 'LO', Value: ['Test Hospital'] },
      '04000565': { vr: 'CS', Value: ['CORRECT'] },
    });

    // All that is said of it elsewhere says the same.
    const [metadata] = (await server.get(`${path}/metadata`)).json<DicomJson[]>();
    expect(comparable(metadata!)).toEqual(comparable(now.attributes));
    expect(tagsInOrder(now.plain)).toBe(true);
    if (options.transferSyntax === syntaxes.rle) return;
    const explicit = await server.get(path, { accept: 'application/dicom' });
    expect([explicit.status, server.faults]).toEqual([200, []]);
    dump(`${name.replaceAll(/[^A-Za-z0-9]+/g, '-')}-explicit`, file, explicit.body);
    expect(comparable(parsed(explicit.body).attributes)).toEqual(comparable(now.attributes));
  });
});

function pixelsOf({ plain, bulk }: ReturnType<typeof parsed>): Buffer {
  const { offset, length } = bulk['7FE00010']!;
  return plain.subarray(offset, offset + length);
}

/** As another reader finds them, which knows no big endian in a deflated file. */
function tagsInOrder(plain: Buffer): boolean {
  const meta = readFileMeta(memorySource(plain));
  if (meta.syntax.deflated) return true;
  const tags = Object.keys(dicomParser.parseDicom(plain).elements).filter((tag) => !tag.startsWith('x0002'));
  return tags.every((tag, i) => i === 0 || tags[i - 1]! < tag);
}

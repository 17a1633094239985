import { mkdirSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import dicomParser from 'dicom-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Patient } from '@medplum/fhirtypes';
import { memorySource } from '../../server/core/dicom/byte-source.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { readFileMeta, readInstance } from '../../server/core/dicom/part10.ts';
import { coercionOf, type Coercion } from '../../server/core/studies/coercion.ts';
import {
  dicomFile,
  imageElements,
  imageFile,
  newUid,
  syntaxes,
  type Element,
  type ImageOptions,
} from '../harness/dicom-file.ts';
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

async function sample(
  options: ImageOptions = {},
  make: (options: ImageOptions) => Buffer = imageFile,
): Promise<Sample> {
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
      (patient) =>
        [`${form}, ${set}, ${patient.name![0]!.family!}`, { form, options, terms, bytes, read, patient }] as const,
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
    expectOfAnotherReader(now.plain);
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

/** As the reader finds it that the viewer uses, which is not ours. */
function expectOfAnotherReader(plain: Buffer): void {
  if (readFileMeta(memorySource(plain)).syntax.deflated) return; // what is inflated here still says that it is deflated
  const dataSet = dicomParser.parseDicom(plain);
  const tags = Object.keys(dataSet.elements).filter((tag) => !tag.startsWith('x0002'));
  expect(tags).toEqual(tags.toSorted());
  const [item, ...others] = dataSet.elements['x04000561']!.items!;
  const modified = item!.dataSet!.elements['x04000550']!.items![0]!.dataSet!;
  expect([dataSet.string('x00100020'), others.length, item!.dataSet!.string('x04000565')]).toEqual(['RIGHT-7', 0, 'CORRECT']); // prettier-ignore
  expect(modified.string('x00100020')).toMatch(/^WRONG-/);
}

describe('a corrected study', () => {
  const [study, first, second] = [newUid(), newUid(), newUid()];
  let images: Sample[];
  let tag: string;
  const metadataOf = async (path: string, as?: string) =>
    (await server.get(`${path}/metadata`, as === undefined ? {} : { as })).json<DicomJson[]>();
  const search = async (path: string) => (await server.get(path)).json<DicomJson[]>();

  beforeAll(async () => {
    const common = { study, patientId: 'WRONG-S', patientName: 'Wrong^Willi', with: [['00101001', 'PN', 'Wrong^Alias'] as const] };
    images = [await sample({ ...common, series: first }), await sample({ ...common, series: second })];
    tag = (await server.get(`/studies/${study}`, { accept: many })).headers.get('etag')!;
    await coerce(study, correction(anna));
    // An image that comes later says the same wrong name, and a third one all that is right.
    images.push(await sample({ ...common, series: second }));
  }); // prettier-ignore
  const many = 'multipart/related; type="application/dicom"; transfer-syntax=*';

  it('is found by who it is of, and no more by who its images name', async () => {
    for (const path of ['/studies', '/series', '/instances']) {
      const count = { '/studies': 1, '/series': 2, '/instances': 3 }[path];
      const of = async (query: string) => (await search(`${path}?StudyInstanceUID=${study}&${query}`)).length;
      expect([path, await of('PatientID=RIGHT-7'), await of('PatientName=right*'), await of('PatientBirthDate=19800506')]).toEqual([path, count, count, count]); // prettier-ignore
      expect([path, await of('PatientID=WRONG-S'), await of('PatientName=wrong*'), await of('00101001=Wrong*')]).toEqual([path, 0, 0, 0]); // prettier-ignore
      expect(await of('IssuerOfPatientIDQualifiersSequence.UniversalEntityID=1.2.3.4')).toBe(count);
      expect(await of('OtherPatientIDsSequence.PatientID=OLD-1')).toBe(count);
    }
  });

  it('shows who it is of in every answer of a search, whatever is asked for', async () => {
    for (const path of [
      '/studies',
      '/series',
      '/instances',
      `/studies/${study}/series`,
      `/studies/${study}/instances`,
      `/studies/${study}/series/${second}/instances`,
    ])
      for (const fields of ['includefield=all', 'includefield=00100010,00100020,00101001,00101002,00100024']) {
        const matches = await search(`${path}?StudyInstanceUID=${study}&${fields}`);
        expect(matches.length).toBeGreaterThan(0);
        for (const match of matches) {
          expect(match['00100020']).toEqual({ vr: 'LO', Value: ['RIGHT-7'] });
          expect(itemsOf(match, '00101002')[0]!['00100020']!.Value).toEqual(['OLD-1']);
          expect(JSON.stringify(match)).not.toContain('Wrong');
        }
      }
  });

  it('says in its metadata who it is of, and what each of its images said', async () => {
    for (const path of [`/studies/${study}`, `/studies/${study}/series/${second}`, images[2]!.path])
      for (const one of await metadataOf(path)) {
        expect(one['00100010']!.Value).toEqual([{ Alphabetic: 'Right^Anna^Maria^Dr.' }]);
        expect(one['00101001']).toEqual({ vr: 'PN' });
        const [modified] = itemsOf(itemsOf(one, '04000561')[0]!, '04000550');
        expect(modified!['00100010']!.Value).toEqual([{ Alphabetic: 'Wrong^Willi' }]);
        expect(modified!['00101002']).toEqual({ vr: 'SQ' }); // there was none
      }
  });

  it('comes as a whole with each file corrected', async () => {
    const reply = await server.get(`/studies/${study}`, { accept: many });
    const files = reply.parts().map(({ body }) => parsed(body));
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(file.attributes['00100020']!.Value).toEqual(['RIGHT-7']);
      const { file: before } = images.find(({ instance }) => instance === file.SOPInstanceUID)!;
      expect(pixelsOf(file).equals(pixelsOf(parsed(before)))).toBe(true);
    }
    expect(reply.headers.get('etag')).not.toBe(tag);
  });

  it('gives one file with its length, also to HEAD', async () => {
    for (const accept of [stored, many]) {
      const reply = await server.get(images[0]!.path, { accept });
      expect(Number(reply.headers.get('content-length'))).toBe(reply.body.length);
      const head = await server.get(images[0]!.path, { accept, method: 'HEAD' });
      expect(head.status).toBe(200);
      const again = await server.get(images[0]!.path, { accept, headers: { 'If-None-Match': reply.headers.get('etag')! } }); // prettier-ignore
      expect(again.status).toBe(304);
    }
  });

  it('does not tell its patient who it was taken for', async () => {
    const row = (await server.world.read(({ studies }) => studies.study(study)))!;
    const who = {
      kind: 'user',
      role: 'patient',
      patient: row.patientId,
      fhirUser: `Patient/${row.patientId}`,
    } as const;
    server.callers.set('patient', caller('patient/ImagingStudy.rs', who));
    const [one] = await metadataOf(images[0]!.path, 'patient');
    expect([one!['00100020']!.Value, one!['04000561']]).toEqual([['RIGHT-7'], undefined]);
    const file = await server.get(images[0]!.path, { accept: stored, as: 'patient' });
    expect(parsed(file.body).attributes['00100020']!.Value).toEqual(['RIGHT-7']);
    expect(file.body.includes('WRONG-S')).toBe(false);
    // Other words for the same person are no secret from it.
    await coerce(study, correction(anna, { reason: 'COERCE' }));
    expect((await metadataOf(images[0]!.path, 'patient'))[0]!['04000561']).toBeDefined();
    await coerce(study, correction(anna));
  });

  it('gives pixels from where they are stored', async () => {
    const { path, file } = images[0]!;
    const frame = await server.get(`${path}/frames/1`, { accept: 'application/octet-stream' });
    expect(frame.body.equals(pixelsOf(parsed(file)))).toBe(true);
    expect((await server.get(`${path}/rendered`, { accept: 'image/png' })).status).toBe(200);
  });

  it('is what its images say again when the correction is taken back', async () => {
    await coerce(study, undefined);
    expect((await server.get(images[0]!.path, { accept: stored })).body.equals(images[0]!.file)).toBe(true);
    expect(await search(`/studies?StudyInstanceUID=${study}&PatientID=WRONG-S`)).toHaveLength(1);
    expect(await search(`/instances?StudyInstanceUID=${study}&00101001=Wrong*`)).toHaveLength(3);
    const [one] = await metadataOf(images[0]!.path);
    expect([one!['00100020']!.Value, one!['04000561']]).toEqual([['WRONG-S'], undefined]);
  });
});

describe('an image of a corrected study', () => {
  const given = async (
    options: ImageOptions,
    coercion = correction(anna),
    make?: (options: ImageOptions) => Buffer,
  ) => {
    const one = await sample(options, make);
    await coerce(one.study, coercion);
    const reply = await server.get(one.path, { accept: stored });
    const [metadata] = (await server.get(`${one.path}/metadata`)).json<DicomJson[]>();
    expect([reply.status, server.faults]).toEqual([200, []]);
    return { ...one, reply, now: parsed(reply.body), metadata: metadata! };
  };

  it('that says the same already goes out as it is stored', async () => {
    const attributes: DicomJson = { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Same^Sam' }] }, '00100021': { vr: 'LO' } }; // prettier-ignore
    const { reply, file, metadata } = await given({ patientName: 'Same^Sam' }, correction(anna, { attributes, reason: 'COERCE' })); // prettier-ignore
    expect(reply.body.equals(file)).toBe(true);
    expect(metadata['04000561']).toBeUndefined();
  });

  it.each([['a length', {}], ['no length', { undefinedLengths: true }]] as const)(
    'keeps the items of earlier changes before its own, in a sequence with %s',
    async (_, form) => {
      const earlier: Element = ['04000561', 'SQ', [[['04000550', 'SQ', [[['00100020', 'LO', 'FIRST']]]], ['04000563', 'LO', Buffer.from('Größe')], ['04000565', 'CS', 'COERCE']]]]; // prettier-ignore
      for (const patient of [anna, tanaka]) {
        const { now, metadata } = await given({ ...form, with: [earlier, ['00080005', 'CS', 'ISO_IR 192']] }, correction(patient)); // prettier-ignore
        const reasons = (json: DicomJson) => itemsOf(json, '04000561').map((item) => item['04000565']!.Value![0]);
        expect([reasons(now.attributes), reasons(metadata)]).toEqual([['COERCE', 'CORRECT'], ['COERCE', 'CORRECT']]); // prettier-ignore
        expect(itemsOf(now.attributes, '04000561')[0]!['04000563']!.Value).toEqual(['Größe']);
      }
    },
  ); // prettier-ignore

  it('keeps text that has a character set of its own', async () => {
    const items: Element[] = [
      ['00080005', 'CS', 'ISO_IR 144'],
      ['00080104', 'LO', Buffer.from('bcdee1dad2d0', 'hex')],
    ];
    const sequence: Element = ['00400275', 'SQ', [items, [['00400007', 'LO', latin('Größe')]]]];
    const { now, metadata } = await given({ with: [['00080005', 'CS', 'ISO_IR 100'], sequence] }, correction(tanaka));
    expect(itemsOf(now.attributes, '00400275').map((item) => item['00080104'] ?? item['00400007'])).toEqual([
      { vr: 'LO', Value: ['Москва'] },
      { vr: 'LO', Value: ['Größe'] },
    ]);
    expect(comparable(now.attributes)).toEqual(comparable(metadata));
  });

  it('may have its elements in any order, and zeros or padding at its end', async () => {
    const elements = imageElements({ study: newUid(), patientId: `WRONG-${newUid()}`, with: [['FFFCFFFC', 'OB', new Uint8Array(20)]] }); // prettier-ignore
    const turned = [...elements.filter(([tag]) => !tag.startsWith('0010')), ...elements.filter(([tag]) => tag.startsWith('0010'))]; // prettier-ignore
    for (const patient of [anna, wang])
      for (const make of [
        (options: ImageOptions) => dicomFile(reidentified(turned, options)),
        (options: ImageOptions) => Buffer.concat([dicomFile(reidentified(elements, options)), Buffer.alloc(700)]),
      ]) {
        const { now, metadata, path, file } = await given({}, correction(patient), make);
        expect(comparable(now.attributes)).toEqual(comparable(metadata));
        expect(pixelsOf(now).equals(pixelsOf(parsed(file)))).toBe(true);
        const explicit = await server.get(path, { accept: 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1' });
        expect(comparable(parsed(explicit.body).attributes)).toEqual(comparable(metadata));
      }
  });

  it('with a foreign preamble loses that, too', async () => {
    const { reply } = await given({ preamble: Buffer.alloc(128, 0x4d) });
    expect(reply.body.subarray(0, 128).equals(Buffer.alloc(128))).toBe(true);
  });
});

function reidentified(elements: readonly Element[], { study, series, instance }: ImageOptions): Element[] {
  const uids = new Map([['0020000D', study], ['0020000E', series], ['00080018', instance]]); // prettier-ignore
  return elements.map((element) => {
    const uid = uids.get(element[0]);
    return uid === undefined ? element : [element[0], 'UI', uid];
  });
}

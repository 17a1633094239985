import dicomParser from 'dicom-parser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { dicomFile, header, imageFile, newUid, syntaxes, type Element } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

async function stow(...files: Uint8Array[]): Promise<{ status: number; warning: string; response: DicomJson }> {
  const parts = files.flatMap((file) => [Buffer.from('\r\n--xYz\r\nContent-Type: application/dicom\r\n\r\n'), file]);
  const reply = await fetch(`${server.base}/studies`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer all',
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=xYz',
    },
    body: Buffer.concat([...parts, Buffer.from('\r\n--xYz--\r\n')]),
  });
  return {
    status: reply.status,
    warning: reply.headers.get('warning') ?? '',
    response: (await reply.json()) as DicomJson,
  };
}

const items = (response: DicomJson, tag: string) => (response[tag]?.Value ?? []) as DicomJson[];
const little = { explicit: true, littleEndian: true };
const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xd9]), Buffer.alloc(20), Buffer.from([0xff, 0xd9])]);
/** Up to the second picture's marker of scan: enough to name it as baseline JPEG. */
const baseline = Buffer.from([
  0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 0x3f, 0, 1, 0xff, 0xd9,
]);
const withJpeg = (uids: object, more: object = {}) =>
  imageFile({ ...uids, transferSyntax: syntaxes.jpeg, bits: 8, pixels: { fragments: [jpeg] }, ...more });
const nested: Element = ['00081140', 'SQ', [[['00081150', 'UI', '1.2.3']], [['00081150', 'UI', '1.2.4']]]];
const cut = (file: Buffer, bytes: Buffer, at = file.indexOf(bytes)) =>
  Buffer.concat([file.subarray(0, at), file.subarray(at + bytes.length)]);
const sequenceEnd = header('FFFEE0DD', '', 0, little);
const itemEnd = header('FFFEE00D', '', 0, little);
const labelled = (dataSet: Buffer, transferSyntax: string, { instance }: { instance: string }) => {
  const ct = '1.2.840.10008.5.1.4.1.1.2';
  const meta: Element[] = [['00020002', 'UI', ct], ['00020003', 'UI', instance], ['00020010', 'UI', transferSyntax]]; // prettier-ignore
  return Buffer.concat([dicomFile([], { meta }), dataSet]);
};

interface Uids {
  study: string;
  series: string;
  instance: string;
}
const newUids = (): Uids => ({ study: newUid(), series: newUid(), instance: newUid() });

/** What was done to a file, and how it was before: the same values have to be found in it. */
const faults: [string, (uids: Uids) => Buffer, RegExp][] = [
  ['pixel data ends without its delimiter', (u) => withJpeg(u).subarray(0, -8), /missing end/],
  [
    'zeros stand where the delimiter of pixel data belongs',
    (u) => Buffer.concat([withJpeg(u).subarray(0, -8), Buffer.alloc(8)]),
    /missing end/,
  ],
  ['a sequence has no delimiter', (u) => cut(imageFile({ ...u, undefinedLengths: true, with: [nested] }), sequenceEnd), /missing end/],
  ['an item has no delimiter', (u) => cut(imageFile({ ...u, undefinedLengths: true, with: [nested] }), itemEnd), /missing end/],
  [
    'a delimiter stands behind a sequence of known length',
    (u) => {
      const file = imageFile({ ...u, with: [nested] });
      const at = file.indexOf(header('00081150', 'UI', 6, little).subarray(0, 4), file.indexOf('1.2.3')) + 14;
      return Buffer.concat([file.subarray(0, at), sequenceEnd, file.subarray(at)]);
    },
    /none to end/,
  ],
  ['the preamble is missing', (u) => imageFile(u).subarray(128), /preamble/],
  ['preamble and prefix are missing', (u) => imageFile(u).subarray(132), /preamble/],
  ['the whole head is missing', (u) => imageFile({ ...u, bare: true }), /file meta information was missing/],
  ['the whole head is missing, implicit', (u) => imageFile({ ...u, bare: true, transferSyntax: syntaxes.implicit }), /meta information/],
  ['the whole head is missing, big endian', (u) => imageFile({ ...u, bare: true, transferSyntax: syntaxes.bigEndian }), /meta information/],
  [
    'the whole head is missing, and the stream says how it is compressed',
    (u) => withJpeg(u, { bare: true, pixels: { fragments: [baseline] } }),
    /meta information/,
  ],
  [
    'no transfer syntax is named',
    (u) => imageFile({ ...u, meta: [['00020002', 'UI', '1.2.840.10008.5.1.4.1.1.2'], ['00020003', 'UI', u.instance]] }), // prettier-ignore
    /named no transfer syntax/,
  ],
  ['implicit data under an explicit label', (u) => labelled(imageFile({ ...u, bare: true, transferSyntax: syntaxes.implicit }), syntaxes.explicit, u), /transfer syntax/],
  ['explicit data under an implicit label', (u) => labelled(imageFile({ ...u, bare: true }), syntaxes.implicit, u), /transfer syntax/],
  ['big endian data under a little endian label', (u) => labelled(imageFile({ ...u, bare: true, transferSyntax: syntaxes.bigEndian }), syntaxes.explicit, u), /transfer syntax/],
  ['little endian data under a big endian label', (u) => labelled(imageFile({ ...u, bare: true }), syntaxes.bigEndian, u), /transfer syntax/],
  ['data that is not deflated under a label that says so', (u) => labelled(imageFile({ ...u, bare: true }), syntaxes.deflated, u), /transfer syntax/],
  ['samples that are not compressed under the label of JPEG', (u) => labelled(imageFile({ ...u, bare: true }), syntaxes.jpeg, u), /transfer syntax/],
  [
    'a private sequence holds implicit items in an explicit file',
    (u) => {
      const inside = Buffer.concat([header('00081150', 'UI', 6, { ...little, explicit: false }), Buffer.from('1.2.3\0')]);
      const sequence = Buffer.concat([header('00081140', 'SQ', inside.length + 8, little), header('FFFEE000', '', inside.length, little), inside]);
      const file = imageFile(u);
      const at = file.indexOf(Buffer.from([0x10, 0, 0x10, 0]));
      return Buffer.concat([file.subarray(0, at), sequence, file.subarray(at)]);
    },
    /another form/,
  ], // prettier-ignore
  [
    'an element has question marks for its VR',
    (u) => {
      const file = imageFile({ ...u, with: [['00180015', 'CS', 'CHEST ']] });
      file.write('??', file.indexOf(Buffer.from([0x18, 0, 0x15, 0])) + 4);
      return file;
    },
    /another form/,
  ],
  ['something stands behind the data set', (u) => Buffer.concat([imageFile(u), Buffer.from('END OF TRANSMISSION')]), /after the end/],
  ['the last byte is missing, which was padding', (u) => imageFile({ ...u, rows: 3, columns: 3, bits: 8, pixels: new Uint8Array(9).fill(7) }).subarray(0, -1), /odd length/],
  [
    'elements of group 2 stand between those of the data set',
    (u) => {
      const file = imageFile(u);
      const at = file.indexOf(Buffer.from([8, 0, 0x20, 0]));
      return Buffer.concat([file.subarray(0, at), header('00020016', 'AE', 4, little), Buffer.from('CT01'), file.subarray(at)]);
    },
    /file meta information between/,
  ],
]; // prettier-ignore

describe('storing files that break the rules as vendors do', () => {
  it.each(faults)('repairs it with a warning: %s', async (_, broken, words) => {
    const uids = newUids();
    const file = broken(uids);
    const { status, response, warning } = await stow(file);
    expect([status, items(response, '00081198'), items(response, '0008119A'), warning]).toEqual([200, [], [], expect.stringMatching(words)]); // prettier-ignore
    expect(items(response, '00081199')[0]!['00081196']).toEqual({ vr: 'US', Value: [0xb0a4] });
    const path = `/studies/${uids.study}/series/${uids.series}/instances/${uids.instance}`;
    const given = await server.get(path, { accept: 'application/dicom; transfer-syntax=*' });
    expect(given.status).toBe(200);
    const theirs = dicomParser.parseDicom(given.body);
    expect(theirs.warnings).toEqual([]);
    expect(theirs.string('x00080018')).toBe(uids.instance);
    expect(theirs.string('x00020003')).toBe(uids.instance);
    expect(theirs.elements['x7fe00010']!.fragments ?? theirs.elements['x7fe00010']!.length).toBeTruthy();
    const [metadata] = (await server.get(`${path}/metadata`)).json<DicomJson[]>();
    expect(metadata!['00100010']!.Value).toEqual([{ Alphabetic: 'Example^Erika' }]);
    if (metadata!['00081140']) expect(items(metadata!, '00081140')[0]!['00081150']!.Value).toEqual(['1.2.3']);
    // What comes again is known, with the same bytes.
    const again = await stow(file);
    expect([again.status, items(again.response, '00081199')[0]!['00081196']?.Value]).toEqual([200, [0xb0a4]]);
    expect(await server.database.sql.query(`select 1 from instance where study_uid = $1`, [uids.study])).toHaveLength(
      1,
    );
  });

  it('keeps every sample of a repaired image', async () => {
    const uids = newUids();
    const pixels = Uint8Array.from({ length: 512 }, (_, i) => i % 251);
    await stow(Buffer.concat([imageFile({ ...uids, pixels, bare: true }), Buffer.from('trailing')]));
    const path = `/studies/${uids.study}/series/${uids.series}/instances/${uids.instance}/frames/1`;
    const frame = await server.get(path, { accept: 'application/octet-stream' });
    expect(new Uint8Array(frame.body)).toEqual(pixels);
  });

  const hopeless: [string, (uids: Uids) => Buffer][] = [
    ['native pixel data is cut off', (u) => imageFile(u).subarray(0, -20)],
    ['a fragment is cut off', (u) => withJpeg(u).subarray(0, -12)],
    ['the last picture does not end', (u) => withJpeg(u, { pixels: { fragments: [jpeg.subarray(0, -2)] } }).subarray(0, -8)],
    ['frames are missing', (u) => withJpeg(u, { frames: 3, pixels: { fragments: [jpeg, jpeg] } }).subarray(0, -8)],
    ['it ends inside of a sequence, before its pixels', (u) => { const file = imageFile({ ...u, undefinedLengths: true, with: [['00400275', 'SQ', [[['00401001', 'SH', 'RP']]]]] }); return file.subarray(0, file.indexOf(itemEnd)); }],
    ['head and data set name two instances', (u) => cut(imageFile({ ...u, meta: [['00020002', 'UI', '1.2.840.10008.5.1.4.1.1.2'], ['00020003', 'UI', '1.2.3'], ['00020010', 'UI', syntaxes.explicit]] }), Buffer.alloc(128), 0)],
    ['neither an item nor its sequence has an end', (u) => cut(imageFile({ ...u, undefinedLengths: true, with: [nested] }), Buffer.concat([itemEnd, sequenceEnd]))],
    ['nothing says how it is compressed', (u) => withJpeg(u, { bare: true })],
    ['an attribute stands in it twice', (u) => { const file = imageFile(u); const at = file.indexOf(Buffer.from([0x10, 0, 0x20, 0])); const element = Buffer.concat([header('00100020', 'LO', 2, little), Buffer.from('XX')]); return Buffer.concat([file.subarray(128, at), element, file.subarray(at)]); }],
    ['it is text that begins as an element might', () => Buffer.concat([Buffer.from([8, 0, 5, 0]), Buffer.from('this is no DICOM at all, whatever it begins with')])],
  ]; // prettier-ignore

  it.each(hopeless)('refuses what is cut off or can be read in two ways: %s', async (_, broken) => {
    const uids = newUids();
    const { status, response } = await stow(broken(uids));
    expect(status).toBe(409);
    expect([...items(response, '0008119A'), ...items(response, '00081198')]).toHaveLength(1);
    expect(await server.database.sql.query(`select 1 from instance where study_uid = $1`, [uids.study])).toEqual([]);
  });

  it('leaves no file behind, whether it repairs or refuses', async () => {
    const { readdir } = await import('node:fs/promises');
    const { dirname } = await import('node:path');
    const probe = await server.world.blobs.receive((async function* () { yield Buffer.from('x'); })()); // prettier-ignore
    const folder = dirname(probe.path);
    await server.world.blobs.discard(probe);
    await stow(imageFile().subarray(128), imageFile().subarray(0, -20), imageFile());
    expect((await readdir(folder)).filter((name) => /repaired|^[0-9a-f]{12}-/.test(name))).toEqual([]);
  });
});

describe('text whose character set is wrong', () => {
  const cases: [string, string, Buffer, string][] = [
    ['UTF-8 under a Latin label', 'ISO_IR 100', Buffer.from('Müller^Jörg'), 'Müller^Jörg'],
    ['Latin under its label', 'ISO_IR 100', Buffer.from('Müller^Jörg', 'latin1'), 'Müller^Jörg'],
    ['UTF-8 under a Cyrillic label', 'ISO_IR 144', Buffer.from('Люксембург'), 'Люксембург'],
    ['UTF-8 without a label', '', Buffer.from('王^小东'), '王^小东'],
    ['GB18030 without a label', '', Buffer.from([0xcd, 0xf5, 0xce, 0xb0]), '王伟'],
    ['GB18030 under a Latin label', 'ISO_IR 100', Buffer.from([0xd5, 0xc5, 0xc8, 0xfd, 0x5e, 0xcd, 0xf5, 0xce, 0xb0]), '张三^王伟'],
    ['accents that stand together, under a Latin label', 'ISO_IR 100', Buffer.from('Créée^Zoë', 'latin1'), 'Créée^Zoë'],
    ['half-width katakana stays katakana', 'ISO_IR 13', Buffer.from([0xc5, 0xb6]), 'ﾅｶ'],
  ]; // prettier-ignore
  it.each(cases)('reads by the evidence of the bytes: %s', async (_, label, name, text) => {
    const uids = newUids();
    const with_: Element[] = [['00080005', 'CS', label], ['00100010', 'PN', name.length % 2 ? Buffer.concat([name, Buffer.from(' ')]) : name]]; // prettier-ignore
    expect((await stow(imageFile({ ...uids, patientId: uids.study.slice(-16), with: with_ }))).status).toBe(200);
    const [found] = (await server.get(`/studies?StudyInstanceUID=${uids.study}`)).json<DicomJson[]>();
    expect(found!['00100010']!.Value).toEqual([{ Alphabetic: text }]);
  });
});

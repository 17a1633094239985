import dicomParser from 'dicom-parser';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeXml } from '../../server/core/dicom/native-xml.ts';
import { readNativeXml } from '../../server/dicomweb/read-native-xml.ts';
import type { DicomElement, DicomJson } from '../../server/core/dicom/json.ts';
import { newUid } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
let picture: Buffer;
beforeAll(async () => {
  server = await dicomwebServer();
  const samples = Buffer.from(Array.from({ length: 24 * 16 * 3 }, (_, i) => (i * 5) % 256));
  picture = await sharp(samples, { raw: { width: 24, height: 16, channels: 3 } })
    .jpeg({ quality: 95 })
    .toBuffer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

interface BulkPart {
  type: string;
  location?: string;
  id?: string;
  body: Uint8Array;
}

async function stow(
  metadata: string,
  parts: BulkPart[],
  form: 'json' | 'xml' = 'json',
  accept = 'application/dicom+json',
): Promise<{ status: number; text: string; warning: string; response: DicomJson }> {
  const type = `application/dicom+${form}`;
  const body = Buffer.concat([
    Buffer.from(`--b0b\r\nContent-Type: ${type}\r\n\r\n${metadata}`),
    ...parts.flatMap(({ type: media, location, id, body }) => [
      Buffer.from(
        `\r\n--b0b\r\nContent-Type: ${media}\r\n${location === undefined ? '' : `Content-Location: ${location}\r\n`}${id === undefined ? '' : `Content-ID: <${id}>\r\n`}\r\n`,
      ),
      body,
    ]),
    Buffer.from('\r\n--b0b--\r\n'),
  ]);
  const reply = await fetch(`${server.base}/studies`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer all',
      Accept: accept,
      'Content-Type': `multipart/related; type="${type}"; boundary=b0b`,
    },
    body,
  });
  const text = await reply.text();
  const isJson = reply.headers.get('content-type')?.includes('json');
  return {
    status: reply.status,
    text,
    warning: reply.headers.get('warning') ?? '',
    response: isJson ? (JSON.parse(text) as DicomJson) : {},
  };
}

const element = (vr: string, ...Value: (string | number)[]): DicomElement => ({ vr, Value });

function metadataOf(more: DicomJson = {}): {
  uids: { study: string; series: string; instance: string };
  path: string;
  json: DicomJson;
} {
  const uids = { study: newUid(), series: newUid(), instance: newUid() };
  const json: DicomJson = {
    '00080005': element('CS', 'ISO_IR 100'),
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.77.1.4'),
    '00080018': element('UI', uids.instance),
    '00080020': element('DA', '20260412'),
    '00080060': element('CS', 'XC'),
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg', Ideographic: '王^小東' }] },
    '00100020': element('LO', uids.study.slice(-16)),
    '0020000D': element('UI', uids.study),
    '0020000E': element('UI', uids.series),
    '00200013': element('IS', 1),
    ...more,
  };
  return { uids, json, path: `/studies/${uids.study}/series/${uids.series}/instances/${uids.instance}` };
}
const pixels: DicomJson = { '7FE00010': { vr: 'OB', BulkDataURI: 'bulk/pixels' } };
const failures = (response: DicomJson) =>
  [...(response['00081198']?.Value ?? []), ...(response['0008119A']?.Value ?? [])].length;

describe('storing metadata and bulk data that come apart', () => {
  it('makes a file of a JPEG and fills in what its stream says', async () => {
    const { json, path, uids } = metadataOf(pixels);
    const reply = await stow(JSON.stringify([json]), [{ type: 'image/jpeg', location: 'bulk/pixels', body: picture }]);
    expect([reply.status, reply.warning]).toEqual([200, '']);
    const file = await server.get(path, { accept: 'application/dicom; transfer-syntax=*' });
    const theirs = dicomParser.parseDicom(file.body);
    expect(theirs.string('x00020010')).toBe('1.2.840.10008.1.2.4.50');
    expect([theirs.uint16('x00280010'), theirs.uint16('x00280011'), theirs.uint16('x00280002')]).toEqual([16, 24, 3]);
    expect(theirs.string('x00280004')).toBe('YBR_FULL_422');
    expect([theirs.string('x00282110'), theirs.string('x00282114')]).toEqual(['01', 'ISO_10918_1']);
    const frame = await server.get(`${path}/frames/1`, { accept: 'image/jpeg; transfer-syntax=*' });
    expect(frame.body.subarray(0, picture.length)).toEqual(picture);
    const [found] = (await server.get(`/studies?StudyInstanceUID=${uids.study}`)).json<DicomJson[]>();
    expect(found!['00100010']!.Value).toEqual([{ Alphabetic: 'Müller^Jörg', Ideographic: '王^小東' }]);
    expect((await server.get(`${path}/rendered`, { accept: 'image/png' })).status).toBe(200);
  });

  it('takes several parts at one address for the frames of an image', async () => {
    const { json, path } = metadataOf(pixels);
    const frame = { type: 'image/jpeg', location: 'bulk/pixels', body: picture };
    expect((await stow(JSON.stringify([json]), [frame, frame, frame])).status).toBe(200);
    const [found] = (await server.get(`${path}/metadata`)).json<DicomJson[]>();
    expect(found!['00280008']!.Value).toEqual([3]);
    expect((await server.get(`${path}/frames/3`, { accept: 'image/jpeg; transfer-syntax=*' })).status).toBe(200);
  });

  it('stores samples, documents and values of every VR as they were given', async () => {
    const values: DicomJson = {
      '00280002': element('US', 1),
      '00280004': element('CS', 'MONOCHROME2'),
      '00280010': element('US', 2),
      '00280011': element('US', 3),
      '00280100': element('US', 16),
      '00280101': element('US', 16),
      '00280102': element('US', 15),
      '00280103': element('US', 0),
      '00281050': element('DS', 0.1 + 0.2, 40),
      '00080008': element('CS', 'ORIGINAL', 'PRIMARY'),
      '00189810': element('FD', 1.5),
      '00186020': element('SL', -7),
      '00281101': element('US', 1, 2, 3),
      '00081140': { vr: 'SQ', Value: [{ '00081150': element('UI', '1.2.3') }, {}] },
      '00280009': element('AT', '00181063'),
      '00091001': { vr: 'UN', InlineBinary: Buffer.from([1, 2, 3]).toString('base64') },
      '00090010': element('LO', 'CREATOR'),
      '00091002': { vr: 'OB', BulkDataURI: 'cid:long' },
      '7FE00010': { vr: 'OW', BulkDataURI: `${server.base}/x` },
    };
    const { json, path } = metadataOf(values);
    const samples = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const long = Buffer.alloc(5001, 7);
    const reply = await stow(JSON.stringify([json]), [
      { type: 'application/octet-stream', location: `${server.base}/x`, body: samples },
      { type: 'application/octet-stream', id: 'long', body: long },
    ]);
    expect([reply.status, reply.warning]).toEqual([200, '']);
    const [found] = (await server.get(`${path}/metadata`)).json<DicomJson[]>();
    for (const tag of Object.keys(values).filter(
      (one) => !['7FE00010', '00091002', '00281050', '00091001'].includes(one),
    ))
      expect([tag, found![tag]]).toEqual([tag, values[tag]]);
    expect(found!['00281050']!.Value).toEqual([0.3, 40]);
    expect(found!['00091001']!.InlineBinary).toBe(Buffer.from([1, 2, 3, 0x20].with(3, 0)).toString('base64'));
    const frame = await server.get(`${path}/frames/1`, { accept: 'application/octet-stream' });
    expect(frame.body).toEqual(samples);
    const bulk = await server.get(`${path}/bulkdata/00091002`, { accept: 'application/octet-stream' });
    expect(bulk.body).toEqual(Buffer.concat([long, Buffer.alloc(1)]));
  });

  it('encapsulates a PDF and says what it is', async () => {
    const { json, path } = metadataOf({
      '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.104.1'),
      '00080060': element('CS', 'DOC'),
      '00420011': { vr: 'OB', BulkDataURI: 'report.pdf' },
    });
    const pdf = Buffer.from('%PDF-1.7\nsome report that is long enough\n%%EOF'.padEnd(2000));
    expect(
      (await stow(JSON.stringify([json]), [{ type: 'application/pdf', location: 'report.pdf', body: pdf }])).status,
    ).toBe(200);
    const reply = await server.get(`${path}/rendered`, { accept: 'application/pdf' });
    expect([reply.status, reply.type, reply.body]).toEqual([200, 'application/pdf', pdf]);
  });

  it('keeps a video as one fragment', async () => {
    const { json, path } = metadataOf({
      ...pixels,
      '00280010': element('US', 2),
      '00280011': element('US', 2),
      '00280008': element('IS', 50),
    });
    const video = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypmp42'), Buffer.alloc(100, 5)]);
    const reply = await stow(JSON.stringify([json]), [
      { type: 'video/mp4; transfer-syntax=1.2.840.10008.1.2.4.103', location: 'bulk/pixels', body: video },
    ]);
    expect(reply.status).toBe(200);
    const file = await server.get(path, { accept: 'application/dicom; transfer-syntax=*' });
    expect(file.type).toContain('1.2.840.10008.1.2.4.103');
    expect(file.body.includes(video)).toBe(true);
  });

  it('reads metadata in XML, and answers in XML where that is asked for', async () => {
    const { json, path } = metadataOf({
      ...pixels,
      '00090010': element('LO', 'CREATOR'),
      '00091001': element('LO', 'private'),
    });
    const reply = await stow(
      nativeXml(json),
      [{ type: 'image/jpeg', location: 'bulk/pixels', body: picture }],
      'xml',
      'application/dicom+xml',
    );
    expect(reply.status).toBe(200);
    expect(readNativeXml(reply.text)['00081199']!.Value).toHaveLength(1);
    const [found] = (await server.get(`${path}/metadata`)).json<DicomJson[]>();
    expect(found!['00100010']).toEqual(json['00100010']);
    expect(found!['00091001']).toEqual(json['00091001']);
  });

  it('refuses one instance by its name and stores the other', async () => {
    const good = metadataOf(pixels);
    const bad = metadataOf({ '7FE00010': { vr: 'OB', BulkDataURI: 'nowhere' } });
    const reply = await stow(JSON.stringify([good.json, bad.json]), [
      { type: 'image/jpeg', location: 'bulk/pixels', body: picture },
    ]);
    expect(reply.status).toBe(202);
    const [failed] = reply.response['00081198']!.Value as DicomJson[];
    expect(failed!['00081155']!.Value).toEqual([bad.uids.instance]);
  });

  const bad: [string, DicomJson, BulkPart[], RegExp][] = [
    ['rows that are not those of the image', { ...pixels, '00280010': element('US', 17) }, [], /Rows/],
    ['an image that is another format', pixels, [{ type: 'image/jls', location: 'bulk/pixels', body: Buffer.alloc(0) }], /another format/],
    ['a number of frames that is not that of the parts', { ...pixels, '00280008': element('IS', 2) }, [], /Number of Frames/],
    ['samples that are too few', { ...pixels, '00280010': element('US', 64), '00280011': element('US', 64), '00280100': element('US', 8), '00280002': element('US', 1) }, [{ type: 'application/octet-stream', location: 'bulk/pixels', body: Buffer.alloc(10) }], /shorter/],
    ['a PDF that is none', { '00420011': { vr: 'OB', BulkDataURI: 'bulk/pixels' } }, [{ type: 'application/pdf', location: 'bulk/pixels', body: Buffer.from('<html>') }], /no PDF/],
    ['a number that is none', { '00280010': element('US', 70000) }, [], /00280010/],
    ['a VR that is none', { '00280010': { vr: 'QQ' } }, [], /00280010/],
    ['a tag that is none', { constructor: element('LO', 'x') }, [], /tag/],
    ['no SOP Instance UID', { '00080018': { vr: 'UI' } }, [], /SOP Instance UID/],
    ['a sequence without end', { '00081140': deep(60) }, [], /nested/],
  ]; // prettier-ignore
  function deep(levels: number): DicomElement {
    return { vr: 'SQ', Value: [levels === 0 ? {} : { '00081140': deep(levels - 1) }] };
  }
  it.each(bad)('refuses %s', async (_, more, parts, words) => {
    const { json } = metadataOf(more);
    const jpeg = { type: 'image/jpeg', location: 'bulk/pixels', body: picture };
    const sent =
      parts.length === 0 ? [jpeg] : parts.map((part) => (part.body.length === 0 ? { ...part, body: picture } : part));
    const reply = await stow(JSON.stringify([json]), sent);
    expect([reply.status, failures(reply.response)]).toEqual([409, 1]);
    expect(reply.warning).toMatch(words);
  });

  it.each([
    ['no JSON', '{"a', 'json'],
    ['a list of texts', '["a"]', 'json'],
    ['no XML', '<NativeDicomModel><a', 'xml'],
    ['XML with entities', '<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel>&a;</NativeDicomModel>', 'xml'],
    ['XML of another kind', '<html/>', 'xml'],
    ['too much of it', `[${' '.repeat(5 << 20)}]`, 'json'],
  ] as const)('refuses a request whose metadata is %s', async (_, text, form) => {
    expect([400, 413]).toContain((await stow(text, [], form)).status);
  });
});

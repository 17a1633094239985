import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dicomFile, imageFile, newUid, type Element } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const newUids = () => ({ study: newUid(), series: newUid(), instance: newUid() });
type Uids = ReturnType<typeof newUids>;
const at = ({ study, series, instance }: Uids) => `/studies/${study}/series/${series}/instances/${instance}`;

async function stored(make: (uids: Uids) => Buffer): Promise<string> {
  const uids = newUids();
  const { instances } = await server.store(make(uids));
  expect(instances.map(({ status }) => status)).toEqual(['stored']);
  return at(uids);
}

describe('moving pictures', () => {
  const frames = (u: Uids) =>
    imageFile({ ...u, rows: 8, columns: 8, bits: 8, frames: 3, with: [['00181063', 'DS', '40']], pixels: Buffer.concat([0, 90, 200].map((value) => Buffer.alloc(64, value))) }); // prettier-ignore

  it('show all frames of an instance in their time', async () => {
    const reply = await server.get(`${await stored(frames)}/rendered`, { accept: 'image/gif' });
    expect([reply.status, reply.type]).toEqual([200, 'image/gif']);
    expect(await sharp(reply.body, { animated: true }).metadata()).toMatchObject({ format: 'gif', pages: 3, pageHeight: 8, delay: [40, 40, 40], loop: 0 }); // prettier-ignore
  });

  it('show the frames that are named, in their order', async () => {
    const reply = await server.get(`${await stored(frames)}/frames/3,1/rendered`, { accept: 'image/gif' });
    const [first, second] = await Promise.all(
      [0, 1].map((page) => sharp(reply.body, { page }).greyscale().raw().toBuffer()),
    );
    expect(first![0]! - second![0]!).toBeGreaterThan(100);
    expect((await server.get(`${await stored(frames)}/frames/3,9/rendered`, { accept: 'image/gif' })).status).toBe(404);
  });

  it('are no moving ones of a single frame, or where pictures are asked for', async () => {
    const path = await stored((u) => imageFile(u));
    const still = await server.get(`${path}/rendered`, { accept: 'image/gif' });
    expect((await sharp(still.body, { animated: true }).metadata()).pages ?? 1).toBe(1);
    const jpeg = await server.get(`${await stored(frames)}/rendered`, { accept: 'image/jpeg, image/gif;q=0.5' });
    expect(jpeg.type).toBe('image/jpeg');
  });

  it('are refused where they would not fit into memory, with what to do', async () => {
    const path = await stored((u) => imageFile({ ...u, rows: 512, columns: 512, bits: 8, frames: 300, pixels: Buffer.alloc(512 * 512 * 300) })); // prettier-ignore
    const reply = await server.get(`${path}/rendered`, { accept: 'image/gif' });
    expect([reply.status, reply.json<{ message: string }>().message]).toEqual([413, expect.stringMatching(/viewport/)]);
    expect((await server.get(`${path}/rendered?viewport=32,32`, { accept: 'image/gif' })).status).toBe(200);
  });
});

describe('videos', () => {
  const film = Buffer.concat([
    Buffer.from([0, 0, 0, 24]),
    Buffer.from('ftypmp42'),
    Buffer.from(Array.from({ length: 988 }, (_, i) => i % 256)),
  ]);
  const video =
    (...fragments: Buffer[]) =>
    (u: Uids) =>
      imageFile({ ...u, bits: 8, frames: 25, transferSyntax: '1.2.840.10008.1.2.4.102', pixels: { fragments } });

  it('are played from any place', async () => {
    const path = await stored(video(film));
    const whole = await server.get(`${path}/rendered`, { accept: 'video/mp4' });
    expect([whole.status, whole.type, whole.headers.get('accept-ranges'), whole.body]).toEqual([
      200,
      'video/mp4',
      'bytes',
      film,
    ]);
    const range = (Range: string, more: Record<string, string> = {}) =>
      server.get(`${path}/rendered`, { headers: { Range, ...more } });
    const part = await range('bytes=100-199');
    expect([part.status, part.headers.get('content-range'), part.body]).toEqual([
      206,
      'bytes 100-199/1000',
      film.subarray(100, 200),
    ]);
    expect((await range('bytes=990-')).body).toEqual(film.subarray(990));
    expect((await range('bytes=5-9', { 'If-Range': whole.headers.get('etag')! })).status).toBe(206);
    expect((await range('bytes=5-9', { 'If-Range': '"other"' })).status).toBe(200);
    expect((await server.get(`${path}/rendered`, { accept: 'image/jpeg' })).status).toBe(406);
  });

  it('are one stream whatever the number of their fragments', async () => {
    const path = await stored(video(film.subarray(0, 300), film.subarray(300, 302), film.subarray(302)));
    const part = await server.get(`${path}/rendered`, { headers: { Range: 'bytes=298-305' } });
    expect(part.body).toEqual(film.subarray(298, 306));
  });
});

describe('documents', () => {
  it('are given as what they are, and nothing in them acts on this server', async () => {
    const pdf = Buffer.from('%PDF-1.7 /OpenAction (app.alert)'.padEnd(2000));
    const path = await stored((u) => imageFile({ ...u, without: ['7FE00010'], with: [['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.104.1'], ['00420011', 'OB', pdf], ['00420012', 'LO', 'application/pdf']] })); // prettier-ignore
    const reply = await server.get(`${path}/rendered`, { accept: 'application/pdf' });
    expect([reply.status, reply.type, reply.body]).toEqual([200, 'application/pdf', pdf]);
    expect(reply.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    expect(reply.headers.get('content-disposition')).toBe('attachment');
  });
});

const code = (tag: string, meaning: string): Element => [tag, 'SQ', [[['00080100', 'SH', 'X'], ['00080102', 'SH', 'DCM'], ['00080104', 'LO', meaning]]]]; // prettier-ignore
const item = (type: string, name: string, ...more: Element[]): Element[] =>
  [['0040A040', 'CS', type] as Element, code('0040A043', name), ...more].sort(([a], [b]) => (a < b ? -1 : 1));

describe('structured reports', () => {
  it('are a page that shows their whole content and runs none of it', async () => {
    const image = newUids();
    const evil = '<script>alert(1)</script>';
    const report = (u: Uids) =>
      dicomFile([
        ['00080005', 'CS', 'ISO_IR 192'],
        ['00080016', 'UI', '1.2.840.10008.5.1.4.1.1.88.22'],
        ['00080018', 'UI', u.instance],
        ['00080060', 'CS', 'SR'],
        ['00100010', 'PN', 'Example^Erika'],
        ['00100020', 'LO', 'SR-1'],
        ['0020000D', 'UI', u.study],
        ['0020000E', 'UI', u.series],
        ['0040A040', 'CS', 'CONTAINER'],
        code('0040A043', 'Imaging Report'),
        ['0040A375', 'SQ', [[['0020000D', 'UI', image.study], ['00081115', 'SQ', [[['0020000E', 'UI', image.series], ['00081199', 'SQ', [[['00081155', 'UI', image.instance]]]]]]]]]],
        ['0040A491', 'CS', 'COMPLETE'],
        ['0040A730', 'SQ', [
          item('TEXT', 'Finding', ['0040A160', 'UT', Buffer.from(`Größe ${evil}`)]),
          item('NUM', 'Diameter', ['0040A300', 'SQ', [[code('004008EA', 'mm'), ['0040A30A', 'DS', '12.5']]]]),
          item('CONTAINER', 'Inner', ['0040A730', 'SQ', [
            item('CODE', 'Site', code('0040A168', 'Left lung')),
            item('IMAGE', 'Source', ['00081199', 'SQ', [[['00081155', 'UI', image.instance]]]]),
            [['0040DB73', 'UL', [1, 2]]],
          ]]),
        ]],
      ]); // prettier-ignore
    const reply = await server.get(`${await stored(report)}/rendered`);
    expect([reply.status, reply.type]).toEqual([200, 'text/html; charset=utf-8']);
    expect(reply.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    const page = reply.body.toString();
    for (const words of [
      'Imaging Report',
      'Example Erika',
      'COMPLETE',
      '<b>Finding</b>: Größe ',
      '12.5 mm',
      'Left lung',
      'href="#item-1.2"',
    ])
      expect(page).toContain(words);
    expect(page).not.toContain('<script');
    expect(page).toContain(`/${image.study}/series/${image.series}/instances/${image.instance}/rendered`);
  });
});

import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller } from '../harness/records.ts';
import { imageFile, newUid, syntaxes } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
const uids = { study: newUid(), series: newUid(), instance: newUid() };
const moving = { ...uids, series: newUid(), instance: newUid() };
/** Left half dark, right half bright. */
const pixels = Uint8Array.from({ length: 32 * 16 }, (_, i) => (i % 32 < 16 ? 10 : 240));
const file = imageFile({ ...uids, rows: 16, columns: 32, bits: 8, pixels, with: [['00281050', 'DS', '128'], ['00281051', 'DS', '256']] }); // prettier-ignore

beforeAll(async () => {
  server = await dicomwebServer();
  server.callers.set('patient', caller('patient/*.rs', { role: 'patient', patient: 'p', fhirUser: 'Patient/p' }));
  const frames = imageFile({ ...moving, rows: 8, columns: 8, bits: 8, frames: 2, pixels: Buffer.alloc(128, 9) });
  const { instances } = await server.store(file, frames);
  expect(instances.map(({ status }) => status)).toEqual(['stored', 'stored']);
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const ask = (more: Record<string, string> = {}, of = uids, as = 'all') => {
  const query = { requestType: 'WADO', studyUID: of.study, seriesUID: of.series, objectUID: of.instance, ...more };
  return server.get(`/wado?${new URLSearchParams(query)}`, { as });
};

describe('WADO-URI', () => {
  it('gives a picture of one frame as JPEG, and several frames as the file, where nothing is said', async () => {
    const still = await ask();
    expect([still.status, still.type]).toEqual([200, 'image/jpeg']);
    expect(await sharp(still.body).metadata()).toMatchObject({ width: 32, height: 16 });
    expect((await ask({}, moving)).type).toContain('application/dicom');
    expect((await ask({ frameNumber: '2' }, moving)).type).toBe('image/jpeg');
    expect((await ask({ contentType: 'image/gif' }, moving)).type).toBe('image/gif');
  });

  it('gives the file in the transfer syntax that is asked for', async () => {
    const stored = await ask({ contentType: 'application/dicom', transferSyntax: '*' });
    expect([stored.status, stored.body]).toEqual([200, file]);
    expect((await ask({ contentType: 'application/dicom' })).type).toContain(syntaxes.explicit);
    expect((await ask({ contentType: 'application/dicom', transferSyntax: '1.2.840.10008.1.2.4.102' })).status).toBe(
      406,
    );
    const told = await ask({ contentType: 'application/dicom', rows: '5' });
    expect(told.headers.get('warning')).toMatch(/rows/);
  });

  it('scales, cuts and windows', async () => {
    const size = async (more: Record<string, string>) => {
      const { width, height } = await sharp((await ask({ contentType: 'image/png', ...more })).body).metadata();
      return [width, height];
    };
    expect(await size({ rows: '8' })).toEqual([16, 8]);
    expect(await size({ columns: '64', rows: '64' })).toEqual([64, 32]);
    expect(await size({ region: '0.5,0,1,1' })).toEqual([16, 16]);
    expect(await size({ region: '0.5,0,1,0.5', columns: '32' })).toEqual([32, 16]);
    const bright = await sharp((await ask({ contentType: 'image/png', region: '0.5,0.0,1.0,1.0' })).body).stats();
    expect(bright.channels[0]!.min).toBeGreaterThan(200);
    const flat = await sharp(
      (await ask({ contentType: 'image/png', windowCenter: '1000', windowWidth: '10' })).body,
    ).stats();
    expect(flat.channels[0]!.max).toBe(0);
    const [low, high] = await Promise.all(
      ['1', '100'].map(async (imageQuality) => (await ask({ imageQuality })).body.length),
    );
    expect(low).toBeLessThan(high!);
  });

  it.each([
    [{ requestType: 'OTHER' }, 400],
    [{ studyUID: 'x' }, 400],
    [{ objectUID: '1.2.3' }, 404],
    [{ rows: '-1' }, 400],
    [{ region: '0,0,2,2' }, 400],
    [{ region: '0.5,0.5,0.1,0.6' }, 400],
    [{ windowCenter: '1' }, 400],
    [{ imageQuality: '101' }, 400],
    [{ frameNumber: '0' }, 400],
    [{ frameNumber: '7' }, 404],
    [{ contentType: 'text/plain' }, 406],
    [{ contentType: 'application/dicom', transferSyntax: 'x' }, 400],
    [{ contentType: 'application/dicom', anonymize: 'yes' }, 406],
  ] as [Record<string, string>, number][])('answers %j with %d', async (more, status) => {
    expect((await ask(more)).status).toBe(status);
  });

  it('says why it does not de-identify', async () => {
    expect((await ask({ anonymize: 'yes' })).json<{ message: string }>().message).toMatch(/burnt into pixels/);
  });

  it('takes names of parameters in any case, and tells of those without effect', async () => {
    const { study, series, instance } = uids;
    const reply = await server.get(
      `/wado?requesttype=wado&studyuid=${study}&SeriesUID=${series}&objectuid=${instance}&annotation=patient&_=1`,
    );
    expect([reply.status, reply.headers.get('warning')]).toEqual([200, expect.stringMatching(/annotation/)]);
    expect((await server.get(`/wado?requestType=WADO&studyUID=${study}&studyUID=${study}`)).status).toBe(400);
  });

  it('is under the same right and leaves the same trail', async () => {
    expect((await ask({}, uids, 'patient')).status).toBe(404);
    expect((await server.get('/wado', { as: null })).status).toBe(401);
    await ask();
    const rows = await server.database.sql.query<{ entities: string[] }>(`select entities from audit where event = 'dicomweb:retrieve' and entities::text like '%/rendered%' limit 1`); // prettier-ignore
    expect(rows[0]!.entities[0]).toBe(
      `studies/${uids.study}/series/${uids.series}/instances/${uids.instance}/rendered`,
    );
  });
});

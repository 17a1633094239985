import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sweepBlobs } from '../../server/core/studies/sweep-blobs.ts';
import type { DicomJson } from '../../server/core/dicom/json.ts';
import { dicomFile, newUid, syntaxes, type Element } from '../harness/dicom-file.ts';
import { caller } from '../harness/records.ts';
import { dicomwebServer, type DicomwebServer } from './server.ts';

let server: DicomwebServer;
beforeAll(async () => {
  server = await dicomwebServer();
  server.callers.set('patient', caller('patient/*.cruds', { role: 'patient', patient: 'p', fhirUser: 'Patient/p' }));
  server.callers.set('one', caller('patient/*.rs', { role: 'doctor', patient: 'p', fhirUser: 'Practitioner/d' }));
  server.callers.set('reader', caller('user/*.rs', { role: 'doctor', fhirUser: 'Practitioner/d' }));
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const palette = (uid: string, more: Element[] = [], options = {}) =>
  dicomFile(
    [
      ['00080005', 'CS', 'ISO_IR 192'],
      ['00080016', 'UI', '1.2.840.10008.5.1.4.39.1'],
      ['00080018', 'UI', uid],
      ['00281201', 'OW', new Uint8Array(4096).fill(7)],
      ['00700080', 'CS', 'HOT_IRON'],
      ...more,
    ].sort(([a], [b]) => (a! < b! ? -1 : 1)) as Element[],
    options,
  );
const hanging = (uid: string, name: string) =>
  dicomFile([
    ['00080016', 'UI', '1.2.840.10008.5.1.4.38.1'],
    ['00080018', 'UI', uid],
    ['00720002', 'SH', name],
    ['00720004', 'LO', 'two by two'],
    ['00720006', 'CS', 'SITE'],
  ]);

async function stow(path: string, file: Uint8Array, as = 'all'): Promise<{ status: number; response: DicomJson }> {
  const reply = await fetch(server.base + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${as}`, 'Content-Type': 'application/dicom' },
    body: Buffer.from(file),
  });
  return { status: reply.status, response: (await reply.json()) as DicomJson };
}
const items = (response: DicomJson, tag: string) => (response[tag]?.Value ?? []) as DicomJson[];

describe('instances that belong to no patient', () => {
  it('are stored, told where, and given back byte for byte', async () => {
    const uid = newUid();
    const { status, response } = await stow('/color-palettes', palette(uid));
    expect(status).toBe(200);
    const address = `${server.base}/color-palettes/${uid}`;
    expect(response['00081190']!.Value).toEqual([`${server.base}/color-palettes`]);
    expect(items(response, '00081199')[0]!['00081190']!.Value).toEqual([address]);
    const file = await server.get(address, { accept: 'application/dicom', as: 'reader' });
    expect([file.status, file.body]).toEqual([200, palette(uid)]);
    expect((await server.get(address)).parts()[0]!.body).toEqual(palette(uid));
    // Again, and with other content.
    expect((await stow(`/color-palettes/${uid}`, palette(uid))).status).toBe(200);
    const other = await stow('/color-palettes', palette(uid, [['00700081', 'LO', 'other']]));
    expect([other.status, items(other.response, '00081198')[0]!['00081197']!.Value]).toEqual([409, [0x0110]]);
  });

  it('tell their attributes in JSON and XML, and long values at their addresses', async () => {
    const uid = newUid();
    await stow('/color-palettes', palette(uid));
    const [json] = (await server.get(`/color-palettes/${uid}`, { accept: 'application/dicom+json' })).json<
      DicomJson[]
    >();
    expect(json!['00700080']!.Value).toEqual(['HOT_IRON']);
    const bulk = await server.get(json!['00281201']!.BulkDataURI!, { accept: 'application/octet-stream' });
    expect([bulk.status, bulk.body]).toEqual([200, Buffer.alloc(4096, 7)]);
    const xml = await server.get(`/color-palettes/${uid}`, {
      accept: 'multipart/related; type="application/dicom+xml"',
    });
    expect(xml.parts()[0]!.body.toString()).toContain('HOT_IRON');
  });

  it('are found by their attributes among their kind', async () => {
    const [chest, knee] = [newUid(), newUid()];
    await stow('/hanging-protocols', hanging(chest, 'CHEST'));
    await stow('/hanging-protocols', hanging(knee, 'KNEE'));
    const search = async (query: string) => (await server.get(`/hanging-protocols?${query}`)).json<DicomJson[]>();
    const found = await search('HangingProtocolName=CH*');
    expect(found.map((one) => one['00080018']!.Value![0])).toEqual([chest]);
    expect(found[0]).toMatchObject({
      '00081190': { vr: 'UR', Value: [`${server.base}/hanging-protocols/${chest}`] },
      '00720004': { vr: 'LO', Value: ['two by two'] },
    });
    expect(found[0]).not.toHaveProperty('00720006');
    expect((await search(`SOPInstanceUID=${knee}&includefield=00720006`))[0]).toHaveProperty('00720006');
    expect(await search('HangingProtocolName=')).toHaveLength(2);
    expect(await search('limit=1')).toHaveLength(1);
    expect((await server.get('/color-palettes?HangingProtocolName=CHEST')).json()).toEqual([]);
    expect((await server.get('/hanging-protocols?Nonsense=1')).status).toBe(400);
  });

  it('are refused at another address, and never among studies', async () => {
    const uid = newUid();
    expect((await stow('/hanging-protocols', palette(uid))).status).toBe(409);
    expect((await stow(`/color-palettes/${newUid()}`, palette(uid))).status).toBe(409);
    const { status, response } = await stow('/studies', palette(uid));
    expect([status, items(response, '00081198')[0]!['00081197']!.Value]).toEqual([409, [0xc001]]);
    expect((await server.get(`/color-palettes/${uid}`)).status).toBe(404);
    expect((await server.get('/color-palettes/x')).status).toBe(400);
  });

  it('are read in their own transfer syntax, a deflated one inflated', async () => {
    const uid = newUid();
    expect((await stow('/color-palettes', palette(uid, [], { transferSyntax: syntaxes.deflated }))).status).toBe(200);
    const file = await server.get(`/color-palettes/${uid}`, { accept: 'application/dicom' });
    expect(file.type).toContain(syntaxes.explicit);
    const bulk = await server.get(`/color-palettes/${uid}/bulkdata/00281201`, { accept: 'application/octet-stream' });
    expect(bulk.body).toEqual(Buffer.alloc(4096, 7));
  });

  it('are for staff and services: not for patients, nor for apps of one patient', async () => {
    const uid = newUid();
    await stow('/color-palettes', palette(uid));
    for (const as of ['patient', 'one']) {
      expect((await server.get(`/color-palettes/${uid}`, { as })).status).toBe(403);
      expect((await server.get('/color-palettes', { as })).status).toBe(403);
    }
    expect((await stow('/color-palettes', palette(newUid()), 'reader')).status).toBe(403);
    expect((await server.get('/color-palettes', { as: null })).status).toBe(401);
  });

  it('keep their bytes when others are swept', async () => {
    const uid = newUid();
    await stow('/color-palettes', palette(uid));
    await sweepBlobs(server.world, -60_000);
    expect((await server.get(`/color-palettes/${uid}`, { accept: 'application/dicom' })).body).toEqual(palette(uid));
  });

  it('leave a row for each act', async () => {
    const uid = newUid();
    await stow('/color-palettes', palette(uid));
    await server.get(`/color-palettes/${uid}`);
    const rows = await server.database.sql.query<{ event: string }>(
      `select event from audit where $1 = any(entities) order by seq`,
      [`color-palettes/${uid}`],
    );
    expect(rows.map(({ event }) => event)).toEqual(['dicomweb:store', 'dicomweb:retrieve']);
  });
});

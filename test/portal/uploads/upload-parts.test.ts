import { readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultUploadLimits } from '../../../server/core/studies/uploads/upload-limits.ts';
import { PartStore } from '../../../server/infrastructure/uploads/part-store.ts';
import { eventually } from '../../harness/calls.ts';
import { imageFile, type Element } from '../../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../../harness/server.ts';
import { idOf, partOf, uploader, type Uploader } from '../../harness/uploads.ts';

// Parts of uploads: who sees them, how they go on after a break, and when they go.
let server: TestServer;
let patient: Uploader;
let doctor: Uploader;
beforeAll(async () => {
  server = await startTestServer({ workers: false, environment: { UPLOAD_ACCOUNT_FILES: '6' } });
  patient = uploader(server, (await server.signIn('patient')).access_token);
  doctor = uploader(server, (await server.signIn('doctor')).access_token);
});
afterAll(() => server.stop());

const ofArjun: Element[] = [['00100021', 'LO', 'CSSS-DEMO'], ['00100030', 'DA', '19850412']]; // prettier-ignore
const own = (side = 16) => imageFile({ patientId: 'DEMO-1001', with: ofArjun, rows: side, columns: side });

const arrived = (location: string) =>
  eventually(async () => (await stat(join(server.dataDir, 'uploads', idOf(location)))).size > 0, 'the first bytes');

test('an upload goes on where it ended, and is whole', async () => {
  const bytes = own(200);
  const location = (await patient.begin(bytes.length)).headers.get('Location')!;
  expect((await patient.part(location, bytes.subarray(0, 1000))).headers.get('Upload-Offset')).toBe('1000');
  expect((await patient.part(location, bytes.subarray(500), 500)).status).toBe(409);
  const standing = await patient.offset(location);
  expect([standing.status, standing.headers.get('Upload-Offset'), standing.headers.get('Upload-Length')]).toEqual([200, '1000', String(bytes.length)]); // prettier-ignore
  expect(standing.headers.get('Upload-Metadata')).toBeNull();
  const early = await patient.store({ files: [{ upload: idOf(location) }] });
  expect(await early.json()).toMatchObject({ files: [{ state: 'refused', why: 'not-here' }] });
  expect((await patient.part(location, bytes.subarray(1000), 1000)).status).toBe(204);
  expect(await (await patient.store({ files: [{ upload: idOf(location) }] })).json()).toMatchObject({ files: [{ state: 'stored' }] });
}); // prettier-ignore

test('a client of tus is told what is spoken here: by OPTIONS, in each refusal, and when it speaks another version', async () => {
  const abilities = await fetch(`${server.url}/portal/uploads`, { method: 'OPTIONS' });
  const told = ['Tus-Version', 'Tus-Extension', 'Tus-Max-Size'].map((name) => abilities.headers.get(name));
  expect([abilities.status, ...told]).toEqual([204, '1.0.0', 'creation,creation-with-upload,expiration,termination', String(defaultUploadLimits.fileBytes)]);
  const location = (await patient.begin(100)).headers.get('Location')!;
  const wrong = await patient.part(location, own().subarray(0, 10), 50);
  expect([wrong.status, wrong.headers.get('Tus-Resumable')]).toEqual([409, '1.0.0']);
  const Authorization = `Bearer ${(await server.signIn('patient')).access_token}`;
  for (const spoken of [{}, { 'Tus-Resumable': '2.0.0' }]) {
    const asked = await fetch(new URL(location, server.url), { method: 'HEAD', headers: { Authorization, ...spoken } });
    expect([asked.status, asked.headers.get('Tus-Version')]).toEqual([412, '1.0.0']);
  }
  expect((await patient.remove(location)).status).toBe(204);
}); // prettier-ignore

test('a part that breaks off is kept as far as it came', async () => {
  const bytes = own(400);
  const location = (await patient.begin(bytes.length)).headers.get('Location')!;
  const sending = partOf(new URL(location, server.url), (await server.signIn('patient')).access_token, bytes.length);
  sending.on('error', () => undefined);
  sending.write(bytes.subarray(0, 100_000));
  await arrived(location);
  sending.destroy();
  const offset = await eventually(async () => {
    const at = Number((await patient.offset(location)).headers.get('Upload-Offset'));
    return at > 0 && at;
  }, 'what was kept');
  expect(offset).toBeLessThanOrEqual(100_000);
  expect((await patient.part(location, bytes.subarray(offset), offset)).status).toBe(204);
  expect(await (await patient.store({ files: [{ upload: idOf(location) }] })).json()).toMatchObject({ files: [{ state: 'stored' }] }); // prettier-ignore
});

test("nobody sees, goes on with, removes or stores another person's upload", async () => {
  const bytes = own();
  const location = (await patient.begin(bytes.length)).headers.get('Location')!;
  expect((await doctor.offset(location)).status).toBe(404);
  expect((await doctor.part(location, bytes)).status).toBe(404);
  expect((await doctor.remove(location)).status).toBe(404);
  expect((await patient.part(location, bytes)).status).toBe(204);
  const stolen = await doctor.store({ files: [{ upload: idOf(location) }], patient: 'demo-patient-1' });
  expect(await stolen.json()).toMatchObject({ files: [{ state: 'refused', why: 'not-here' }] });
  for (const id of ['x', '..%2F..%2Fetc%2Fpasswd', `${idOf(location)}.json`, `${idOf(location)}x`])
    expect((await patient.offset(`/portal/uploads/${id}`)).status, id).toBe(404);
  expect((await patient.store({ files: [{ upload: '../../etc/passwd' }] })).status).toBe(200);
  expect((await patient.remove(location)).status).toBe(204);
  expect((await patient.offset(location)).status).toBe(404);
});

test('two people upload at the same moment and neither disturbs the other', async () => {
  const files = [own(64), own(64)];
  const [one, other] = await Promise.all([
    patient.bring([files[0]!]),
    doctor.bring([files[1]!], { patient: 'demo-patient-1' }),
  ]);
  expect([one[0]?.state, other[0]?.state]).toEqual(['stored', 'stored']);
});

test('a length is asked for, and one account has so much under way and no more', async () => {
  for (const length of ['', '-1', '0', 'many', '1e9']) {
    const begun = await fetch(`${server.url}/portal/uploads`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${(await server.signIn('admin')).access_token}`,
        'Tus-Resumable': '1.0.0',
        ...(length !== '' && { 'Upload-Length': length }),
      },
    });
    expect(begun.status, length).toBe(400);
  }
  // What is to be said later is not waited for; what is said already counts.
  for (const [length, status] of [[{}, 400], [{ 'Upload-Length': '10' }, 201]] as const) {
    const headers = { Authorization: `Bearer ${(await server.signIn('admin')).access_token}`, 'Tus-Resumable': '1.0.0' };
    const begun = await fetch(`${server.url}/portal/uploads`, { method: 'POST', headers: { ...headers, ...length, 'Upload-Defer-Length': '1' } });
    expect(begun.status).toBe(status);
  } // prettier-ignore
  const statuses: number[] = [];
  for (let i = 0; i < 8; i++) statuses.push((await doctor.begin(1000)).status);
  expect(statuses.slice(-2)).toEqual([429, 429]);
  expect((await patient.begin(defaultUploadLimits.accountBytes)).status).toBe(413);
});

test('what nobody goes on with is swept away, what is fresh stays', async () => {
  const folder = join(server.dataDir, 'uploads');
  const [old, fresh] = [await patient.begin(2000), await patient.begin(2000)].map((begun) => idOf(begun.headers.get('Location')!)); // prettier-ignore
  const longAgo = new Date(Date.now() - 100 * 3_600_000);
  for (const name of [old!, `${old}.json`]) await utimes(join(folder, name), longAgo, longAgo);
  const shelf = new PartStore(folder, { keepMs: 3_600_000 });
  expect(await shelf.sweep(new Date(Date.now() - 3_600_000))).toBe(1);
  const names = await readdir(folder);
  expect([names.includes(old!), names.includes(fresh!)]).toEqual([false, true]);
});

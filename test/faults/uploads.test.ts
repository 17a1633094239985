import { once } from 'node:events';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../harness/calls.ts';
import { imageFile, type Element } from '../harness/dicom-file.ts';
import { backendKey, startServerProcess, type ProcessOptions, type ServerProcess } from '../harness/server-process.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { canMount, smallDisk, type SmallDisk } from '../harness/small-disk.ts';
import { idOf, partOf, uploader } from '../harness/uploads.ts';

// Uploads where the server dies, or its disk is full.
let server: TestServer;
let options: ProcessOptions;
let killed: ServerProcess;
let next: ServerProcess | undefined;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  // A process of its own on the same database and folder: tokens of the one are good at the other.
  const environment = { DATA_DIR: server.dataDir, DATABASE_URL: server.databaseUrl, PUBLIC_URL: server.url };
  options = { environment, key: await backendKey() };
  killed = await startServerProcess(options);
});
let disk: SmallDisk | undefined;
let full: TestServer | undefined;
beforeAll(async () => {
  if (!canMount) return;
  disk = await smallDisk(200);
  full = await startTestServer({ workers: false, environment: { DATA_DIR: disk.path } });
});
afterAll(async () => {
  await next?.end();
  await full?.stop();
  await disk?.remove();
  await server.stop();
});

const ofArjun: Element[] = [['00100021', 'LO', 'CSSS-DEMO'], ['00100030', 'DA', '19850412']]; // prettier-ignore
const own = (side = 16) => imageFile({ patientId: 'DEMO-1001', with: ofArjun, rows: side, columns: side });

const arrived = (location: string) =>
  eventually(async () => (await stat(join(server.dataDir, 'uploads', idOf(location)))).size > 0, 'the first bytes');

test('a server that is killed in the middle of a part goes on after it, and what was lost is sent again', async () => {
  const token = (await server.signIn('patient')).access_token;
  const person = uploader({ url: killed.url }, token);
  const bytes = own(1200);
  const location = (await person.begin(bytes.length)).headers.get('Location')!;
  const sending = partOf(new URL(location, killed.url), token, bytes.length);
  const broken = once(sending, 'error');
  sending.write(bytes.subarray(0, 900_000));
  await arrived(location);
  await killed.end('SIGKILL');
  await broken;
  next = await startServerProcess({ ...options, port: killed.port });
  const offset = Number((await person.offset(location)).headers.get('Upload-Offset'));
  expect([offset > 0, offset <= 900_000]).toEqual([true, true]);
  expect((await person.part(location, bytes.subarray(offset), offset)).status).toBe(204);
  expect(await (await person.store({ files: [{ upload: idOf(location) }] })).json()).toMatchObject({ files: [{ state: 'stored' }] });
}); // prettier-ignore

test.skipIf(!canMount)('a full disk is told before a byte is sent, and in the middle; nothing is stored by halves', async () => {
  const person = uploader(full!, (await full!.signIn('patient')).access_token);
  const bytes = own(300);
  const location = (await person.begin(bytes.length)).headers.get('Location')!;
  await disk!.fill(20 << 20);
  expect((await person.begin(1000)).status).toBe(507);
  const refused = await person.part(location, bytes);
  expect([refused.status, (await refused.json()) as unknown]).toMatchObject([507, { resourceType: 'OperationOutcome' }]);
  await disk!.free();
  expect((await person.part(location, bytes)).status).toBe(204);
  await disk!.fill(20 << 20);
  expect((await person.store({ files: [{ upload: idOf(location) }] })).status).toBe(507);
  await disk!.free();
  expect(await (await person.store({ files: [{ upload: idOf(location) }] })).json()).toMatchObject({ files: [{ state: 'stored' }] });
}); // prettier-ignore

test.skipIf(!canMount)('parts and pictures that were begun while there was room leave free what is kept for the database', async () => {
  const person = uploader(full!, (await full!.signIn('patient')).access_token);
  const large = Buffer.concat([own(), Buffer.alloc(60 << 20)]);
  const locations = [(await person.begin(large.length)).headers.get('Location')!, (await person.begin(large.length)).headers.get('Location')!];
  const picture = await sharp({ create: { width: 4500, height: 4500, channels: 3, background: '#104010' } }).png().toBuffer(); // 58 MiB as an image
  const upload = await person.whole(picture);
  const free = async () => {
    const { bavail, bsize } = await statfs(disk!.path);
    return bavail * bsize;
  };
  const kept = (64 << 20) - (24 << 20); // some is taken between two looks
  await disk!.fill(80 << 20);
  expect((await Promise.all(locations.map((one) => person.part(one, large)))).map(({ status }) => status)).toEqual([507, 507]);
  expect(await free()).toBeGreaterThan(kept);
  for (const one of locations) await person.remove(one);
  expect((await person.store({ files: [{ upload }], modality: 'DX' })).status).toBe(507);
  expect(await free()).toBeGreaterThan(kept);
  await disk!.free();
}); // prettier-ignore

/** Clients that leave at any moment cost nothing for longer than that: every upload and download route, at ten points each. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageFile, syntaxes } from '../harness/dicom-file.ts';
import { startCountedServer, type CountedServer } from '../harness/counted-server.ts';

const study = '2.25.71';
const place = `/dicomweb/studies/${study}/series/${study}.1/instances/${study}.1.1`;
const related = 'multipart/related; type="application/dicom"; boundary=L';
const anyDicom = (type: string) => `multipart/related; type="${type}"; transfer-syntax=*`;

interface Sent {
  head: string;
  headers?: Record<string, string>;
  body: Buffer;
}

const multipart = (files: Buffer[]) =>
  Buffer.concat([
    ...files.flatMap((file) => [
      Buffer.from('--L\r\nContent-Type: application/dicom\r\n\r\n'),
      file,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--L--\r\n'),
  ]);
const json = (value: object) => Buffer.from(JSON.stringify(value));
const patients = Array.from({ length: 40 }, (_, i) => ({
  request: { method: 'POST', url: 'Patient' },
  resource: { resourceType: 'Patient', name: [{ family: `Invented${i}` }] },
}));
const large = () =>
  multipart([
    imageFile({ rows: 700, columns: 700 }),
    imageFile({ transferSyntax: syntaxes.deflated, rows: 300, columns: 300 }),
    ...Array.from({ length: 10 }, () => imageFile()),
  ]);

const uploads: [string, () => Sent][] = [
  ['STOW', () => ({ head: 'POST /dicomweb/studies', headers: { 'Content-Type': related }, body: large() })],
  [
    'STOW, compressed',
    () => ({
      head: 'POST /dicomweb/studies',
      headers: { 'Content-Type': related, 'Content-Encoding': 'gzip' },
      body: gzipSync(large()),
    }),
  ],
  [
    'STOW of one file',
    () => ({
      head: 'POST /dicomweb/studies',
      headers: { 'Content-Type': 'application/dicom' },
      body: imageFile({ rows: 700, columns: 700 }),
    }),
  ],
  [
    'create',
    () => ({
      head: 'POST /fhir/Patient',
      body: json({ resourceType: 'Patient', name: [{ family: 'x'.repeat(20_000) }] }),
    }),
  ],
  ['batch', () => ({ head: 'POST /fhir', body: json({ resourceType: 'Bundle', type: 'batch', entry: patients }) })],
  [
    'transaction',
    () => ({ head: 'POST /fhir', body: json({ resourceType: 'Bundle', type: 'transaction', entry: patients }) }),
  ],
  [
    'Binary',
    () => ({
      head: 'POST /fhir/Binary',
      headers: { 'Content-Type': 'application/pdf' },
      body: Buffer.alloc(300_000, 7),
    }),
  ],
  [
    'search by form',
    () => ({
      head: 'POST /fhir/Patient/_search',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(`name=${'x'.repeat(2000)}`),
    }),
  ],
  [
    'token endpoint',
    () => ({
      head: 'POST /oidc/token',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: '' },
      body: Buffer.from(`grant_type=${'x'.repeat(20_000)}`),
    }),
  ],
];

const downloads: [string, string, string][] = [
  ['study as stored', `/dicomweb/studies/${study}`, anyDicom('application/dicom')],
  ['study, decompressed', `/dicomweb/studies/${study}`, 'multipart/related; type="application/dicom"'],
  ['instance', place, 'application/dicom; transfer-syntax=*'],
  ['frames', `${place}/frames/1,2,3,4,5,6,7,8,9,10`, anyDicom('application/octet-stream')],
  ['bulk data', `${place}/bulkdata/7FE00010`, 'application/octet-stream'],
  ['rendered', `${place}/rendered`, 'image/png'],
  ['metadata', `/dicomweb/studies/${study}/metadata`, 'application/dicom+json'],
  ['QIDO', '/dicomweb/instances?includefield=all', 'application/dicom+json'],
  ['FHIR search', '/fhir/Patient?_count=100', 'application/fhir+json'],
  ['page', '/', 'text/html'],
];

describe.skipIf(process.platform !== 'linux')('a client that leaves', () => {
  let server: CountedServer;
  let token: string;
  beforeAll(async () => {
    server = await startCountedServer();
    token = await server.token();
    const frames = { rows: 512, columns: 512, frames: 24 };
    const one = imageFile({ study, series: `${study}.1`, instance: `${study}.1.1`, ...frames });
    const two = imageFile({ study, series: `${study}.1`, instance: `${study}.1.2`, transferSyntax: syntaxes.deflated });
    const whole = { head: 'POST /dicomweb/studies', headers: { 'Content-Type': related }, body: multipart([one, two]) };
    expect((await exchange(whole, whole.body.length)).text).toMatch(/^HTTP\/1\.1 200/);
  });
  afterAll(() => server?.stop());

  /** Sends so many bytes of the body, takes at most so many of the answer, and leaves. */
  async function exchange(
    { head, headers = {}, body }: Sent,
    send: number,
    take = Infinity,
  ): Promise<{ text: string; received: number }> {
    const socket = connect(server.port, 'localhost');
    await once(socket, 'connect');
    const all = {
      Host: 'localhost',
      Connection: 'close',
      'Content-Type': 'application/fhir+json',
      Authorization: `Bearer ${token}`,
      ...(body.length > 0 && { 'Content-Length': String(body.length) }),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    let [text, received] = ['', 0];
    const ended = new Promise<void>((done) => {
      socket.on('error', () => done()).once('close', () => done());
      socket.on('data', (chunk: Buffer) => {
        if (received < 100) text += chunk.toString('latin1', 0, 100);
        received += chunk.length;
        if (received >= take) done();
      });
    });
    socket.write(`${head} HTTP/1.1\r\n${lines.join('')}\r\n`);
    await new Promise<void>((done) => socket.write(body.subarray(0, send), () => done()));
    if (send === body.length && take > 0) await ended;
    socket.destroy();
    return { text, received };
  }

  const atTenPoints = (leave: (tenth: number) => Promise<unknown>) =>
    Promise.all(Array.from({ length: 10 }, (_, tenth) => leave(tenth)));

  async function abortAll(): Promise<void> {
    for (const [, make] of uploads) {
      const sent = make();
      await atTenPoints((tenth) => exchange(sent, Math.floor((sent.body.length * tenth) / 10)));
      await exchange(sent, sent.body.length, 0); // all of it, and nothing of the answer
    }
    for (const [name, path, accept] of downloads) {
      const asked = { head: `GET ${path}`, headers: { Accept: accept }, body: Buffer.alloc(0) };
      const { received, text } = await exchange(asked, 0);
      expect([name, text.slice(0, 12)]).toEqual([name, 'HTTP/1.1 200']);
      await atTenPoints((tenth) => exchange(asked, 0, Math.floor((received * tenth) / 10)));
      await exchange({ ...asked, head: `HEAD ${path}` }, 0);
      await exchange({ ...asked, headers: { ...asked.headers, Range: 'bytes=999999999-' } }, 0, 1);
    }
  }

  const files = () => server.descriptors().filter((target) => target.startsWith(server.dataDir));
  const temporary = () => readdirSync(join(server.dataDir, 'blobs', 'incoming'));

  test('leaves no open file, no temporary file, no connection and no memory behind, and no fault', async () => {
    await abortAll(); // pools fill, code is compiled
    await expect.poll(() => [files(), temporary()], { timeout: 15_000 }).toEqual([[], []]);
    const [descriptors, memory] = [server.descriptors().length, server.memory()];
    for (let round = 0; round < 2; round++) await abortAll();
    await expect.poll(() => [files(), temporary()], { timeout: 15_000 }).toEqual([[], []]);
    // Connections to the database come and go with the pool.
    await expect.poll(() => server.descriptors().length - descriptors, { timeout: 15_000 }).toBeLessThan(15);
    expect((server.memory() - memory) / 2 ** 20).toBeLessThan(200);
    expect(server.process.exitCode).toBeNull();
    expect(server.output()).not.toMatch(/unexpected fault|answer failed|uncaught/i);
  }, 180_000);
});

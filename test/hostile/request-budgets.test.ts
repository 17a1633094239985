import { readdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { bodyOf, readBody } from '../../server/http/request/body.ts';
import { dicomFile, imageFile, syntaxes } from '../harness/dicom-file.ts';
import { dicomwebServer, type DicomwebServer } from '../dicomweb/server.ts';

let server: DicomwebServer;
let incoming: string;
beforeAll(async () => {
  server = await dicomwebServer({ budget: { parts: 3000, storeBytes: 64 << 20 } });
  const root = dirname(dirname(dirname(server.world.blobs.pathOf('0'.repeat(64)))));
  incoming = `${root}/incoming`;
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

interface Part {
  head?: string;
  body?: Uint8Array;
}

const multipart = (parts: Part[]) =>
  Buffer.concat([
    ...parts.flatMap(({ head = '', body = new Uint8Array() }) => [
      Buffer.from(`--L\r\n${head}\r\n`),
      body,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('--L--\r\n'),
  ]);

async function store(parts: Part[], coding?: string): Promise<{ status: number; ms: number; text: string }> {
  const start = performance.now();
  const body = multipart(parts);
  const answer = await fetch(`${server.base}/studies`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer all',
      Accept: 'application/dicom+json',
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=L',
      ...(coding && { 'Content-Encoding': coding }),
    },
    body: Buffer.from(coding ? gzipSync(body) : body),
  });
  return { status: answer.status, text: await answer.text(), ms: performance.now() - start };
}

test('thousands of empty parts, or parts of rubbish, cost next to nothing and leave no file', async () => {
  for (const body of [new Uint8Array(), Buffer.alloc(2000, 7)]) {
    const { status, ms } = await store(Array.from({ length: 2500 }, () => ({ body })));
    expect([status, ms < 3000]).toEqual([409, true]);
  }
  expect(readdirSync(incoming)).toEqual([]);
});

test('more parts than a request may have are refused, with what was stored before left alone', async () => {
  const { status, text } = await store(Array.from({ length: 3001 }, () => ({})));
  expect([status, text]).toEqual([413, expect.stringContaining('3000 parts')]);
});

test('a part with headers without end is refused, also when they are compressed', async () => {
  const head = Array.from({ length: 40_000 }, (_, i) => `x${i}: ${'v'.repeat(60)}\r\n`).join('');
  for (const coding of [undefined, 'gzip'])
    expect((await store([{ head, body: imageFile() }], coding)).status).toBe(413);
});

test('a small body does not fill the disk when it is inflated', async () => {
  const reader = createServer((request, response) => {
    void (async () => {
      for await (const chunk of bodyOf(request, Infinity, { free: 1 << 20, ratio: 100 })) void chunk;
    })().then(
      () => response.end('all of it'),
      (error: unknown) => response.end(error instanceof Problem ? error.code : String(error)),
    );
  });
  await new Promise<void>((done) => reader.listen(0, '127.0.0.1', done));
  const { port } = reader.address() as AddressInfo;
  const send = async (bytes: Buffer) =>
    (await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(bytes) as Uint8Array<ArrayBuffer> })).text(); // prettier-ignore
  expect(await send(Buffer.alloc(30 << 20))).toBe('too-long');
  expect(await send(randomBytes(3 << 20))).toBe('all of it');
  reader.close();
});

test('masks that shrink hundreds of times are no attack: they are stored as they came', async () => {
  const masks = imageFile({ rows: 3000, columns: 6000, bits: 8, pixels: Buffer.alloc(3000 * 6000) });
  expect((await store([{ body: masks }, { body: masks }], 'gzip')).status).toBe(200);
  expect(readdirSync(incoming)).toEqual([]);
});

test('a body in crumbs is refused before it is millions of buffers, and one in pieces is read', async () => {
  const reader = createServer((request, response) => {
    readBody(request, 10 << 20).then(
      (bytes) => response.end(String(bytes.length)),
      (error: unknown) => response.end(error instanceof Problem ? error.code : String(error)),
    );
  });
  await new Promise<void>((done) => reader.listen(0, '127.0.0.1', done));
  const { port } = reader.address() as AddressInfo;
  const chunked = (size: number, number: number) =>
    new Promise<string>((done, fail) => {
      const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(
          `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(number)}0\r\n\r\n`,
        ),
      );
      socket.on('data', (data) => {
        done(data.toString('latin1').split('\r\n\r\n')[1]!);
        socket.destroy();
      });
      socket.on('error', fail);
    });
  expect(await chunked(1, 50_000)).toContain('structure');
  expect(await chunked(100, 20_000)).toContain('2000000');
  expect(await chunked(1, 5_000)).toContain('5000');
  reader.close();
});

test('broken deflated instances leave neither files nor descriptors', async () => {
  const broken = dicomFile([['00080018', 'UI', '1.2.3']], { transferSyntax: syntaxes.deflated });
  const parts = Array.from({ length: 60 }, () => ({
    body: Buffer.concat([broken.subarray(0, -4), Buffer.alloc(64, 255)]),
  }));
  await store(parts.slice(0, 2));
  const open = () => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);
  const before = open();
  expect((await store(parts)).status).toBe(409);
  expect(open() - before).toBeLessThan(10);
  expect(readdirSync(incoming)).toEqual([]);
});

test('a client that leaves takes its instances out of the queue', async () => {
  const body = multipart(Array.from({ length: 400 }, (_, i) => ({ body: imageFile({ instance: `1.2.9.${i}` }) })));
  const asking = request(`${server.base}/studies`, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer all',
      'Content-Type': 'multipart/related; type="application/dicom"; boundary=L',
      'Content-Length': body.length + 1000,
    },
  });
  asking.on('error', () => undefined).write(body.subarray(0, body.length - 100));
  await expect.poll(() => readdirSync(incoming).length).toBeGreaterThan(20);
  asking.destroy();
  await expect.poll(() => readdirSync(incoming).length, { timeout: 5000 }).toBe(0);
});

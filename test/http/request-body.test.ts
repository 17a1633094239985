import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { readBody } from '../../server/http/request/body.ts';

let http: Server;
beforeAll(async () => {
  http = createServer((asked, answer) => {
    readBody(asked, 1 << 20).then(
      (body) => answer.end(`${body.length} bytes`),
      (error: unknown) => answer.end(error instanceof Problem ? error.code : String(error)),
    );
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  http.closeAllConnections();
  await new Promise((done) => http.close(done));
});

function send(coding: string, body: Buffer): Promise<string> {
  const { port } = http.address() as AddressInfo;
  return new Promise((done, fail) => {
    const asking = request({ port, method: 'POST', headers: { 'Content-Encoding': coding } }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.once('end', () => done(text));
    });
    asking.once('error', fail).end(body);
  });
}

const text = Buffer.alloc(100_000, 'x');
it.each([
  ['gzip', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['br', brotliCompressSync(text)],
])('a body in %s is unpacked; cut, or with something behind it, it is refused', async (coding, packed) => {
  expect(await send(coding, packed)).toBe('100000 bytes');
  expect(await send(coding, packed.subarray(0, -4))).toBe('structure');
  expect(await send(coding, Buffer.concat([packed, Buffer.alloc(50, 7)]))).toBe('structure');
});

it('bytes that only begin with an empty stream are no empty body', async () => {
  expect(await send('br', Buffer.from([0x06]))).toBe('0 bytes');
  expect(await send('br', Buffer.concat([Buffer.from([0x06]), Buffer.alloc(499, 0xab)]))).toBe('structure');
});

it('several members of gzip are one body (RFC 1952 2.2)', async () => {
  expect(await send('gzip', Buffer.concat([gzipSync(text), gzipSync(text)]))).toBe('200000 bytes');
});

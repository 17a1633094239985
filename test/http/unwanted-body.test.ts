import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { readBody } from '../../server/http/request/body.ts';
import { unwantedBody } from '../../server/http/request/unwanted-body.ts';
import { koaListener } from '../../server/http/koa-listener.ts';

let http: Server;
let received = 0;
beforeAll(async () => {
  const app = new Koa();
  app.silent = true;
  app.use(unwantedBody());
  app.use(async (ctx) => {
    if (ctx.path === '/refused') return void (ctx.status = 401);
    try {
      ctx.body = String((await readBody(ctx.req, 1 << 20)).length);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      ctx.status = { 'too-long': 413, structure: 400, 'media-type': 415 }[error.code as string] ?? 500;
      ctx.body = error.message;
    }
  });
  http = createServer(koaListener(app));
  http.on('connection', (socket) => socket.once('close', () => (received = socket.bytesRead)));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
});

/** Writes a request and then more and more of its body, as a client that does not listen does. */
function flood(head: string, chunk: Buffer, limit: number): Promise<{ text: string; sent: number; ms: number }> {
  const start = performance.now();
  const socket = connect((http.address() as AddressInfo).port, '127.0.0.1');
  let [text, sent] = ['', 0];
  const more = () => {
    while (!socket.destroyed && sent < limit) {
      sent += chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', more);
    }
  };
  socket.on('data', (bytes: Buffer) => (text += bytes.toString())).on('error', () => undefined);
  socket.write(`${head} HTTP/1.1\r\nHost: x\r\n`);
  socket.write(`Content-Length: ${limit}\r\n\r\n`, more);
  return new Promise((done) => socket.once('close', () => done({ text, sent, ms: performance.now() - start })));
}

describe('a body that nobody wants', () => {
  it.each([
    ['POST /refused', 401],
    ['POST /read', 413],
  ])('is not read to its end, and the client of %s gets its answer', async (head, status) => {
    const { text, ms } = await flood(head, Buffer.alloc(65_536), 1 << 30);
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close`));
    expect(received).toBeLessThan(8 << 20);
    expect(ms).toBeLessThan(6000);
  });

  it('keeps the connection when it was read, also when its end comes a little later', async () => {
    const socket = connect((http.address() as AddressInfo).port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
    for (let n = 0; n < 2; n++) socket.write('POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
    await expect.poll(() => text.match(/200 OK/g)?.length).toBe(2);
    expect(text).not.toContain('Connection: close');
    socket.destroy();
  });
});

describe('a body with a content coding', () => {
  const post = async (body: Buffer, coding: string) => {
    const { port } = http.address() as AddressInfo;
    const headers = { 'Content-Encoding': coding };
    const answer = await fetch(`http://127.0.0.1:${port}/read`, { method: 'POST', body: Buffer.from(body), headers });
    return { status: answer.status, text: await answer.text() };
  };

  it('is read without it, up to the limit of what comes out', async () => {
    expect(await post(gzipSync(Buffer.alloc(1000)), 'gzip')).toEqual({ status: 200, text: '1000' });
    expect((await post(gzipSync(Buffer.alloc(2 << 20)), 'gzip')).status).toBe(413);
  });

  it('is refused when it is broken, cut short or of a kind that is not known', async () => {
    const whole = gzipSync(Buffer.alloc(1000, 'abc'));
    for (const [body, coding, status] of [
      [Buffer.from('no gzip at all'), 'gzip', 400],
      [whole.subarray(0, whole.length - 12), 'gzip', 400],
      [Buffer.alloc(500, 0xe7), 'br', 400],
      [Buffer.alloc(500, 0xe7), 'deflate', 400],
      [whole, 'constructor', 415],
      [whole, 'gzip, gzip', 415],
    ] as const)
      expect([coding, (await post(Buffer.from(body), coding)).status]).toEqual([coding, status]);
  });
});

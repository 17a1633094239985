import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultBudget } from '../../server/http/budget.ts';
import { keepPace } from '../../server/http/request/pace.ts';

const size = 32 << 20;
const ended: string[] = [];
let http: Server;
let port: number;
beforeAll(async () => {
  http = createServer((asked, answer) => {
    answer.once('close', () => ended.push(`${asked.url} ${answer.writableFinished ? 'answered' : 'cut off'}`));
    asked.on('error', () => undefined);
    if (asked.url === '/large') return void answer.end(Buffer.alloc(size));
    // A server that takes its time with the first bytes is no fault of the client.
    setTimeout(() => asked.resume(), Number(asked.headers['x-wait'] ?? 0));
    asked.once('end', () => answer.end('done'));
  });
  keepPace(http, {
    ...defaultBudget.pace,
    bytesPerSecond: 10_000,
    grace: 400,
    receivingWindow: 300,
    sendingWindow: 500,
  });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  port = (http.address() as AddressInfo).port;
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
});

/** Sends so many bytes every 50 ms until the connection is closed or the body is whole. */
async function dripped(bytes: number, length: number): Promise<{ text: string; ms: number }> {
  const start = performance.now();
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
  const closed = new Promise<void>((done) => socket.once('close', done));
  const drip = setInterval(() => {
    if (length > 0 && socket.writable) socket.write(Buffer.alloc(Math.min(bytes, length)));
    length -= bytes;
  }, 50);
  await closed;
  clearInterval(drip);
  return { text, ms: performance.now() - start };
}

test('a body that comes a few bytes at a time is answered 408 and its connection closed', async () => {
  const { text, ms } = await dripped(1, 100_000);
  expect(text).toMatch(/^HTTP\/1\.1 408 [^]*Connection: close/);
  expect(ms).toBeLessThan(3000 + 3000); // and a moment to read the answer
});

test('a body that comes at the least rate may take as long as it needs', async () => {
  const { text, ms } = await dripped(1000, 40_000);
  expect(text).toMatch(/^HTTP\/1\.1 200 /);
  expect(ms).toBeGreaterThan(1500);
});

test('a client whose bytes wait here unread is not too slow', async () => {
  const answer = await new Promise<number | undefined>((done, fail) => {
    const asking = request({ port, method: 'POST', headers: { 'X-Wait': '1500' } }, (reply) => {
      reply.resume();
      done(reply.statusCode);
    });
    asking.once('error', fail).end(Buffer.alloc(8 << 20));
  });
  expect(answer).toBe(200);
});

async function reading(bytes: number, ms: number): Promise<{ received: number; closed: boolean }> {
  ended.length = 0;
  const socket: Socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined).pause();
  socket.write('GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  let received = 0;
  const until = performance.now() + 8000;
  while (performance.now() < until && received < size && !ended.some((how) => how.endsWith('cut off'))) {
    const chunk = socket.read() as Buffer | null;
    received += chunk?.length ?? 0;
    await sleep(chunk && received < bytes ? 0 : ms);
  }
  socket.destroy();
  return { received, closed: ended.length > 0 };
}

test('a client that does not take its answer is cut off, one that takes it slowly is not', async () => {
  expect(await reading(0, 10_000 / 20)).toMatchObject({ closed: true });
  expect(ended).toEqual(['/large cut off']);
  const slow = await reading(Infinity, 1);
  expect(slow.received).toBeGreaterThan(size - 1000);
});

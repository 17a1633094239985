import { createServer, request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limitSilence } from '../../server/http/silence.ts';

let http: Server;
let port: number;
beforeAll(async () => {
  http = createServer((asked, answer) => {
    asked.on('error', () => undefined).resume(); // the client that is let go
    asked.once('end', () => setTimeout(() => answer.end('done'), Number(asked.headers['x-work'])));
  });
  limitSilence(http, { receiving: 200, answering: 1500 });
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
  port = (http.address() as AddressInfo).port;
});
afterAll(() => {
  http.closeAllConnections();
  http.close();
});

function post(work: number): Promise<string> {
  return new Promise((done, fail) => {
    const asking = request({ port, method: 'POST', headers: { 'X-Work': work } }, (answer) => {
      answer.setEncoding('utf8').once('data', done);
    });
    asking.once('error', fail).end('all of it');
  });
}

test('an answer that takes longer than a client may be silent still arrives', async () => {
  expect(await post(800)).toBe('done');
});

test('a client that stops sending is let go, and so is one of which nothing is heard for too long', async () => {
  const socket = connect(port, '127.0.0.1');
  const start = performance.now();
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nX-Work: 0\r\nContent-Length: 100\r\n\r\nnot all of it');
  await new Promise((done) => socket.once('close', done).resume());
  expect(performance.now() - start).toBeLessThan(1400);
  await expect(post(5000)).rejects.toMatchObject({ code: 'ECONNRESET' });
});

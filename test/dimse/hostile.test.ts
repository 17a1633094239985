import { setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pdu, pduType, releaseRequestPdu } from '../../server/dimse/upper-layer/pdu.ts';
import { associate, answer, answers, command, data, dataSet, echoRequest, storeRequest } from './bytes.ts';
import { dimseServer, type DimseServer } from './server.ts';

let server: DimseServer;

beforeAll(async () => {
  server = await dimseServer({ patienceMs: 6_000 });
  await server.register();
});
afterAll(() => server.close());

/** A well-meaning caller is answered: the process is well. */
async function isWell(): Promise<void> {
  const socket = await server.connect();
  socket.write(associate());
  expect((await answer(socket)).type).toBe(pduType.accept);
  socket.write(echoRequest());
  expect((await answer(socket)).type).toBe(pduType.data);
  socket.write(releaseRequestPdu());
  expect((await answer(socket)).type).toBe(pduType.releaseReply);
  socket.destroy();
  expect(server.faults).toEqual([]);
}

const abort = (reason: number) => ({ type: pduType.abort, body: Buffer.from([0, 0, 2, reason]) });
const huge = Buffer.from([pduType.data, 0, 0xff, 0xff, 0xff, 0xff]);

test.each<[string, Buffer, number]>([
  ['a PDU of no type', Buffer.from([9, 0, 0, 0, 0, 0]), 1],
  ['data before an association', echoRequest(), 2],
  ['a request of 4 GiB', Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff]), 6],
  ['a request that is cut off', pdu(pduType.associateRequest, Buffer.alloc(20)), 6],
  ['a request whose item leads out of it', pdu(pduType.associateRequest, Buffer.concat([Buffer.alloc(68), Buffer.from([0x10, 0, 0xff, 0xff])])), 6],
  ['a request with the same context twice', associate({ contexts: [{ id: 1, abstractSyntax: '1.2', transferSyntaxes: [] }, { id: 1, abstractSyntax: '1.2', transferSyntaxes: [] }] }), 6],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), 1],
])('%s is answered with an abort', async (_what, bytes, reason) => {
  const socket = await server.connect();
  const heard = answers(socket);
  socket.write(bytes);
  expect(await heard).toEqual([abort(reason)]);
  await isWell();
}); // prettier-ignore

test.each<[string, Buffer, number]>([
  ['an accept', pdu(pduType.accept, Buffer.alloc(68)), 2],
  ['data of 4 GiB', huge, 6],
  ['a PDU with nothing in it', pdu(pduType.data, Buffer.alloc(0)), 6],
  ['a value that leads out of its PDU', pdu(pduType.data, Buffer.from([0, 0, 0, 99, 1, 3])), 6],
  ['a value of no length', pdu(pduType.data, Buffer.from([0, 0, 0, 0, 1, 3])), 6],
  ['a context that was not agreed on', echoRequest(77), 5],
  ['a data set where a command belongs', data(1, dataSet, Buffer.alloc(8)), 5],
  ['a command that cannot be read', data(1, command, Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0, 0])), 6],
  ['a command without a command', data(1, command, Buffer.alloc(0)), 6],
  ['an answer that nobody waits for', data(1, command, Buffer.from('00000001020000003080', 'hex')), 5],
])('%s in an association is answered with an abort', async (_what, bytes, reason) => {
  const socket = await server.connect();
  socket.write(associate());
  await answer(socket);
  const heard = answers(socket);
  socket.write(bytes);
  expect(await heard).toEqual([abort(reason)]);
  await isWell();
}); // prettier-ignore

test('a conversation that is cut off anywhere harms nobody, and leaves nothing behind', async () => {
  const said = Buffer.concat([associate(), echoRequest(), storeRequest('1.2.3'), data(3, 0, Buffer.alloc(3000, 7))]);
  const cuts = Array.from({ length: 60 }, (_, i) => 1 + Math.floor((said.length * i) / 60));
  for (let at = 0; at < cuts.length; at += 6) {
    await Promise.all(
      cuts.slice(at, at + 6).map(async (cut) => {
        const socket = await server.connect();
        socket.on('error', () => undefined).resume();
        socket.write(said.subarray(0, cut));
        await sleep(20);
        if (cut % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }),
    );
  }
  await isWell();
  for (let i = 0; i < 100 && server.face.associations() > 0; i++) await sleep(100);
  expect(server.face.associations()).toBe(0);
});

test('a caller that says nothing is sent away in time, and so is one that dribbles', async () => {
  const silent = await server.connect();
  const dribbling = await server.connect();
  const request = associate();
  let said = 0;
  const timer = setInterval(() => dribbling.write(request.subarray(said, ++said)), 300);
  const ended = (socket: Socket) => new Promise((done) => socket.on('error', () => undefined).once('close', done).resume()); // prettier-ignore
  await Promise.all([ended(silent), ended(dribbling)]);
  clearInterval(timer);
  expect(said).toBeLessThan(request.length);
  await isWell();
}, 40_000);

test('a thousand connections keep nobody out for long, and are bounded', async () => {
  const sockets = await Promise.all(Array.from({ length: 1000 }, () => server.connect().catch(() => undefined)));
  const open = () => sockets.filter((socket) => socket && !socket.destroyed).length;
  for (const socket of sockets) socket?.on('error', () => undefined).resume();
  for (let i = 0; i < 100 && open() > 40; i++) await sleep(100);
  expect(open()).toBeLessThanOrEqual(40);
  for (const socket of sockets) socket?.destroy();
  await sleep(100);
  await isWell();
}, 40_000);

test('who asks when there are too many associations is told so, and may come again', async () => {
  const small = await dimseServer({ mostAssociations: 1 });
  await small.register();
  const [one, two] = [await small.connect(), await small.connect()];
  one.write(associate());
  expect((await answer(one)).type).toBe(pduType.accept);
  two.write(associate());
  expect(await answer(two)).toEqual({ type: pduType.reject, body: Buffer.from([0, 2, 3, 2]) });
  one.write(releaseRequestPdu());
  await answer(one);
  for (let i = 0; i < 100 && small.face.associations() > 0; i++) await sleep(50);
  const again = await small.connect();
  again.write(associate());
  expect((await answer(again)).type).toBe(pduType.accept);
  for (const socket of [one, two, again]) socket.destroy();
  await small.close();
});

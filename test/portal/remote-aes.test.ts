import type { OperationOutcome } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDimse } from '../../server/compose/dimse.ts';
import type { DimseFace } from '../../server/dimse/face.ts';
import { createLogger } from '../../server/log.ts';
import { readConfig } from '../../server/config.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { sendFiles } from '../dimse/clients.ts';

// AE titles as an administrator keeps them, and what they do as soon as they are there.
let server: TestServer;
let admin: Caller;
let dimse: DimseFace;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
  const start = {
    config: readConfig({ DIMSE_PORT: '0' }),
    log: createLogger('silent'),
    closing: server.system.closing,
  };
  dimse = (await openDimse(start, server.system.world))!;
}, 120_000);
afterAll(() => server.stop());

interface Shown {
  id: string;
  title: string;
  version: number;
  may: string[];
  lastContactAt?: string;
  registeredBy?: string;
  [more: string]: unknown;
}

const base = '/portal/remote-aes';
const json = { 'Content-Type': 'application/json' };
const send = (method: string, path: string, body: unknown = '', who = admin) =>
  who.send(method, base + path, body, json);
const list = async () => (await admin.json<{ aes: Shown[] }>(base)).aes;
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;
const draft = { title: 'CT1', name: 'CT in room 1', addresses: ['127.0.0.1'], may: ['echo', 'store'] };

test('an AE title that is registered stores at once, and its contact is seen; removed, it is a stranger', async () => {
  const answer = await send('POST', '', draft);
  expect(answer.status).toBe(201);
  const ae = (await answer.json()) as Shown;
  expect(ae).toMatchObject({ title: 'CT1', version: 1, may: ['echo', 'store'], disabled: false, registeredBy: expect.stringMatching(/\w/) as string }); // prettier-ignore
  expect(ae.lastContactAt).toBeUndefined();
  const study = newUid();
  expect(await sendFiles(dimse.port!, [imageFile({ study })], { as: 'CT1' })).toEqual([0]);
  expect((await list()).find(({ title }) => title === 'CT1')!.lastContactAt).toMatch(/^20/);
  expect((await send('DELETE', `/${ae.id}`)).status).toBe(204);
  await expect(sendFiles(dimse.port!, [imageFile({ study })], { as: 'CT1' })).rejects.toThrow('does not know our AE title');
}); // prettier-ignore

test('a change counts from the next association on, and of two at once one is refused', async () => {
  const ae = (await (await send('POST', '', { ...draft, title: 'CT2' })).json()) as Shown;
  const changed = await send('PUT', `/${ae.id}`, { ...draft, title: 'CT2', may: ['find'], version: 1 });
  expect(await changed.json()).toMatchObject({ version: 2, may: ['find'] });
  expect(await sendFiles(dimse.port!, [imageFile()], { as: 'CT2' })).toEqual(['no context']);
  expect((await send('PUT', `/${ae.id}`, { ...draft, title: 'CT2', version: 1 })).status).toBe(409);
  expect((await send('PUT', `/${ae.id}`, { ...draft, title: 'CT2', version: 2, disabled: true })).status).toBe(200);
  await expect(sendFiles(dimse.port!, [imageFile()], { as: 'CT2' })).rejects.toThrow('does not know our AE title');
});

test.each<[string, object, RegExp]>([
  ['no title', { title: ' ' }, /title: 1 to 16/],
  ['a title that is too long', { title: 'SEVENTEEN_LETTERS' }, /title: 1 to 16/],
  ['a title with a backslash', { title: 'A\\B' }, /title: 1 to 16/],
  ['no name', { name: '' }, /name: 1 to 100/],
  ['an address that is none', { addresses: ['10.0.0.300'] }, /addresses: up to 20/],
  ['a host without a port', { host: 'ct1.example' }, /port: images are moved/],
  ['a port without a host', { port: 104 }, /host: images are moved/],
  ['a host that is an address of the web', { host: 'http://a/', port: 104 }, /host: a name or an address/],
  ['a fingerprint that is none', { fingerprint: 'abc' }, /fingerprint: the SHA-256/],
])('%s is refused with the field and what to do', async (_what, wrong, words) => {
  const answer = await send('POST', '', { ...draft, title: 'WRONG', ...wrong });
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(await said(answer)).toMatch(words);
});

test('a title is registered once', async () => {
  await send('POST', '', { ...draft, title: 'TWICE' });
  const again = await send('POST', '', { ...draft, title: 'TWICE' });
  expect(again.status).toBe(409);
  expect(await said(again)).toMatch(/TWICE is registered already/);
});

test('an echo is sent to where it listens, and what came of it is said in words', async () => {
  const own = { ...draft, title: 'CSSS', name: 'This server itself', host: '127.0.0.1', port: dimse.port! };
  const ae = (await (await send('POST', '', own)).json()) as Shown;
  expect(await (await send('POST', `/${ae.id}/echo`)).json()).toMatchObject({ ok: true, text: expect.stringMatching(/CSSS answers after \d+ ms/) as string }); // prettier-ignore
  await send('PUT', `/${ae.id}`, { ...own, port: 1 });
  expect(await (await send('POST', `/${ae.id}/echo`)).json()).toMatchObject({ ok: false, text: expect.stringMatching(/cannot be reached: nothing listens there.*check host and port/) as string }); // prettier-ignore
  const silent = (await (await send('POST', '', { ...draft, title: 'SILENT' })).json()) as Shown;
  expect(await (await send('POST', `/${silent.id}/echo`)).json()).toMatchObject({ ok: false, text: expect.stringMatching(/has no address/) as string }); // prettier-ignore
});

test('nobody but administrators sees or changes AE titles', async () => {
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  expect((await send('POST', '', draft, doctor)).status).toBe(403);
  expect((await doctor.get(base)).status).toBe(403);
});

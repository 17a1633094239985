import type { OperationOutcome } from '@medplum/fhirtypes';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'fhir-kit-client';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { backendToken, type BackendKey } from '../harness/sign-in.ts';

// Backend services and senders, as an administrator registers them: they sign with keys of their own.
let server: TestServer;
let admin: Caller;
let publisher: Server;
let published: { keys: JWK[] };
let address: string;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
  publisher = createServer((_request, response) => response.end(JSON.stringify(published)));
  await new Promise<void>((done) => publisher.listen(0, '127.0.0.1', done));
  address = `http://127.0.0.1:${(publisher.address() as AddressInfo).port}/keys`;
}, 120_000);
afterAll(async () => {
  await new Promise((done) => publisher.close(done).closeAllConnections());
  await server.stop();
});

const post = (path: string, body: unknown = '') =>
  admin.send('POST', `/portal/clients${path}`, body, { 'Content-Type': 'application/json' });
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;

async function register(body: object): Promise<void> {
  const answer = await post('', body);
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function makeKey(clientId: string): Promise<{ key: BackendKey; jwks: { keys: JWK[] } }> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const named = { kid: 'one', alg: 'ES384', use: 'sig' };
  return {
    key: { clientId, key: { ...(await exportJWK(privateKey)), ...named } },
    jwks: { keys: [{ ...(await exportJWK(publicKey)), ...named }] },
  };
}

const sender = { name: 'PACS', kind: 'sender', method: 'private_key_jwt', scope: 'system/ImagingStudy.cruds' };

test('registered as a sender stores images by STOW-RS', async () => {
  const { key, jwks } = await makeKey('pacs-main');
  await register({ ...sender, id: 'pacs-main', jwks });
  const { access_token: token } = await backendToken(server.url, key, 'system/ImagingStudy.cruds');
  const stored = await caller(server, token).store([imageFile({ patientId: 'DEMO-1001' })]);
  expect(stored.status).toBe(200);
  expect((await caller(server, token).get('/fhir/Patient')).status).toBe(403);
});

test('publishes its keys, and fhir-kit-client reads with its token', async () => {
  const { key, jwks } = await makeKey('research');
  published = jwks;
  await register({
    name: 'Research',
    kind: 'backend',
    method: 'private_key_jwt',
    scope: 'system/Patient.rs',
    id: 'research',
    jwksUri: address,
  });
  const { access_token: bearerToken } = await backendToken(server.url, key, 'system/Patient.rs');
  const client = new Client({ baseUrl: server.fhir, bearerToken });
  expect(await client.read({ resourceType: 'Patient', id: 'demo-patient-1' })).toMatchObject({
    id: 'demo-patient-1',
  });
  const look = async () =>
    (await (await post('/research/check-keys')).json()) as { ok: boolean; text: string; keys: object[] };
  expect(await look()).toMatchObject({ ok: true, keys: [{ kid: 'one', kind: 'EC P-384' }] });
  published = { keys: [{ kty: 'RSA', kid: 'short', n: 'AQAB', e: 'AQAB' }] };
  expect(await look()).toMatchObject({ ok: false, keys: [{ kid: 'short' }] });
  await new Promise((done) => publisher.close(done).closeAllConnections());
  expect(await look()).toMatchObject({ ok: false, text: expect.stringContaining('cannot be reached') as string });
});

test.each([
  ['private', (key: JWK, secret: JWK) => ({ ...key, d: secret.d! }), 'private'],
  ['without kid', ({ kid: _kid, ...key }: JWK) => key, 'kid'],
  ['symmetric', () => ({ kty: 'oct', kid: 'a', k: 'AAAA' }), 'private'],
  ['of another curve', (key: JWK) => ({ ...key, crv: 'P-256' }), 'P-384'],
  ['off the curve', (key: JWK) => ({ ...key, x: key.y! }), 'damaged'],
  ['short', () => ({ kty: 'RSA', kid: 'a', e: 'AQAB', n: Buffer.alloc(128, 255).toString('base64url') }), '2048'],
  ['for encryption', (key: JWK) => ({ ...key, use: 'enc' }), 'signatures'],
  ['with another alg', (key: JWK) => ({ ...key, alg: 'ES256' }), 'ES384'],
])('that is %s is refused with the reason', async (_name, spoil, word) => {
  const { key, jwks } = await makeKey('x');
  const answer = await post('', { ...sender, jwks: { keys: [spoil(jwks.keys[0]!, key.key)] } });
  expect(answer.status).toBe(400);
  expect(await said(answer)).toContain(word);
});

test('two of one kid, none, and both ways at once are refused', async () => {
  const { jwks } = await makeKey('x');
  for (const keys of [
    { jwks: { keys: [...jwks.keys, ...jwks.keys] } },
    { jwks: { keys: [] } },
    { jwks, jwksUri: address },
    {},
  ])
    expect((await post('', { ...sender, ...keys })).status).toBe(400);
  const inside = await post('', { ...sender, jwksUri: 'https://10.0.0.1/keys' });
  expect(inside.status).toBe(400);
  expect(await said(inside)).toContain('JWKS_HOSTS');
});

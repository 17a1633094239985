import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { echo } from '../../server/dimse/call.ts';
import { localCertificate } from '../harness/certificate.ts';
import { dimseServer, type DimseServer } from './server.ts';

const [ours, theirs, stranger] = [localCertificate(), localCertificate(), localCertificate()];
const fingerprint = createHash('sha256').update(new X509Certificate(theirs.cert).raw).digest('hex');

let server: DimseServer;

beforeAll(async () => {
  server = await dimseServer({ tlsPort: 0, tls: { ...ours, ca: theirs.cert } });
  await server.register({ title: 'SECURE', fingerprint });
  await server.register({ title: 'PLAIN' });
});
afterAll(() => server.close());

const call = (title: string, { tls, port = server.face.tlsPort!, shows = theirs, expects }: { tls: boolean; port?: number; shows?: typeof theirs; expects?: string }) =>
  echo(
    { title, tls: { ...shows, ca: ours.cert }, patienceMs: 10_000 },
    { title: 'CSSS', host: 'localhost', port, tls, ...(expects !== undefined && { fingerprint: expects }) },
  ); // prettier-ignore

test('who shows the registered certificate is answered', async () => {
  expect(await call('SECURE', { tls: true })).toBeGreaterThanOrEqual(0);
});

test('a title with a certificate is taken on no other way than by TLS', async () => {
  await expect(call('SECURE', { tls: false, port: server.port })).rejects.toThrow('does not know our AE title');
  expect(await call('PLAIN', { tls: false, port: server.port })).toBeGreaterThanOrEqual(0);
});

test('a certificate that our authority has not signed opens no association', async () => {
  await expect(call('SECURE', { tls: true, shows: stranger })).rejects.toThrow(/CSSS (cannot be reached|ends the connection)/);
}); // prettier-ignore

test('a server that shows another certificate than the registered one is not talked to', async () => {
  await expect(call('SECURE', { tls: true, expects: 'ab'.repeat(32) })).rejects.toThrow('another certificate');
});

test('TLS before 1.2 is refused', async () => {
  const socket = connect({ host: 'localhost', port: server.face.tlsPort!, ca: ours.cert, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }); // prettier-ignore
  await expect(new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail))).rejects.toThrow();
});

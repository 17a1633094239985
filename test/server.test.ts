import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from './harness/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test('health says that the process answers, readiness what it has', async () => {
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${server.url}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toMatchObject({ ready: true, components: { database: 'up' } });
});

test('without its blob folder the server is not ready and says why, and is ready again when it is back', async () => {
  const folder = dirname(dirname(dirname(server.system.world.blobs.pathOf('0'.repeat(64)))));
  await rename(folder, `${folder}-away`);
  await sleep(1_100); // an answer counts for a second
  const away = await fetch(`${server.url}/readyz`);
  await rename(`${folder}-away`, folder);
  expect(away.status).toBe(503);
  expect(await away.json()).toMatchObject({
    components: { 'blob store': expect.stringContaining('cannot be read') as unknown },
  });
  await sleep(1_100);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test('no route but the public ones answers without a token', async () => {
  for (const path of [
    '/fhir/Patient',
    '/fhir/Task/1',
    '/fhir/',
    '/fhir/_history',
    '/dicomweb/studies',
    '/dicomweb/studies/1.2.3/metadata',
  ]) {
    const answer = await fetch(server.url + path);
    expect([path, answer.status]).toEqual([path, 401]);
    expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
  }
  for (const path of [
    '/fhir/metadata',
    '/.well-known/smart-configuration',
    '/fhir/.well-known/smart-configuration',
    '/oidc/.well-known/openid-configuration',
    '/oidc/jwks',
    '/api/status',
  ]) {
    expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200]);
  }
});

test('a request for another host is refused, and discovery names ours whatever Host says', async () => {
  const { request } = await import('node:http');
  const status = await new Promise<number>((done) => {
    request(`${server.url}/.well-known/smart-configuration`, { headers: { Host: 'evil.example' } }, (answer) => {
      answer.resume();
      done(answer.statusCode!);
    }).end();
  });
  expect(status).toBe(421);
});

test('a foreign origin gets no CORS permission, discovery is open to any', async () => {
  const closed = await fetch(`${server.fhir}/Patient`, { headers: { Origin: 'https://evil.example' } });
  expect(closed.headers.get('Access-Control-Allow-Origin')).toBeNull();
  const open = await fetch(`${server.fhir}/metadata`, { headers: { Origin: 'https://any.example' } });
  expect(open.headers.get('Access-Control-Allow-Origin')).toBe('*');
});

test('demo people sign in by the authorization code flow and read FHIR with their role', async () => {
  const { access_token } = await server.signIn('doctor');
  const answer = await fetch(`${server.fhir}/Patient`, { headers: { Authorization: `Bearer ${access_token}` } });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
});

test('a backend service reads with its key', async () => {
  const answer = await fetch(`${server.fhir}/Organization`, {
    headers: { Authorization: `Bearer ${await server.backend()}` },
  });
  expect(answer.status).toBe(200);
});

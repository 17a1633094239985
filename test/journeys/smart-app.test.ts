import type { ImagingStudy } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seedClients } from '../../server/smart/clients.ts';
import { caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// Journey 5: a third-party SMART app and a backend service.
let server: TestServer;
const redirectUri = 'https://app.example/callback';
const studies: Record<'mine' | 'other', string> = { mine: newUid(), other: newUid() };

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  await seedClients(server.system.authorizations, {
    publicUrl: server.url,
    apps: [{ id: 'growth-chart', name: 'Growth Chart', redirectUris: [redirectUri] }],
  });
  const pacs = caller(server, await server.backend());
  const issuer = ['00100021', 'LO', 'CSSS-DEMO'] as const;
  const files = [
    imageFile({ study: studies.mine, patientId: 'DEMO-1001', with: [issuer] }),
    imageFile({ study: studies.other, patientId: 'DEMO-1002', with: [issuer] }),
  ];
  expect((await pacs.store(files)).status).toBe(200);
});
afterAll(() => server.stop());

test('an app finds its way by the discovery document alone', async () => {
  const document = (await (await fetch(`${server.fhir}/.well-known/smart-configuration`)).json()) as Record<
    string,
    unknown
  >;
  expect(document).toMatchObject({
    token_endpoint: `${server.url}/oidc/token`,
    authorization_endpoint: `${server.url}/oidc/auth`,
    code_challenge_methods_supported: ['S256'],
  });
});

test('a standalone launch gives a patient app the records and images of that patient only', async () => {
  const tokens = await server.signIn('patient', {
    clientId: 'growth-chart',
    redirectUri,
    scope: 'openid fhirUser launch/patient patient/*.rs',
  });
  expect(tokens.patient).toBe('demo-patient-1');
  const app = caller(server, tokens.access_token);
  const found = await app.search<ImagingStudy>('ImagingStudy');
  expect(found).toHaveLength(1);
  expect(found[0]!.subject!.reference).toBe('Patient/demo-patient-1');
  expect((await app.get('/fhir/Patient/demo-patient-2')).status).toBe(404);
  expect((await app.get('/fhir/ImagingStudy?patient=Patient/demo-patient-2')).status).toBe(403);
  expect((await app.json<unknown[]>('/dicomweb/studies')).length).toBe(1);
  expect((await app.get(`/dicomweb/studies/${studies.mine}/metadata`)).status).toBe(200);
  for (const path of ['metadata', 'series', 'instances', '']) {
    const answer = await app.get(`/dicomweb/studies/${studies.other}/${path}`.replace(/\/$/, ''));
    if (answer.status === 200) expect(await answer.json()).toEqual([]);
    else expect([path, answer.status]).toEqual([path, 404]);
  }
});

test('a scope that was not asked for or not granted opens nothing', async () => {
  const tokens = await server.signIn('patient', {
    clientId: 'growth-chart',
    redirectUri,
    scope: 'openid launch/patient patient/Patient.r',
  });
  const app = caller(server, tokens.access_token);
  expect((await app.get('/fhir/Patient/demo-patient-1')).status).toBe(200);
  expect((await app.get('/fhir/ImagingStudy')).status).toBe(403);
  expect((await app.get('/dicomweb/studies')).status).toBe(403);
  expect(
    (await app.send('PUT', '/fhir/Patient/demo-patient-1', { resourceType: 'Patient', id: 'demo-patient-1' })).status,
  ).toBe(403);
});

test('a backend service reads what its scope says and no more', async () => {
  const narrow = caller(server, await server.backend('system/ImagingStudy.rs'));
  expect(await narrow.search('ImagingStudy')).toHaveLength(2);
  expect((await narrow.get('/fhir/Patient')).status).toBe(403);
});

test('a token of another issuer, a changed one and none are refused with a challenge', async () => {
  const real = (await server.signIn('doctor')).access_token;
  const [header, payload, signature] = real.split('.');
  const forged = `${header}.${Buffer.from(JSON.stringify({ sub: 'x' })).toString('base64url')}.${signature}`;
  const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`;
  for (const token of [forged, unsigned, 'nonsense', undefined]) {
    for (const path of ['/fhir/Patient', '/dicomweb/studies']) {
      const answer = await caller(server, token).get(path);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
    }
  }
});

test('a wrong password is refused on the page, without a token', async () => {
  await expect(server.signIn('doctor', { password: 'not-the-password' })).rejects.toThrow();
});

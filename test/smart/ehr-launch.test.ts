import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, Browser, pkce, signIn, throughPages } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };
const doctor = { email: 'doctor@test.example', password };
const patient = { email: 'patient@test.example', password };

function prepare(token: string, order: unknown): Promise<Response> {
  return fetch(`${server.url}/smart/launch`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: typeof order === 'string' ? order : JSON.stringify(order),
  });
}

test('a launch carries its patient, once, for that app and person', async () => {
  const viewer = await signIn(server.url, doctor);
  const prepared = await prepare(viewer.access_token, { client: 'demo-app', patient: 'patient-2' });
  expect(prepared.status).toBe(201);
  const { launch, url } = (await prepared.json()) as { launch: string; url: string };
  expect(url).toBe(`https://app.example.org/launch?iss=${encodeURIComponent(`${server.url}/fhir`)}&launch=${launch}`);
  const options = { ...app, scope: 'openid launch patient/*.rs', parameters: { launch } };
  await expect(signIn(server.url, { ...options, email: 'admin@test.example', password })).rejects.toMatchObject({
    status: 403,
  });
  const tokens = await signIn(server.url, { ...options, ...doctor });
  expect(tokens).toMatchObject({ patient: 'patient-2', scope: 'openid launch patient/*.rs' });
  expect(tokens.fhirContext).toBeUndefined();
  const again = await throughPages(new Browser(server.url), authorizeUrl(server.url, pkce().challenge, options), {
    ...options,
    ...doctor,
  });
  expect(again.searchParams.get('error')).toBe('invalid_request');
});

test('a launch for a study gives its patient and the study as fhirContext, in introspection too', async () => {
  const viewer = await signIn(server.url, doctor);
  const { launch } = (await (
    await prepare(viewer.access_token, { client: 'demo-app', imagingStudy: 'study-2' })
  ).json()) as { launch: string };
  const tokens = await signIn(server.url, {
    ...app,
    ...doctor,
    scope: 'openid launch launch/imagingstudy patient/ImagingStudy.rs',
    parameters: { launch },
  });
  expect(tokens).toMatchObject({ patient: 'patient-2', fhirContext: [{ reference: 'ImagingStudy/study-2' }] });
  const introspection = await fetch(`${server.url}/oidc/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${tokens.access_token}` },
    body: new URLSearchParams({ token: tokens.access_token }),
  });
  expect(await introspection.json()).toMatchObject({
    patient: 'patient-2',
    fhirContext: [{ reference: 'ImagingStudy/study-2' }],
  });
});

test('launch/imagingstudy without a study is not granted', async () => {
  const tokens = await signIn(server.url, { ...app, ...patient, scope: 'openid launch/imagingstudy patient/*.rs' });
  expect(tokens.scope).toBe('openid patient/*.rs');
});

test.each([
  ['a patient who is not there', { client: 'demo-app', patient: 'patient-9' }, 404],
  ['a path as id', { client: 'demo-app', patient: '../x' }, 400],
  ['a study of another patient', { client: 'demo-app', patient: 'patient-1', imagingStudy: 'study-2' }, 400],
  ['an unknown app', { client: 'nobody' }, 404],
  ['a backend service', { client: 'backend' }, 404],
  ['no app', {}, 400],
  ['null', null, 400],
  ['half JSON', '{"client":', 400],
  ['too much', JSON.stringify({ client: 'x'.repeat(5000) }), 413],
])('a launch with %s is refused', async (_name, order, status) => {
  const viewer = await signIn(server.url, doctor);
  expect((await prepare(viewer.access_token, order)).status).toBe(status);
});

test('a patient launches apps with the own record only', async () => {
  const viewer = await signIn(server.url, patient);
  expect((await prepare(viewer.access_token, { client: 'demo-app', patient: 'patient-2' })).status).toBe(404);
  expect((await prepare(viewer.access_token, { client: 'demo-app', imagingStudy: 'study-2' })).status).toBe(404);
  expect((await prepare(viewer.access_token, { client: 'demo-app', patient: 'patient-1' })).status).toBe(201);
});

test('only our viewer launches apps', async () => {
  const tokens = await signIn(server.url, { ...app, ...doctor, scope: 'openid user/*.rs' });
  expect((await prepare(tokens.access_token, { client: 'demo-app' })).status).toBe(403);
  expect((await prepare('abc', { client: 'demo-app' })).status).toBe(401);
});

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, backendToken, Browser, pkce, signIn } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };

test('a patient signs in to the viewer and gets tokens for the own compartment', async () => {
  const tokens = await signIn(server.url, { email: 'patient@test.example', password });
  expect(tokens).toMatchObject({ token_type: 'Bearer', patient: 'patient-1', expires_in: 900 });
  expect(tokens.scope.split(' ')).toContain('patient/*.cruds');
  expect(tokens.scope).not.toContain('user/');
  const { status, principal } = await server.whoAmI(tokens.access_token);
  expect(status).toBe(200);
  expect(principal).toMatchObject({
    kind: 'user',
    role: 'patient',
    fhirUser: 'Patient/patient-1',
    patient: 'patient-1',
    clientId: 'csss-viewer',
  });
});

test('a doctor signs in to the viewer and gets user scopes without any patient context', async () => {
  const tokens = await signIn(server.url, { email: 'DOCTOR@test.example', password });
  expect(tokens.patient).toBeUndefined();
  expect(tokens.scope).not.toContain('patient/');
  const { principal } = await server.whoAmI(tokens.access_token);
  expect(principal).toMatchObject({
    role: 'doctor',
    fhirUser: 'Practitioner/doctor-1',
    scopes: [{ context: 'user', type: '*', permissions: 'cruds' }],
  });
  expect(principal.patient).toBeUndefined();
});

test('an app of somebody else launches standalone: patient picker, consent, context beside the token', async () => {
  const tokens = await signIn(server.url, {
    ...app,
    email: 'doctor@test.example',
    password,
    scope:
      'openid fhirUser offline_access launch/patient patient/ImagingStudy.rs patient/Observation.rs?category=laboratory bogus/x user/Patient.read',
    patient: 'patient-2',
  });
  expect(tokens).toMatchObject({
    patient: 'patient-2',
    need_patient_banner: true,
    smart_style_url: `${server.url}/smart/style.json`,
  });
  expect(tokens.refresh_token).toBeTypeOf('string');
  expect(new Set(tokens.scope.split(' '))).toEqual(
    new Set([
      'openid',
      'fhirUser',
      'offline_access',
      'launch/patient',
      'patient/ImagingStudy.rs',
      'patient/Observation.rs?category=laboratory',
      'user/Patient.read',
    ]),
  );
  const { principal } = await server.whoAmI(tokens.access_token);
  expect(principal.patient).toBe('patient-2');
  expect(principal.scopes).toEqual([
    { context: 'patient', type: 'ImagingStudy', permissions: 'rs' },
    { context: 'patient', type: 'Observation', permissions: 'rs', query: 'category=laboratory' },
    { context: 'user', type: 'Patient', permissions: 'rs' },
  ]);
  expect(decodeJwt(tokens.id_token!)).toMatchObject({
    iss: `${server.url}/oidc`,
    aud: 'demo-app',
    fhirUser: `${server.url}/fhir/Practitioner/doctor-1`,
  });
  expect(decodeProtectedHeader(tokens.id_token!).alg).toBe('RS256');
});

test('the patient picker finds by several words, and says the name and the number in use', async () => {
  const browser = new Browser(server.url);
  const start = await browser.open(authorizeUrl(server.url, pkce().challenge, { ...app, scope: 'openid launch/patient patient/Patient.rs' }));
  let page = await start.response.text();
  const send = async (step: string, fields: Record<string, string>) => {
    const action = new RegExp(`action="([^"]*/${step})"`).exec(page)![1]!;
    const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
    page = await (await browser.post(action, new URLSearchParams({ proof, ...fields }))).response.text();
  };
  await send('sign-in', { email: 'doctor@test.example', password });
  for (const text of ['ben example', 'Example  be', 'PRESENT-2', 'RETIRED-1']) {
    await send('find-patient', { text });
    expect([...page.matchAll(/name="patient" value="([^"]+)"/g)].map(([, id]) => id), text).toEqual(['patient-2']);
    expect(page.replace(/<[^>]+>|\s+/g, ' ')).toMatch(/Ben Example.*PRESENT-2/);
  }
  await send('find-patient', { text: 'ben nobody' });
  expect(page).not.toContain('patient-2');
}); // prettier-ignore

test('a backend service gets its pre-authorised scopes for five minutes', async () => {
  const tokens = await backendToken(server.url, server.backend, 'system/ImagingStudy.rs system/Observation.rs');
  expect(tokens).toMatchObject({ scope: 'system/ImagingStudy.rs', expires_in: 300 });
  const { principal } = await server.whoAmI(tokens.access_token);
  expect(principal).toMatchObject({
    kind: 'client',
    subject: 'backend',
    scopes: [{ context: 'system', type: 'ImagingStudy', permissions: 'rs' }],
  });
});

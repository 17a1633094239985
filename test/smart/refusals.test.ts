import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  authorizeUrl,
  backendToken,
  Browser,
  clientAssertion,
  pkce,
  postToken,
  signIn,
  throughPages,
  type SignInOptions,
} from '../harness/sign-in.ts';
import { appRedirect, appSecret, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };
const doctor = { email: 'doctor@test.example', password };
const patient = { email: 'patient@test.example', password };
const smartScope = 'openid fhirUser launch/patient patient/*.rs';

/** Where an authorization request without a sign-in ends: a redirect to the app, or a page of ours. */
async function authorize(
  parameters: Record<string, string | undefined>,
): Promise<{ status: number; error: string | null; html: string }> {
  const browser = new Browser(server.url);
  const { url, response } = await browser.open(
    authorizeUrl(server.url, pkce().challenge, { ...app, scope: smartScope, parameters }),
  );
  const { searchParams, hash } = new URL(url);
  const error =
    response.status === 303 ? (searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error')) : null;
  return { status: response.status, error, html: await response.text() };
}

async function codeFor(options: SignInOptions): Promise<{ code: string; verifier: string; callback: URL }> {
  const { verifier, challenge } = pkce();
  const callback = await throughPages(new Browser(server.url), authorizeUrl(server.url, challenge, options), options);
  return { code: callback.searchParams.get('code')!, verifier, callback };
}

const exchange = (code: string, verifier: string, more: Record<string, string> = {}) =>
  postToken(server.url, {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: appRedirect,
    client_id: 'demo-app',
    ...more,
  });

test.each([
  ['aud of another server', { aud: 'https://evil.example/fhir' }, 'invalid_target'],
  ['no aud', { aud: undefined }, 'invalid_request'],
  ['no state', { state: undefined }, 'invalid_request'],
  ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
  ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
  ['PKCE challenge of the wrong length', { code_challenge: 'short' }, 'invalid_request'],
  ['implicit flow', { response_type: 'token' }, 'unsupported_response_type'],
  ['hybrid flow', { response_type: 'code id_token', nonce: 'n' }, 'unsupported_response_type'],
  ['another resource', { resource: 'https://evil.example/' }, 'invalid_target'],
  ['a launch that nobody prepared', { scope: 'launch patient/*.rs', launch: 'guess' }, 'invalid_request'],
  ['the scope launch without a launch', { scope: 'launch patient/*.rs' }, 'invalid_request'],
  ['nobody signed in and prompt=none', { prompt: 'none' }, 'login_required'],
  ['request object', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
])('an authorization request with %s goes back to the app with an error', async (_name, parameters, error) => {
  expect(await authorize(parameters)).toMatchObject({ status: 303, error });
});

test.each([
  ['an unknown client', { client_id: 'nobody' }],
  ['another host', { redirect_uri: 'https://app.example.org.evil.example/callback' }],
  ['another path', { redirect_uri: `${appRedirect}/x` }],
  ['a query added', { redirect_uri: `${appRedirect}?x=1` }],
  ['user info', { redirect_uri: 'https://app.example.org@evil.example/callback' }],
  ['another case', { redirect_uri: 'https://app.example.org/Callback' }],
  ['a fragment', { redirect_uri: `${appRedirect}#x` }],
  ['no redirect_uri', { redirect_uri: undefined }],
  ['a NUL in another parameter', { state: 'a\0b' }],
  ['a script in it', { redirect_uri: 'javascript:alert(1)' }],
])(
  'a request whose redirect is not the registered one (%s) is answered here, never redirected',
  async (_name, parameters) => {
    const answer = await authorize(parameters);
    expect(answer.status).toBe(400);
    expect(answer.html).toContain('Something went wrong');
    expect(answer.html).not.toContain('<script>');
  },
);

test('the authorization response names its issuer', async () => {
  const { callback } = await codeFor({ ...app, ...patient, scope: smartScope });
  expect(callback.searchParams.get('iss')).toBe(`${server.url}/oidc`);
  expect(callback.searchParams.get('state')).toBeTruthy();
});

test.each([
  ['another verifier', { code_verifier: pkce().verifier }],
  ['no verifier', { code_verifier: '' }],
  ['the challenge as verifier', { code_verifier: 'a'.repeat(43) }],
  ['another redirect', { redirect_uri: `${appRedirect}2` }],
  ['another client', { client_id: 'csss-viewer' }],
])('a code is refused with %s', async (_name, more) => {
  const { code, verifier } = await codeFor({ ...app, ...patient, scope: smartScope });
  const response = await exchange(code, verifier, more);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: expect.stringMatching(/invalid_grant|invalid_request/) });
});

test('a code works once; its second use ends the tokens of the first', async () => {
  const { code, verifier } = await codeFor({ ...app, ...patient, scope: smartScope });
  const first = await exchange(code, verifier);
  expect(first.status).toBe(200);
  expect(first.headers.get('cache-control')).toBe('no-store');
  expect(first.headers.get('pragma')).toBe('no-cache');
  const { access_token: token } = (await first.json()) as { access_token: string };
  expect((await server.whoAmI(token)).status).toBe(200);
  expect((await exchange(code, verifier)).status).toBe(400);
  expect((await server.whoAmI(token)).status).toBe(401);
});

test('of ten parallel uses of one code at most one gets tokens', async () => {
  const { code, verifier } = await codeFor({ ...app, ...patient, scope: smartScope });
  const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(code, verifier)));
  expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1);
  expect(answers.every((answer) => answer.status === 200 || answer.status === 400)).toBe(true);
});

test('staff who did not choose a patient get no patient/ scopes, patients no user/ scopes, nobody system/ scopes', async () => {
  const scope = 'openid patient/*.rs user/*.rs system/*.rs';
  const asDoctor = await signIn(server.url, { ...app, ...doctor, scope });
  expect(asDoctor.scope).toBe('openid user/*.rs');
  const asPatient = await signIn(server.url, { ...app, ...patient, scope });
  expect(asPatient.scope).toBe('openid patient/*.rs');
});

test('a request for nothing that the person can give ends with access_denied', async () => {
  const { callback } = await codeFor({ ...app, ...patient, scope: 'user/*.rs' });
  expect(callback.searchParams.get('error')).toBe('access_denied');
});

test('scopes that are unticked are not granted, and offline_access unticked means no refresh token', async () => {
  const scope = 'openid offline_access patient/Patient.rs patient/ImagingStudy.rs';
  const tokens = await signIn(server.url, {
    ...app,
    ...patient,
    scope,
    refuse: ['patient/Patient.rs', 'offline_access'],
  });
  expect(tokens.scope).toBe('openid patient/ImagingStudy.rs');
  expect(tokens.refresh_token).toBeUndefined();
});

test('a consent form cannot grant more than was asked for', async () => {
  const { verifier, challenge } = pkce();
  const browser = new Browser(server.url);
  const options = { ...app, ...patient, scope: 'openid patient/Patient.rs' };
  const { response } = await browser.open(authorizeUrl(server.url, challenge, options));
  const signInForm = await response.text();
  const uid = /interaction\/([^/"]+)\/sign-in/.exec(signInForm)![1]!;
  const proof = /name="proof" value="([^"]+)"/.exec(signInForm)![1]!;
  const consent = await (
    await browser.post(`/interaction/${uid}/sign-in`, new URLSearchParams({ ...patient, proof }))
  ).response.text();
  const next = /interaction\/([^/"]+)\/consent/.exec(consent)![1]!;
  const nextProof = /name="proof" value="([^"]+)"/.exec(consent)![1]!;
  const fields = new URLSearchParams([
    ['proof', nextProof],
    ['scope', 'patient/Patient.rs'],
    ['scope', 'patient/*.cruds'],
    ['scope', 'user/*.cruds'],
  ]);
  const { url } = await browser.post(`/interaction/${next}/consent`, fields);
  const tokens = (await (await exchange(new URL(url).searchParams.get('code')!, verifier)).json()) as { scope: string };
  expect(tokens.scope).toBe('openid patient/Patient.rs');
});

test('a form without our proof, or from another site, changes nothing', async () => {
  const browser = new Browser(server.url);
  const { url, response } = await browser.open(
    authorizeUrl(server.url, pkce().challenge, { ...app, scope: smartScope }),
  );
  const proof = /name="proof" value="([^"]+)"/.exec(await response.text())![1]!;
  const send = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
    browser.request(`${url}/sign-in`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  expect((await send(patient)).status).toBe(403);
  expect((await send({ ...patient, proof: `${proof}x` })).status).toBe(403);
  expect((await send({ ...patient, proof }, { Origin: 'https://evil.example' })).status).toBe(403);
  expect((await send({ ...patient, proof }, { 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403);
  expect(
    (await fetch(`${url}/sign-in`, { method: 'POST', body: new URLSearchParams({ ...patient, proof }) })).status,
  ).toBe(400);
  expect((await send({ ...patient, proof })).status).toBe(303);
});

test('somebody else’s patient page cannot be skipped by posting a patient that the search does not show', async () => {
  const options = { ...app, ...doctor, scope: smartScope, patient: 'patient-999' };
  await expect(
    throughPages(new Browser(server.url), authorizeUrl(server.url, pkce().challenge, options), options),
  ).rejects.toMatchObject({ status: 422 });
});

test('an app with a secret needs it', async () => {
  const options = { clientId: 'secret-app', redirectUri: appRedirect, ...patient, scope: smartScope };
  const basic = (secret: string) => ({
    Authorization: `Basic ${Buffer.from(`secret-app:${secret}`).toString('base64')}`,
  });
  const trade = async (headers: Record<string, string>, more: Record<string, string> = {}) => {
    const { code, verifier } = await codeFor(options);
    return postToken(
      server.url,
      { grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: appRedirect, ...more },
      headers,
    );
  };
  expect((await trade({}, { client_id: 'secret-app' })).status).toBe(401);
  expect((await trade(basic('x'.repeat(appSecret.length)))).status).toBe(401);
  const [stored] = await server.database.sql.query<{ secret: string }>(
    `select metadata ->> 'client_secret' as secret from smart_client where id = 'secret-app'`,
  );
  expect((await trade(basic(stored!.secret))).status).toBe(401); // what is stored is no credential
  expect((await trade(basic(appSecret))).status).toBe(200);
});

test.each([
  ['an assertion for another audience', { aud: 'https://evil.example/token' }],
  ['another issuer', { iss: 'demo-app' }],
  ['no jti', { jti: undefined }],
  ['an assertion that is over', { exp: Math.floor(Date.now() / 1000) - 60 }],
  ['an assertion good for an hour', { exp: Math.floor(Date.now() / 1000) + 3600 }],
])('a backend service is refused with %s', async (_name, claims) => {
  const response = await postToken(server.url, {
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await clientAssertion(server.url, server.backend, claims),
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: 'invalid_client' });
});

test('a backend service is refused with another key, a symmetric signature, and an assertion used before', async () => {
  const send = async (assertion: string, headers: Record<string, string> = {}) =>
    postToken(
      server.url,
      {
        grant_type: 'client_credentials',
        scope: 'system/Patient.rs',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      },
      headers,
    );
  const { privateKey } = await generateKeyPair('ES384', { extractable: true });
  const foreign = { ...(await exportJWK(privateKey)), kid: 'backend-1' };
  expect((await send(await clientAssertion(server.url, { clientId: 'backend', key: foreign }))).status).toBe(401);
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'backend', sub: 'backend', aud: `${server.url}/oidc/token`, jti: randomUUID(), exp: now + 60 };
  const hs = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'backend-1' })
    .sign(Buffer.from(JSON.stringify(server.backend.key)));
  expect((await send(hs)).status).toBe(401);
  expect((await send(new UnsecuredJWT(claims).encode())).status).toBe(401);
  const good = await clientAssertion(server.url, server.backend);
  const answers = await Promise.all(Array.from({ length: 5 }, () => send(good)));
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401, 401, 401, 401]);
  expect((await send(good)).status).toBe(401);
});

test('an assertion made for another host is refused, whatever Host says', async () => {
  const evil = await clientAssertion('http://evil.test', server.backend);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: evil,
  }).toString();
  const { status } = await raw(
    'POST',
    '/oidc/token',
    { Host: 'evil.test', 'Content-Type': 'application/x-www-form-urlencoded' },
    body,
  );
  expect(status).toBe(401);
});

test('a backend service gets nothing beyond its pre-authorisation', async () => {
  for (const scope of ['system/*.rs', 'system/Patient.cruds', 'patient/Patient.rs', 'user/Patient.rs', 'openid', '']) {
    await expect(backendToken(server.url, server.backend, scope)).rejects.toThrow('invalid_scope');
  }
});

/** A request with headers that fetch does not allow. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer = '',
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((done, fail) => {
    const call = request({ hostname, port, method, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done({ status: response.statusCode!, text }));
    });
    call.on('error', fail).end(body);
  });
}

test('discovery names the public URL, whatever Host and X-Forwarded-Host say', async () => {
  for (const path of [
    '/.well-known/smart-configuration',
    '/fhir/.well-known/smart-configuration',
    '/oidc/.well-known/openid-configuration',
  ]) {
    const { status, text } = await raw('GET', path, {
      Host: 'evil.test',
      'X-Forwarded-Host': 'evil.test',
      'X-Forwarded-Proto': 'https',
      Accept: 'text/html',
    });
    expect(status).toBe(200);
    expect(text).not.toContain('evil.test');
    expect(JSON.parse(text)).toMatchObject({
      issuer: `${server.url}/oidc`,
      token_endpoint: `${server.url}/oidc/token`,
      jwks_uri: `${server.url}/oidc/jwks`,
    });
  }
  const absolute = await raw('GET', 'http://evil.test/oidc/.well-known/openid-configuration', { Host: 'evil.test' });
  expect([absolute.status, absolute.text.includes('evil.test')]).toEqual([200, false]);
});

test('the body of a token request is read as all bodies are: unpacked, and within its limits', async () => {
  const packed = gzipSync('grant_type=refresh_token&refresh_token=x&client_id=demo-app');
  const post = async (
    body: Buffer,
    coding: string,
    size: Record<string, string> = { 'Transfer-Encoding': 'chunked' },
  ) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Encoding': coding, ...size };
    const { status, text } = await raw('POST', '/oidc/token', headers, body);
    return [status, (JSON.parse(text) as { error: string }).error];
  };
  expect(await post(packed, 'gzip')).toEqual([400, 'invalid_grant']);
  const announced = { 'Content-Length': String(packed.length) };
  expect(await post(packed, 'gzip', announced)).toEqual([400, 'invalid_grant']);
  expect(await post(packed.subarray(0, 20), 'gzip')).toEqual([400, 'invalid_request']);
  expect(await post(packed, 'compress')).toEqual([400, 'invalid_request']);
  expect(await post(gzipSync(Buffer.alloc(1 << 20, 'a')), 'gzip')).toEqual([400, 'invalid_request']);
  expect(server.faults).toEqual([]);
});

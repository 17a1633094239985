import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, pkce, postToken, signIn } from '../harness/sign-in.ts';
import { password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const odd = [
  '',
  '\0',
  'a\0b',
  '%',
  '../',
  '{}',
  '[]',
  '"',
  "'",
  '\u202e',
  'null',
  '__proto__',
  '-1',
  '1e999',
  '\r\nX: y',
  'x'.repeat(5000),
];

test.each([
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'aud',
  'launch',
  'prompt',
  'nonce',
  'max_age',
  'login_hint',
  'id_token_hint',
  'claims',
  'response_mode',
  'code_challenge',
  'code_challenge_method',
  'response_type',
  'resource',
  'request_uri',
  'registration',
])('no odd value of %s in an authorization request is a fault', async (name) => {
  for (const value of odd) {
    const url = authorizeUrl(server.url, pkce().challenge, { parameters: { [name]: value } });
    const response = await fetch(url, { redirect: 'manual' });
    expect(response.status, JSON.stringify(value)).toBeLessThan(500);
    expect(response.headers.get('location') ?? '').not.toContain('server_error');
  }
  expect(server.faults).toEqual([]);
});

test.each([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'password',
  'urn:ietf:params:oauth:grant-type:device_code',
])('no odd value in a token request with %s is a fault', async (grant) => {
  const usual = {
    grant_type: grant,
    client_id: 'csss-viewer',
    code: 'x',
    redirect_uri: 'x',
    code_verifier: 'x'.repeat(43),
    refresh_token: 'x',
  };
  for (const field of [
    'client_id',
    'code',
    'refresh_token',
    'client_assertion',
    'client_assertion_type',
    'scope',
    'resource',
    'redirect_uri',
    'code_verifier',
  ]) {
    for (const value of odd) {
      const response = await postToken(server.url, { ...usual, [field]: value });
      expect(response.status, `${field} ${JSON.stringify(value)}`).toBeGreaterThanOrEqual(400);
      expect(response.status, `${field} ${JSON.stringify(value)}`).toBeLessThan(500);
    }
  }
  expect(server.faults).toEqual([]);
});

test('no odd form or JSON at our other addresses is a fault', async () => {
  const { access_token: token } = await signIn(server.url, { email: 'doctor@test.example', password });
  const paths = [
    '/oidc/token/introspection',
    '/oidc/token/revocation',
    '/smart/launch',
    '/connected-apps',
    '/interaction/x/sign-in',
    '/oidc/auth',
    '/oidc/session/end/confirm',
    '/oidc/nothing',
  ];
  for (const path of paths) {
    for (const value of odd) {
      const fields = new URLSearchParams({
        token: value,
        client_id: 'csss-viewer',
        proof: value,
        grant: value,
        email: value,
        password: value,
      });
      for (const body of [fields, value]) {
        const headers = {
          Authorization: `Bearer ${token}`,
          ...(typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}),
        };
        const response = await fetch(`${server.url}${path}`, { method: 'POST', redirect: 'manual', headers, body });
        expect(response.status, `${path} ${JSON.stringify(value)}`).toBeLessThan(500);
      }
    }
  }
  expect(server.faults).toEqual([]);
});

import { request, type IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, clientAssertion, pkce } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

const publicUrl = 'https://pacs.test.example';
let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer(publicUrl);
});
afterAll(() => server.close());

/** What a TLS-terminating proxy sends on: plain HTTP with the outer Host. */
function proxied(
  path: string,
  { method = 'GET', host = 'pacs.test.example', body = '', cookie = '' } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const headers = {
    Host: host,
    ...(cookie && { Cookie: cookie }),
    ...(body ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}),
  };
  return new Promise((done, fail) => {
    const call = request({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => done({ status: response.statusCode!, headers: response.headers, text }));
    });
    call.on('error', fail).end(body);
  });
}

const authorize = () => {
  const options = { clientId: 'demo-app', redirectUri: appRedirect, scope: 'openid patient/*.rs' };
  return authorizeUrl(publicUrl, pkce().challenge, options).slice(publicUrl.length);
};

test('behind a TLS proxy every address is https and every cookie Secure', async () => {
  const started = await proxied(authorize());
  expect(started.status).toBe(303);
  expect(started.headers.location).toMatch(/^https:\/\/pacs\.test\.example\/interaction\//);
  const cookies = started.headers['set-cookie']!;
  expect(cookies.length).toBeGreaterThan(0);
  for (const cookie of cookies) expect(cookie).toMatch(/; secure; httponly/i);
  const configuration = JSON.parse((await proxied('/oidc/.well-known/openid-configuration')).text) as Record<
    string,
    string
  >;
  for (const [name, value] of Object.entries(configuration)) {
    if (name.endsWith('_endpoint') || name.endsWith('_uri'))
      expect(value, name).toMatch(/^https:\/\/pacs\.test\.example\/oidc\//);
  }
});

test('a sign-in that starts under another name of the server goes to the public one first', async () => {
  const path = authorize();
  const started = await proxied(path, { host: 'localhost' });
  expect(started.headers.location).toBe(`${publicUrl}${path}`);
  expect(started.headers['set-cookie']).toBeUndefined();
});

test('a backend service addresses its assertion to the public token endpoint', async () => {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await clientAssertion(publicUrl, server.backend),
  }).toString();
  const { status, text } = await proxied('/oidc/token', { method: 'POST', body });
  expect(status, text).toBe(200);
});

test('the cookie that makes a browser known is Secure and bound to the host by its name', async () => {
  const started = await proxied(authorize());
  const cookie = started.headers['set-cookie']!.map((line) => line.split(';')[0]).join('; ');
  const path = new URL(started.headers.location!).pathname;
  const proof = /name="proof" value="([^"]+)"/.exec((await proxied(path, { cookie })).text)![1]!;
  const body = new URLSearchParams({ proof, email: 'doctor@test.example', password }).toString();
  const signedIn = await proxied(`${path}/sign-in`, { method: 'POST', cookie, body });
  expect(signedIn.status).toBe(303);
  const line = signedIn.headers['set-cookie']!.find((one) => one.includes('csss_device='));
  expect(line).toMatch(
    /^__Host-csss_device=[\w-]{22}\.[\w-]{22}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
  );
});

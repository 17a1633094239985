import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { backendToken, signIn, type Tokens } from '../harness/sign-in.ts';
import { demoPassword } from '../../server/demo/people.ts';

// Systems that register themselves: RFC 7591 and 7592, with a token that an administrator issued.
let server: TestServer;
let admin: Caller;
let endpoint: string;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
  const smart = (await (await fetch(`${server.fhir}/.well-known/smart-configuration`)).json()) as Record<
    string,
    string
  >;
  endpoint = smart.registration_endpoint!;
}, 120_000);
afterAll(() => server.stop());

const redirectUri = 'https://app.example/callback';
const appMetadata = {
  client_name: 'Self-made',
  redirect_uris: [redirectUri],
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: 'openid launch/patient offline_access patient/Patient.rs',
  contacts: ['dev@app.example'],
  unknown_member: 'ignored',
};
const allowed = 'openid fhirUser launch launch/patient offline_access patient/*.rs system/*.rs';

interface Issued {
  id: string;
  token: string;
  usesLeft: number;
}
async function issue(more: object = {}): Promise<Issued> {
  const body = { name: 'Robot', scope: allowed, days: 1, uses: 50, ...more };
  const answer = await admin.send('POST', '/portal/clients/tokens', body, { 'Content-Type': 'application/json' });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Issued;
}

interface Information {
  client_id: string;
  client_secret?: string;
  registration_access_token: string;
  registration_client_uri: string;
  error?: string;
  error_description?: string;
  [more: string]: unknown;
}
async function call(
  method: string,
  url: string,
  token: string | undefined,
  body?: unknown,
): Promise<{ status: number; body: Information; headers: Headers }> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Information, headers: answer.headers };
}
const register = (token: string | undefined, metadata: unknown) => call('POST', endpoint, token, metadata);
const usesLeft = async (id: string) =>
  (await admin.json<{ tokens: Issued[] }>('/portal/clients/tokens')).tokens.find((one) => one.id === id)?.usesLeft;

async function publicKeys(): Promise<{ key: JWK; jwks: { keys: JWK[] } }> {
  const { privateKey, publicKey } = await generateKeyPair('ES384', { extractable: true });
  const named = { kid: 'one', alg: 'ES384' };
  return {
    key: { ...(await exportJWK(privateKey)), ...named },
    jwks: { keys: [{ ...(await exportJWK(publicKey)), ...named }] },
  };
}

test('both discovery documents name the endpoint', async () => {
  expect(endpoint).toBe(`${server.url}/oidc/reg`);
  for (const path of [
    '/oidc/.well-known/openid-configuration',
    '/oidc/.well-known/oauth-authorization-server',
    '/.well-known/smart-configuration',
  ]) {
    const document = (await (await fetch(server.url + path)).json()) as Record<string, unknown>;
    expect(document.registration_endpoint).toBe(endpoint);
  }
});

test('an app registers itself, and people sign in with it', async () => {
  const { token, id } = await issue();
  const { status, body, headers } = await register(token, appMetadata);
  expect(status).toBe(201);
  expect(headers.get('Cache-Control')).toBe('no-store');
  const { unknown_member: _ignored, ...known } = appMetadata;
  expect(body).toMatchObject(known);
  expect(body).not.toHaveProperty('unknown_member');
  expect(body.client_secret).toBeUndefined();
  expect(body.registration_client_uri).toBe(`${endpoint}/${body.client_id}`);
  const tokens = await signIn(server.url, {
    clientId: body.client_id,
    redirectUri,
    scope: 'openid launch/patient patient/Patient.rs patient/Observation.rs',
    email: 'patient@demo.csss.example',
    password: demoPassword,
  });
  expect(tokens.scope).toBe('openid launch/patient patient/Patient.rs');
  expect(await usesLeft(id)).toBe(49);
  const listed = await admin.json<{
    clients: { id: string; registeredBy: string; ours: boolean; mayIntrospect: boolean }[];
  }>('/portal/clients');
  expect(listed.clients.find((one) => one.id === body.client_id)).toMatchObject({
    registeredBy: 'registration token "Robot"',
    ours: false,
    mayIntrospect: false,
  });
});

test('a service registers its keys and gets tokens', async () => {
  const { token } = await issue();
  const { key, jwks } = await publicKeys();
  const service = {
    client_name: 'Warehouse',
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['client_credentials'],
    scope: 'system/Patient.rs',
    jwks,
  };
  const { body, status } = await register(token, service);
  expect(status).toBe(201);
  const { access_token: bearer } = await backendToken(
    server.url,
    { clientId: body.client_id, key },
    'system/Patient.rs',
  );
  expect((await caller(server, bearer).get('/fhir/Patient')).status).toBe(200);
});

test('a secret is shown once and stored as its hash', async () => {
  const { token } = await issue();
  const { body } = await register(token, { ...appMetadata, token_endpoint_auth_method: 'client_secret_basic' });
  expect(body.client_secret!.length).toBeGreaterThanOrEqual(43);
  expect(body.client_secret_expires_at).toBe(0);
  const [row] = await server.system.sql.query<{ row: string }>(
    `select to_jsonb(smart_client)::text as row from smart_client where id = $1`,
    [body.client_id],
  );
  for (const word of [body.client_secret!, body.registration_access_token]) expect(row!.row).not.toContain(word);
  const read = await call('GET', body.registration_client_uri, body.registration_access_token);
  expect(read.status).toBe(200);
  expect(read.body.client_secret).toBeUndefined();
  const credentials = Buffer.from(`${body.client_id}:${body.client_secret}`).toString('base64');
  const probe = await fetch(`${server.url}/oidc/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'none' }),
  });
  expect(((await probe.json()) as { error: string }).error).toBe('invalid_grant'); // the secret was right
});

describe('what is refused, in the form of RFC 7591', () => {
  const refused: [string, object, string][] = [
    ['a redirect address without encryption', { redirect_uris: ['http://app.example/cb'] }, 'invalid_redirect_uri'],
    ['a fragment', { redirect_uris: ['https://app.example/cb#x'] }, 'invalid_redirect_uri'],
    ['a wildcard', { redirect_uris: ['https://*.example/cb'] }, 'invalid_redirect_uri'],
    ['no redirect address', { redirect_uris: [] }, 'invalid_redirect_uri'],
    ['redirect addresses that are none', { redirect_uris: 'https://app.example/cb' }, 'invalid_redirect_uri'],
    ['a scope above that of the token', { scope: 'patient/*.cruds' }, 'invalid_client_metadata'],
    ['a scope of another context', { scope: 'user/*.rs' }, 'invalid_client_metadata'],
    ['a scope that is unknown', { scope: 'patient/Nothing.rs' }, 'invalid_client_metadata'],
    ['no scope', { scope: undefined }, 'invalid_client_metadata'],
    ['no name', { client_name: undefined }, 'invalid_client_metadata'],
    ['a method that is not used here', { token_endpoint_auth_method: 'client_secret_post' }, 'invalid_client_metadata'],
    ['the implicit grant', { grant_types: ['implicit'] }, 'invalid_client_metadata'],
    ['both kinds of grant', { grant_types: ['authorization_code', 'client_credentials'] }, 'invalid_client_metadata'],
    [
      'a service without keys',
      { grant_types: ['client_credentials'], scope: 'system/Patient.rs' },
      'invalid_client_metadata',
    ],
    ['keys of a public client', { jwks: { keys: [] } }, 'invalid_client_metadata'],
    [
      'keys in the private network',
      { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://10.0.0.1/k' },
      'invalid_client_metadata',
    ],
    ['a launch address that is a script', { initiate_login_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
    ['a page that is a script', { tos_uri: 'javascript:alert(1)' }, 'invalid_client_metadata'],
    ['a software statement', { software_statement: 'a.b.c' }, 'invalid_software_statement'],
  ];
  test.each(refused)('%s', async (_name, more, error) => {
    const { token, id } = await issue({ uses: 1 });
    const answer = await register(token, { ...appMetadata, ...more });
    expect([answer.status, answer.body.error]).toEqual([400, error]);
    expect(answer.body.error_description).toBeTypeOf('string');
    expect(await usesLeft(id)).toBe(1);
  });

  test.each([['[]'], ['null'], ['"text"'], ['{"redirect_uris":'], ['{"__proto__": {"client_name": "x"}}']])(
    '%s',
    async (text) => {
      const { token } = await issue();
      expect((await register(token, text)).status).toBe(400);
    },
  );

  test('nothing of ours can be asked for', async () => {
    const { token } = await issue();
    const { body } = await register(token, {
      ...appMetadata,
      firstParty: true,
      csss_first_party: true,
      mayIntrospect: true,
      csss_may_introspect: true,
      client_id: 'csss-viewer',
    });
    expect(body.client_id).not.toBe('csss-viewer');
    expect(await server.system.authorizations.client(body.client_id)).toMatchObject({
      firstParty: false,
      mayIntrospect: false,
    });
    expect(JSON.stringify(body)).not.toContain('csss_');
  });
});

describe('the token', () => {
  test('must be there, known, not over, not used up, not deleted', async () => {
    for (const token of [undefined, 'nonsense', (await server.signIn('admin')).access_token]) {
      const answer = await register(token, appMetadata);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token']);
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
    }
    const once = await issue({ uses: 1 });
    const answers = await Promise.all([1, 2, 3, 4].map(() => register(once.token, appMetadata)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401]);
    const over = await issue();
    await server.system.sql.query(`update registration_token set expires_at = now() where id = $1`, [over.id]);
    expect((await register(over.token, appMetadata)).status).toBe(401);
    const gone = await issue();
    expect((await admin.send('DELETE', `/portal/clients/tokens/${gone.id}`, '')).status).toBe(204);
    expect((await register(gone.token, appMetadata)).status).toBe(401);
    expect((await admin.send('DELETE', `/portal/clients/tokens/${gone.id}`, '')).status).toBe(404);
  });

  test.each([
    [{ scope: 'patient/Nothing.rs' }],
    [{ scope: '' }],
    [{ days: 0 }],
    [{ days: 1000 }],
    [{ uses: 0 }],
    [{ name: '' }],
  ])('is not issued with %j', async (more) => {
    await expect(issue(more)).rejects.toThrow('400');
  });

  test('lies in the database as a hash, and refused tries are in the audit trail', async () => {
    const { token } = await issue();
    const rows = await server.system.sql.query<{ row: string }>(
      `select to_jsonb(registration_token)::text as row from registration_token`,
    );
    for (const { row } of rows) expect(row).not.toContain(token);
    const [{ count }] = (await server.system.sql.query<{ count: number }>(
      `select count(*) as count from audit where event = 'client:register' and outcome = 'refused'`,
    )) as [{ count: number }];
    expect(count).toBeGreaterThan(0);
  });
});

describe('management by RFC 7592', () => {
  const registered = async () => (await register((await issue()).token, appMetadata)).body;
  const change = (
    { client_id, registration_client_uri: uri, registration_access_token: token }: Information,
    more: object,
  ) => call('PUT', uri, token, { ...appMetadata, client_id, ...more });

  test('reads, replaces and deletes the registration', async () => {
    const client = await registered();
    const changed = await change(client, { client_name: 'Renamed', contacts: undefined });
    expect(changed).toMatchObject({ status: 200, body: { client_name: 'Renamed', client_id: client.client_id } });
    expect(changed.body.contacts).toBeUndefined();
    const read = await call('GET', client.registration_client_uri, client.registration_access_token);
    expect(read.body).toEqual(changed.body);
    expect((await call('DELETE', client.registration_client_uri, client.registration_access_token)).status).toBe(204);
    expect((await call('GET', client.registration_client_uri, client.registration_access_token)).status).toBe(401);
    expect(await server.system.authorizations.client(client.client_id)).toBeUndefined();
  });

  test.each([
    [{ client_id: 'another' }],
    [{ client_id: undefined }],
    [{ client_secret: 'guess' }],
    [{ registration_access_token: 'x' }],
    [{ client_id_issued_at: 1 }],
    [{ scope: 'patient/*.cruds' }],
    [{ scope: 'openid user/*.rs' }],
    [{ redirect_uris: ['http://app.example/cb'] }],
    [{ token_endpoint_auth_method: 'client_secret_basic' }],
    [{ software_statement: 'a.b.c' }],
  ])('refuses %j and changes nothing', async (more) => {
    const client = await registered();
    expect((await change(client, more)).status).toBe(400);
    const read = await call('GET', client.registration_client_uri, client.registration_access_token);
    expect(read.body.scope).toBe(appMetadata.scope);
  });

  test('is for the own registration alone', async () => {
    const [one, two] = [await registered(), await registered()];
    for (const id of [one.client_id, 'csss-viewer', 'csss-demo-app', 'nobody', '%00'])
      for (const method of ['GET', 'DELETE'])
        expect((await call(method, `${endpoint}/${id}`, two.registration_access_token)).status).toBe(401);
    expect((await call('GET', one.registration_client_uri, undefined)).status).toBe(401);
    expect((await call('GET', one.registration_client_uri, one.registration_access_token)).status).toBe(200);
  });

  test('ends where an administrator has put the client out of service', async () => {
    const client = await registered();
    await admin.send('POST', `/portal/clients/${client.client_id}/disable`, '', { 'Content-Type': 'application/json' });
    expect((await change(client, { client_name: 'Back' })).status).toBe(403);
    expect((await call('DELETE', client.registration_client_uri, client.registration_access_token)).status).toBe(403);
  });

  test('keeps what an administrator does not see when that one changes the registration', async () => {
    const client = (await register((await issue()).token, { ...appMetadata, grant_types: ['authorization_code'] }))
      .body;
    const seen = {
      name: 'By the admin',
      kind: 'public-app',
      method: 'none',
      redirectUris: [redirectUri],
      scope: 'openid patient/*.rs',
    };
    const answer = await admin.send('PUT', `/portal/clients/${client.client_id}`, seen, {
      'Content-Type': 'application/json',
    });
    expect(answer.status).toBe(200);
    const read = await call('GET', client.registration_client_uri, client.registration_access_token);
    expect(read.body).toMatchObject({
      client_name: 'By the admin',
      contacts: ['dev@app.example'],
      grant_types: ['authorization_code'],
    });
  });

  test('of fewer scopes ends what was issued before', async () => {
    const client = await registered();
    const options = {
      clientId: client.client_id,
      redirectUri,
      email: 'patient@demo.csss.example',
      password: demoPassword,
    };
    const tokens: Tokens = await signIn(server.url, { ...options, scope: 'openid launch/patient patient/Patient.rs' });
    await new Promise((done) => setTimeout(done, 1100)); // tokens know whole seconds
    expect((await change(client, { scope: 'openid launch/patient patient/Patient.r' })).status).toBe(200);
    expect((await caller(server, tokens.access_token).get('/fhir/Patient/demo-patient-1')).status).toBe(401);
  });
});

import type { OperationOutcome } from '@medplum/fhirtypes';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { authorizeUrl, Browser, pkce, postToken, throughPages, type Tokens } from '../harness/sign-in.ts';
import { demoPassword } from '../../server/demo/people.ts';

// Apps and systems, as an administrator registers them.
let server: TestServer;
let admin: Caller;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
}, 120_000);
afterAll(() => server.stop());

interface Shown {
  id: string;
  version: number;
  disabled: boolean;
  ours: boolean;
  scope: string;
  jwks?: { keys: JWK[] };
  registeredBy?: string;
  lastUsedAt?: string;
  [more: string]: unknown;
}
interface Registered {
  client: Shown;
  secret?: string;
}

const json = { 'Content-Type': 'application/json' };
const post = (path: string, body: unknown = '', who = admin) => who.send('POST', `/portal/clients${path}`, body, json);
const put = (id: string, body: unknown) => admin.send('PUT', `/portal/clients/${id}`, body, json);
const remove = (path: string) => admin.send('DELETE', `/portal/clients${path}`, '', json);
const said = async (answer: Response) => ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics!;
const list = async () => (await admin.json<{ clients: Shown[] }>('/portal/clients')).clients;

const redirectUri = 'https://app.example/callback';
const publicApp = {
  name: 'Growth Chart',
  kind: 'public-app',
  method: 'none',
  redirectUris: [redirectUri],
  scope: 'openid fhirUser launch launch/patient launch/imagingstudy offline_access patient/*.rs',
  mayIntrospect: false,
};

async function register(body: object): Promise<Registered> {
  const answer = await post('', body);
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Registered;
}

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** A patient signs in through an app; with its secret, if it has one. */
async function appTokens(
  clientId: string,
  secret?: string,
  scope = 'openid offline_access launch/patient patient/*.rs',
) {
  const { verifier, challenge } = pkce();
  const options = { clientId, redirectUri, scope, email: 'patient@demo.csss.example', password: demoPassword };
  const callback = await throughPages(new Browser(server.url), authorizeUrl(server.url, challenge, options), options);
  const answer = await postToken(
    server.url,
    {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code')!,
      redirect_uri: redirectUri,
      code_verifier: verifier,
      ...(secret === undefined && { client_id: clientId }),
    },
    secret === undefined ? {} : { Authorization: basic(clientId, secret) },
  );
  return { status: answer.status, tokens: (await answer.json()) as Tokens };
}

describe('who may', () => {
  test('only administrators, through our own application', async () => {
    const { access_token: doctor } = await server.signIn('doctor');
    for (const token of [doctor, await server.backend()])
      for (const answer of [
        await caller(server, token).get('/portal/clients'),
        await post('', publicApp, caller(server, token)),
        await post('/csss-demo-app/disable', '', caller(server, token)),
        await caller(server, token).get('/portal/clients/tokens'),
      ])
        expect(answer.status).toBe(403);
    expect((await caller(server, undefined).get('/portal/clients')).status).toBe(401);
    const foreign = await register({ ...publicApp, name: 'Foreign', scope: 'openid user/*.cruds' });
    const tokens = await server.signIn('admin', {
      clientId: foreign.client.id,
      redirectUri,
      scope: 'openid user/*.cruds',
    });
    expect((await caller(server, tokens.access_token).get('/portal/clients')).status).toBe(403);
  });
});

describe('an app', () => {
  test('is registered, signs people in, and is seen to be used', async () => {
    const { client, secret } = await register(publicApp);
    expect(secret).toBeUndefined();
    expect(client).toMatchObject({ name: 'Growth Chart', kind: 'public-app', ours: false, version: 1 });
    expect(client.registeredBy).toBeTypeOf('string');
    expect(client.lastUsedAt).toBeUndefined();
    const { status, tokens } = await appTokens(client.id);
    expect([status, tokens.patient]).toEqual([200, 'demo-patient-1']);
    expect((await list()).find(({ id }) => id === client.id)?.lastUsedAt).toBeTypeOf('string');
    const rows = await server.system.sql.query<{ entities: string[] }>(
      `select entities from audit where event = 'client:register' and outcome = 'success' and entities @> $1`,
      [[`Client/${client.id}`]],
    );
    expect(rows).toHaveLength(1);
  });

  test('is granted no more than it is registered for, staying connected included', async () => {
    const { client } = await register({
      ...publicApp,
      name: 'Narrow',
      scope: 'openid launch/patient patient/Patient.rs',
    });
    const { tokens } = await appTokens(
      client.id,
      undefined,
      'openid offline_access launch/patient patient/*.rs patient/Patient.r',
    );
    expect(tokens.scope).toBe('openid launch/patient patient/Patient.r');
    expect(tokens.refresh_token).toBeUndefined();
  });

  test('with a secret has it shown once, and a new one overlaps the old for a day', async () => {
    const { client, secret } = await register({
      ...publicApp,
      name: 'Portal',
      kind: 'confidential-app',
      method: 'client_secret_basic',
    });
    expect(secret!.length).toBeGreaterThanOrEqual(43);
    expect(JSON.stringify(await list())).not.toContain(secret);
    const [stored] = await server.system.sql.query<{ row: string }>(
      `select to_jsonb(smart_client)::text as row from smart_client where id = $1`,
      [client.id],
    );
    expect(stored!.row).not.toContain(secret);
    expect((await appTokens(client.id, secret)).status).toBe(200);
    expect((await appTokens(client.id, 'wrong')).status).toBe(401);
    const renewed = ((await (await post(`/${client.id}/secret`)).json()) as Registered).secret!;
    expect((await appTokens(client.id, renewed)).status).toBe(200);
    expect((await appTokens(client.id, secret)).status).toBe(200);
    await server.system.sql.query(
      `update smart_client set previous_secret_until = now() - interval '1 second' where id = $1`,
      [client.id],
    );
    expect((await appTokens(client.id, secret)).status).toBe(401);
    const last = ((await (await post(`/${client.id}/secret?atOnce=true`)).json()) as Registered).secret!;
    expect((await appTokens(client.id, renewed)).status).toBe(401);
    expect((await appTokens(client.id, last)).status).toBe(200);
    expect((await post('/csss-demo-app/secret')).status).toBe(422);
  });

  test.each([
    ['http', 'http://app.example/cb', 'not encrypted'],
    ['a fragment', 'https://app.example/cb#x', 'fragment'],
    ['a wildcard', 'https://*.app.example/cb', 'wildcard'],
    ['a script', 'javascript:alert(1)', 'absolute address'],
    ['a scheme of its own', 'com.example.app://cb', 'scheme'],
    ['no address', 'app.example/cb', 'absolute address'],
    ['a user name', 'https://user@app.example/cb', 'user name'],
    ['a backslash', 'https://app.example\\@evil.example/', 'backslashes'],
    ['another loopback', 'http://127.0.0.2/cb', 'not encrypted'],
    ['a host that looks like one', 'http://localhost.evil.example/cb', 'not encrypted'],
  ])('with %s as redirect address is refused with the reason', async (_name, uri, word) => {
    const before = (await list()).length;
    const answer = await post('', { ...publicApp, redirectUris: [redirectUri, uri] });
    expect(answer.status).toBe(400);
    expect(await said(answer)).toContain(word);
    expect((await post('', { ...publicApp, launchUri: uri })).status).toBe(400);
    expect((await list()).length).toBe(before);
  });

  test('in development may come back to any port of this computer', async () => {
    const { client } = await register({
      ...publicApp,
      name: 'Dev',
      redirectUris: ['http://localhost:3000/cb', 'http://[::1]/cb'],
    });
    const { challenge } = pkce();
    const ask = async (uri: string) =>
      (
        await fetch(authorizeUrl(server.url, challenge, { clientId: client.id, redirectUri: uri }), {
          redirect: 'manual',
        })
      ).status;
    expect(await ask('http://localhost:4444/cb')).toBe(303);
    expect(await ask('http://[::1]:4444/cb')).toBe(303);
    expect(await ask('http://localhost:4444/other')).toBe(400);
    expect(await ask('http://127.0.0.1:4444/cb')).toBe(400);
  });

  test.each([
    ['patient/Patient.xyz', 'patient/Patient.xyz'],
    ['openid patient/Nothing.rs', 'patient/Nothing.rs'],
    ['patient/*.sr', 'patient/*.sr'],
    ['system/*.rs', 'system/*.rs'],
    ['', 'at least one'],
  ])('with the scope "%s" is refused, and the scope named', async (scope, word) => {
    const answer = await post('', { ...publicApp, scope });
    expect(answer.status).toBe(400);
    expect(await said(answer)).toContain(word);
  });

  test.each([
    [{ kind: 'public-app', method: 'client_secret_basic' }],
    [{ kind: 'confidential-app', method: 'none' }],
    [{ kind: 'backend', method: 'client_secret_basic' }],
    [{ kind: 'backend', method: 'private_key_jwt', redirectUris: [redirectUri], scope: 'system/*.rs' }],
    [{ kind: 'confidential-app', method: 'private_key_jwt' }],
    [{ redirectUris: [] }],
    [{ name: ' ' }],
    [{ name: 'a\u202Eb' }],
    [{ kind: 'admin' }],
    [{ id: 'UPPER' }],
    [{ id: 'tokens' }],
    [{ jwks: { keys: [] } }],
    [{ mayIntrospect: true }],
  ])('that makes no sense is refused: %j', async (more) => {
    expect((await post('', { ...publicApp, ...more })).status).toBe(400);
  });

  test('is changed by one of two administrators at once', async () => {
    const { client } = await register({ ...publicApp, name: 'Contested' });
    const { clients, total } = await admin.json<{ clients: Shown[]; total: number }>('/portal/clients');
    expect(total).toBe(clients.length);
    const change = (name: string) => put(client.id, { ...publicApp, name, version: client.version });
    const answers = await Promise.all([change('First'), change('Second')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await change('Third')).status).toBe(409);
    expect(
      (await put(client.id, { ...publicApp, kind: 'confidential-app', method: 'client_secret_basic' })).status,
    ).toBe(422);
  });

  test('that may less than before loses its access tokens, and a refresh gives narrower ones', async () => {
    const { client } = await register({ ...publicApp, name: 'Shrinking' });
    const { tokens } = await appTokens(client.id);
    expect((await caller(server, tokens.access_token).get('/fhir/ImagingStudy')).status).toBe(200);
    await new Promise((done) => setTimeout(done, 1100)); // tokens know whole seconds
    expect((await put(client.id, { ...publicApp, scope: 'openid offline_access patient/Patient.rs' })).status).toBe(
      200,
    );
    expect((await caller(server, tokens.access_token).get('/fhir/ImagingStudy')).status).toBe(401);
    const fresh = await postToken(server.url, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token! });
    const { access_token: narrower, scope } = (await fresh.json()) as Tokens;
    expect(scope).not.toContain('patient/*.rs');
    expect((await caller(server, narrower).get('/fhir/ImagingStudy')).status).toBe(403);
  });

  test('out of service gets and keeps nothing, in CORS neither, and comes back with nothing', async () => {
    const origin = 'https://spa.example';
    const { client } = await register({ ...publicApp, name: 'Spa', redirectUris: [redirectUri, `${origin}/cb`] });
    const { tokens } = await appTokens(client.id);
    const mine = caller(server, tokens.access_token);
    const allowed = async () =>
      (await mine.get('/fhir/Patient/demo-patient-1', { Origin: origin })).headers.get('Access-Control-Allow-Origin');
    expect(await allowed()).toBe(origin);
    expect((await (await post(`/${client.id}/disable`)).json()) as Shown).toMatchObject({ disabled: true });
    expect((await mine.get('/fhir/Patient/demo-patient-1')).status).toBe(401);
    expect(await allowed()).toBeNull();
    const refresh = () =>
      postToken(server.url, {
        grant_type: 'refresh_token',
        refresh_token: tokens.refresh_token!,
        client_id: client.id,
      });
    expect((await refresh()).status).toBe(401);
    expect((await (await post(`/${client.id}/enable`)).json()) as Shown).toMatchObject({ disabled: false });
    expect((await refresh()).status).toBe(400);
    expect((await mine.get('/fhir/Patient/demo-patient-1')).status).toBe(401);
    expect((await appTokens(client.id)).status).toBe(200);
  });

  test('that is deleted is gone with all that it was given, and its id rests', async () => {
    const { client } = await register({ ...publicApp, id: 'short-lived' });
    const { tokens } = await appTokens(client.id);
    expect((await remove('/short-lived')).status).toBe(204);
    expect((await caller(server, tokens.access_token).get('/fhir/Patient/demo-patient-1')).status).toBe(401);
    expect((await remove('/short-lived')).status).toBe(404);
    expect((await put('short-lived', publicApp)).status).toBe(404);
    expect((await post('', { ...publicApp, id: 'short-lived' })).status).toBe(409);
    expect((await post('', { ...publicApp, id: 'csss-demo-app' })).status).toBe(409);
  });

  test('of our own is not touched', async () => {
    for (const answer of [
      await post('/csss-viewer/disable'),
      await put('csss-viewer', publicApp),
      await remove('/csss-viewer'),
      await post('/csss-viewer/secret'),
    ])
      expect(answer.status).toBe(422);
    expect((await list()).find(({ id }) => id === 'csss-viewer')).toMatchObject({ ours: true, disabled: false });
  });
});

test('apps that can be opened from our pages are listed for everybody who works or is treated here', async () => {
  const { client } = await register({
    ...publicApp,
    name: 'Viewer X',
    launchUri: 'https://app.example/launch',
    logoUri: 'https://app.example/logo.png',
  });
  const asked = async (role: 'patient' | 'doctor') =>
    (await caller(server, (await server.signIn(role)).access_token).json<{ apps: object[] }>('/portal/apps')).apps;
  const app = { id: client.id, name: 'Viewer X', logoUri: 'https://app.example/logo.png' };
  expect(await asked('doctor')).toEqual([app]);
  expect(await asked('patient')).toEqual([app]);
  await post(`/${client.id}/disable`);
  expect(await asked('doctor')).toEqual([]);
});

test('two processes on one database give one answer to one refresh', async () => {
  const { client } = await register({ ...publicApp, name: 'Two tabs' });
  const { tokens } = await appTokens(client.id);
  const other = await startTestServer({ workers: false, beside: server });
  try {
    const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token!, client_id: client.id };
    const answers = await Promise.all([server, other, server, other].map(({ url }) => postToken(url, fields)));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as Tokens[];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(bodies.map((body) => body.refresh_token)).size).toBe(1);
  } finally {
    await other.stop();
  }
});

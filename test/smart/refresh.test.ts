import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import smart from 'fhirclient';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, postToken, signIn, throughPages, type Tokens } from '../harness/sign-in.ts';
import { appRedirect, appSecret, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };
const patient = { email: 'patient@test.example', password };
const offline = 'openid fhirUser offline_access launch/patient patient/*.rs';

type Answer = { status: number; body: Tokens & { error?: string } };

async function refresh(token: string, more: Record<string, string> = {}, headers = {}): Promise<Answer> {
  const response = await postToken(server.url, { grant_type: 'refresh_token', refresh_token: token, ...more }, headers);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const named = { client_id: 'demo-app' };
const begin = async (scope = offline) => (await signIn(server.url, { ...app, ...patient, scope })).refresh_token!;

/** As if the token had been used so many seconds earlier. */
async function age(token: string, seconds: number): Promise<void> {
  await server.database.sql.query(
    `update oidc_payload set consumed_at = consumed_at - make_interval(secs => $2) where model = 'RefreshToken' and id = $1`,
    [token, seconds],
  );
}

test('a public client refreshes without its client_id', async () => {
  const { status, body } = await refresh(await begin());
  expect(status).toBe(200);
  expect((await server.whoAmI(body.access_token)).principal).toMatchObject({
    clientId: 'demo-app',
    patient: 'patient-1',
  });
});

test('a client with a secret does not refresh without showing it, with or without its client_id', async () => {
  const browser = new Browser(server.url);
  const callback = await codeOf('secret-app', browser);
  const tokens = (await (
    await postToken(server.url, callback.exchange, { Authorization: basic('secret-app', appSecret) })
  ).json()) as Tokens;
  expect(tokens.refresh_token).toBeTypeOf('string');
  expect(await refresh(tokens.refresh_token!)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  expect(await refresh(tokens.refresh_token!, { client_id: 'secret-app' })).toMatchObject({ status: 401 });
  expect(await refresh(tokens.refresh_token!, { client_id: 'demo-app' })).toMatchObject({ status: 400 });
  const own = await refresh(tokens.refresh_token!, {}, { Authorization: basic('secret-app', appSecret) });
  expect(own.status).toBe(200);
  // Nor does whoever has a used token get its answer without the secret.
  expect((await refresh(tokens.refresh_token!, { client_id: 'secret-app' })).status).toBe(401);
  const again = await refresh(tokens.refresh_token!, {}, { Authorization: basic('secret-app', appSecret) });
  expect(again.body).toEqual(own.body);
});

test('an unknown, an empty and a doubled refresh token without client_id are refused', async () => {
  expect((await refresh('nothing')).status).toBe(400);
  expect((await refresh('')).status).toBe(400);
  const token = await begin();
  const doubled = await fetch(`${server.url}/oidc/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `grant_type=refresh_token&refresh_token=${token}&refresh_token=${token}`,
  });
  expect(doubled.status).toBe(400);
  expect((await refresh(token)).status).toBe(200);
});

test('a second use within ten seconds gets the same answer, and the session goes on', async () => {
  const token = await begin();
  const first = await refresh(token, named);
  const second = await refresh(token, named);
  expect(second).toEqual(first);
  expect(await refresh(token)).toEqual(first);
  expect((await server.whoAmI(first.body.access_token)).status).toBe(200);
  expect((await refresh(first.body.refresh_token!, named)).status).toBe(200);
});

test('refreshes at the same moment get one answer', async () => {
  const token = await begin();
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => refresh(token, named)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  expect((await refresh(answers[0]!.body.refresh_token!, named)).status).toBe(200);
});

test('later than ten seconds a second use ends the whole family, access tokens included', async () => {
  const token = await begin();
  const next = await refresh(token, named);
  await age(token, 11);
  expect(await refresh(token, named)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await refresh(next.body.refresh_token!, named)).status).toBe(400);
  expect((await server.whoAmI(next.body.access_token)).status).toBe(401);
});

test('another client gets nothing of the answer', async () => {
  const token = await begin();
  const first = await refresh(token, named);
  expect(await refresh(token, { client_id: 'csss-demo-app' })).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant' },
  });
  expect((await server.whoAmI(first.body.access_token)).status).toBe(200);
});

test('another question is not answered, and the session goes on', async () => {
  const token = await begin();
  const first = await refresh(token, named);
  expect((await refresh(token, { ...named, scope: 'patient/Patient.rs' })).status).toBe(400);
  expect((await refresh(first.body.refresh_token!, named)).status).toBe(200);
});

test('an access that was taken back is not given again', async () => {
  const token = await begin();
  const { body } = await refresh(token, named);
  const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1]!, 'base64url').toString()) as { grant: string };
  await server.authorizations.revokeGrant(claims.grant);
  expect((await refresh(token, named)).status).toBe(400);
});

test('answers lie in the database unreadable, for seconds', async () => {
  const token = await begin();
  const { body } = await refresh(token, named);
  const rows = await server.database.sql.query<{ row: string; seconds: number }>(
    `select payload::text as row, extract(epoch from expires_at - now())::float as seconds from oidc_payload where model = 'RefreshAnswer'`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const { row, seconds } of rows) {
    expect(row).not.toContain(body.access_token);
    expect(row).not.toContain(body.refresh_token);
    expect(seconds).toBeLessThanOrEqual(10);
  }
});

test.each([
  ['patient/*.rs', 'patient/Patient.rs'],
  ['patient/*.rs', 'patient/*.r'],
  ['patient/*.rs', 'patient/Patient.read'],
  ['patient/*.read', 'patient/*.rs'],
  ['patient/Observation.rs', 'patient/Observation.rs?category=laboratory'],
  ['patient/Observation.rs?category=laboratory,imaging', 'patient/Observation.r?category=imaging&status=final'],
  ['patient/Patient.r patient/Patient.s', 'patient/Patient.rs'],
])('what was granted as %s can be narrowed to %s', async (granted, asked) => {
  const token = await begin(`openid offline_access launch/patient ${granted}`);
  const narrowed = await refresh(token, { ...named, scope: asked });
  expect(narrowed).toMatchObject({ status: 200, body: { scope: asked } });
  const whole = await refresh(narrowed.body.refresh_token!, named);
  expect(whole.body.scope.split(' ')).toEqual(expect.arrayContaining(granted.split(' ')));
});

test.each([
  ['patient/Patient.rs', 'patient/*.rs'],
  ['patient/*.r', 'patient/*.rs'],
  ['patient/*.rs', 'patient/*.cruds'],
  ['patient/*.rs', 'user/Patient.rs'],
  ['patient/*.rs', 'patient/Patient.write'],
  ['patient/Observation.rs?category=laboratory', 'patient/Observation.rs'],
  ['patient/Observation.rs?category=laboratory', 'patient/Observation.rs?category=laboratory,imaging'],
  ['patient/Observation.rs?category=laboratory', 'patient/Observation.rs?status=final'],
  ['patient/*.rs', 'profile'],
])('what was granted as %s cannot be widened to %s', async (granted, asked) => {
  const token = await begin(`openid offline_access launch/patient ${granted}`);
  expect(await refresh(token, { ...named, scope: asked })).toMatchObject({
    status: 400,
    body: { error: 'invalid_scope' },
  });
  expect((await refresh(token, named)).status).toBe(200);
});

test('fhirclient refreshes by itself, as it does with no client_id', async () => {
  const { handle, app } = await fhirclientApp();
  try {
    const started = await fetch(`${app}/launch`, { redirect: 'manual' });
    const callback = await throughPages(new Browser(server.url), started.headers.get('location')!, patient);
    const seen = (await (await fetch(callback)).json()) as { before: string; after: string; scope: string };
    expect(seen.after).not.toBe(seen.before);
    expect((await server.whoAmI(seen.after)).principal).toMatchObject({ clientId: 'csss-demo-app' });
  } finally {
    await new Promise((done) => handle.close(done).closeAllConnections());
  }
});

/** An app made with fhirclient that refreshes as soon as it has its tokens. */
async function fhirclientApp(): Promise<{ handle: Server; app: string }> {
  const kept = new Map<string, unknown>();
  const storage = {
    get: async (key: string) => kept.get(key),
    set: async (key: string, value: unknown) => (kept.set(key, value), value),
    unset: async (key: string) => kept.delete(key),
  };
  let app = '';
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const client = smart(request as never, response as never, storage as never);
    if (request.url?.startsWith('/launch'))
      return client.authorize({
        iss: `${server.url}/fhir`,
        clientId: 'csss-demo-app',
        redirectUri: `${app}/callback`,
        scope: 'openid fhirUser offline_access launch/patient patient/*.rs',
        pkceMode: 'required',
      });
    const ready = await client.ready();
    const before = ready.state.tokenResponse!.access_token!;
    await ready.refresh();
    return response.end(JSON.stringify({ before, after: ready.state.tokenResponse!.access_token }));
  };
  const handle = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((done) => handle.listen(0, '127.0.0.1', done));
  app = `http://127.0.0.1:${(handle.address() as AddressInfo).port}`;
  return { handle, app };
}

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** A code of a confidential client, and the exchange that is due. */
async function codeOf(clientId: string, browser: Browser): Promise<{ exchange: Record<string, string> }> {
  const { authorizeUrl, pkce } = await import('../harness/sign-in.ts');
  const { verifier, challenge } = pkce();
  const options = { clientId, redirectUri: appRedirect, scope: offline, ...patient };
  const callback = await throughPages(browser, authorizeUrl(server.url, challenge, options), options);
  return {
    exchange: {
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code')!,
      redirect_uri: appRedirect,
      code_verifier: verifier,
    },
  };
}

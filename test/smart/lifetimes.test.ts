import { afterAll, beforeAll, expect, test } from 'vitest';
import { disableAccount } from '../../server/core/accounts/people/change-access.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { authorizeUrl, backendToken, Browser, pkce, postToken, signIn, type Tokens } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect };
const doctor = { email: 'doctor@test.example', password };
const patient = { email: 'patient@test.example', password };
const offline = 'openid fhirUser offline_access launch/patient patient/*.rs';

async function refresh(
  token: string,
  more: Record<string, string> = {},
): Promise<{ status: number; body: Tokens & { error?: string } }> {
  const response = await postToken(server.url, {
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: 'demo-app',
    ...more,
  });
  return { status: response.status, body: (await response.json()) as Tokens & { error?: string } };
}

test('a refresh rotates the refresh token and keeps the launch context', async () => {
  const first = await signIn(server.url, { ...app, ...doctor, scope: offline, patient: 'patient-2' });
  const second = await refresh(first.refresh_token!);
  expect(second.body).toMatchObject({ patient: 'patient-2', need_patient_banner: true, scope: first.scope });
  expect(second.body.refresh_token).not.toBe(first.refresh_token);
  expect((await server.whoAmI(second.body.access_token)).principal.patient).toBe('patient-2');
});

test('tokens of our own application are renewed silently through a day of work, and no longer than its session', async () => {
  const viewer = { clientId: 'csss-viewer', redirectUri: `${server.url}/signed-in` };
  let token = (await signIn(server.url, { ...viewer, ...doctor, scope: 'openid fhirUser offline_access user/*.rs' }))
    .refresh_token!;
  const quarter = 15 * 60;
  /** As if a quarter of an hour had gone by for everything that this sign-in has left. */
  const goesBy = () =>
    server.database.sql.query(
      `update oidc_payload set expires_at = expires_at - make_interval(secs => $1),
              payload = jsonb_set(payload, '{exp}', to_jsonb((payload ->> 'exp')::bigint - $1))
        where payload ? 'exp'`,
      [quarter],
    );
  for (let hours = 0; hours < 8; hours += 0.25) {
    await goesBy();
    const { status, body } = await refresh(token, { client_id: 'csss-viewer' });
    expect([hours, status]).toEqual([hours, 200]);
    token = body.refresh_token!;
  }
  for (let hours = 8; hours < 12.25; hours += 0.25) await goesBy();
  expect((await refresh(token, { client_id: 'csss-viewer' })).status).toBe(400);
});

test('a refresh can narrow the scopes and never widen them', async () => {
  const first = await signIn(server.url, {
    ...app,
    ...patient,
    scope: 'openid offline_access patient/Patient.rs patient/ImagingStudy.rs',
  });
  const narrowed = await refresh(first.refresh_token!, { scope: 'patient/Patient.rs' });
  expect(narrowed.body.scope).toBe('patient/Patient.rs');
  const widened = await refresh(narrowed.body.refresh_token!, { scope: 'patient/*.cruds' });
  expect(widened).toMatchObject({ status: 400, body: { error: 'invalid_scope' } });
});

test('two launches of one app in one browser keep their own patients', async () => {
  const browser = new Browser(server.url);
  const one = await signIn(server.url, { ...app, ...doctor, scope: offline, patient: 'patient-1', browser });
  const two = await signIn(server.url, { ...app, ...doctor, scope: offline, patient: 'patient-2', browser });
  expect([one.patient, two.patient]).toEqual(['patient-1', 'patient-2']);
  expect((await refresh(one.refresh_token!)).body.patient).toBe('patient-1');
  expect((await server.whoAmI(one.access_token)).principal.patient).toBe('patient-1');
});

test('revoking the access token, a JWT, ends the authorisation at once here', async () => {
  const tokens = await signIn(server.url, { ...app, ...patient, scope: offline });
  const revoke = (fields: Record<string, string>) =>
    fetch(`${server.url}/oidc/token/revocation`, { method: 'POST', body: new URLSearchParams(fields) });
  expect((await revoke({ token: tokens.access_token, client_id: 'csss-viewer' })).status).toBe(200);
  expect((await server.whoAmI(tokens.access_token)).status).toBe(200); // another client's wish changes nothing
  expect((await revoke({ token: tokens.access_token, client_id: 'nobody' })).status).toBe(401);
  expect((await revoke({ token: tokens.access_token, client_id: 'demo-app' })).status).toBe(200);
  expect((await server.whoAmI(tokens.access_token)).status).toBe(401);
  expect((await refresh(tokens.refresh_token!)).status).toBe(400);
});

test('a backend service can take its own token back', async () => {
  const { access_token: token } = await backendToken(server.url, server.backend, 'system/Patient.rs');
  const { clientAssertion } = await import('../harness/sign-in.ts');
  const body = new URLSearchParams({
    token,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await clientAssertion(server.url, server.backend),
  });
  expect((await fetch(`${server.url}/oidc/token/revocation`, { method: 'POST', body })).status).toBe(200);
  expect((await server.whoAmI(token)).status).toBe(401);
});

test('introspection tells registered clients about any token, others about their own only', async () => {
  const tokens = await signIn(server.url, { ...app, ...doctor, scope: offline, patient: 'patient-2' });
  const other = await signIn(server.url, { ...patient });
  const { access_token: backend } = await backendToken(server.url, server.backend, 'system/Patient.rs');
  const ask = async (asker: string, token: string) => {
    const response = await fetch(`${server.url}/oidc/token/introspection`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${asker}` },
      body: new URLSearchParams({ token }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  expect((await ask(backend, tokens.access_token)).body).toMatchObject({
    active: true,
    client_id: 'demo-app',
    scope: tokens.scope,
    patient: 'patient-2',
    fhirUser: `${server.url}/fhir/Practitioner/doctor-1`,
    iss: `${server.url}/oidc`,
    sub: server.accounts.doctor.id,
  });
  expect((await ask(backend, tokens.refresh_token!)).body).toMatchObject({ active: true, client_id: 'demo-app' });
  expect((await ask(tokens.access_token, tokens.access_token)).body.active).toBe(true);
  expect((await ask(other.access_token, tokens.access_token)).body).toEqual({ active: false });
  expect((await ask(other.access_token, tokens.refresh_token!)).body).toEqual({ active: false });
  expect((await ask(backend, 'abc')).body).toEqual({ active: false });
  expect((await ask(backend, '')).status).toBe(400);
  expect((await ask('abc', tokens.access_token)).status).toBe(401);
  await server.authorizations.revokeGrant(
    (await server.authorizations.grantsOf(server.accounts.doctor.id))[0]!.grantId,
  );
  expect((await ask(backend, tokens.access_token)).body).toEqual({ active: false });
});

test('the viewer with offline_access shares one grant over its tabs, and signing out ends all of it', async () => {
  const browser = new Browser(server.url);
  const scope = 'openid profile fhirUser offline_access user/*.rs user/Task.u patient/*.rs';
  const one = await signIn(server.url, { ...doctor, scope, browser, remember: true });
  const two = await signIn(server.url, { email: '', password: '', scope, browser }); // no page: the session is enough
  const again = (token: string) => refresh(token, { client_id: 'csss-viewer' });
  const renewed = await again(one.refresh_token!);
  expect(renewed.status).toBe(200);
  const end = new URL(`${server.url}/oidc/session/end`);
  end.search = new URLSearchParams({
    id_token_hint: two.id_token!,
    post_logout_redirect_uri: `${server.url}/`,
  }).toString();
  const page = await (await browser.open(end.href)).response.text();
  expect(page).toContain('Sign out?');
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)![1]!;
  const { url } = await browser.post('/oidc/session/end/confirm', new URLSearchParams({ xsrf, logout: 'yes' }));
  expect(url).toBe(`${server.url}/`);
  const signOuts = await server.database.sql.query(`select subject, kind from audit where event = 'smart:sign-out'`);
  expect(signOuts).toEqual([{ subject: server.accounts.doctor.id, kind: 'user' }]);
  for (const token of [renewed.body.refresh_token!, two.refresh_token!]) expect((await again(token)).status).toBe(400);
  for (const token of [one.access_token, two.access_token]) expect((await server.whoAmI(token)).status).toBe(401);
});

test('somebody else can sign in in a browser where another person still is, whose viewer then ends', async () => {
  const browser = new Browser(server.url);
  const first = await signIn(server.url, { ...doctor, browser });
  const second = await signIn(server.url, { ...patient, browser, parameters: { prompt: 'login' } });
  expect((await server.whoAmI(second.access_token)).principal).toMatchObject({ role: 'patient', patient: 'patient-1' });
  expect((await server.whoAmI(first.access_token)).status).toBe(401);
});

test('prompt=none gives the viewer new tokens from the session without a page', async () => {
  const browser = new Browser(server.url);
  await signIn(server.url, { ...doctor, browser });
  const tokens = await signIn(server.url, { email: '', password: '', browser, parameters: { prompt: 'none' } });
  expect((await server.whoAmI(tokens.access_token)).principal.role).toBe('doctor');
});

test('a connected app is listed for its person, and access can be taken back on the page', async () => {
  const browser = new Browser(server.url);
  const tokens = await signIn(server.url, { ...app, ...patient, scope: offline, browser });
  expect((await fetch(`${server.url}/connected-apps`)).status).toBe(401);
  const page = await (await browser.open('/connected-apps')).response.text();
  expect(page).toContain('Demo &#60;App&#62;');
  const grant = /name="grant" value="([^"]+)"/.exec(page)![1]!;
  const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
  const stranger = new Browser(server.url);
  await signIn(server.url, { ...doctor, browser: stranger });
  expect((await stranger.post('/connected-apps', new URLSearchParams({ grant, proof }))).response.status).toBe(403);
  expect((await server.whoAmI(tokens.access_token)).status).toBe(200);
  await browser.post('/connected-apps', new URLSearchParams({ grant, proof }));
  expect((await server.whoAmI(tokens.access_token)).status).toBe(401);
  expect((await refresh(tokens.refresh_token!)).status).toBe(400);
});

test('POST /oidc/auth starts the same flow', async () => {
  const browser = new Browser(server.url);
  const url = new URL(authorizeUrl(server.url, pkce().challenge, { ...app, scope: offline }));
  const { response } = await browser.open('/oidc/auth', { method: 'POST', body: url.searchParams });
  expect(await response.text()).toContain('Sign in');
});

test('a changed role, and then a disabled account, end what was granted before', async () => {
  const account = server.accounts.doctor;
  const who = { email: account.email, password };
  const before = await signIn(server.url, who);
  expect((await server.whoAmI(before.access_token)).principal.role).toBe('doctor');
  await server.world.transaction(async ({ accounts, sessions }) => {
    await accounts.setRole(account.id, 'pharmacist', account.fhirUser);
    await sessions.endAll(account.id);
  });
  server.face.forgetChecks();
  expect((await server.whoAmI(before.access_token)).status).toBe(401);
  const after = await signIn(server.url, who);
  expect((await server.whoAmI(after.access_token)).principal.role).toBe('pharmacist');
  await inOneTransaction(server.world, { principal: systemPrincipal('test') }, (context) =>
    disableAccount(context, account.id),
  );
  server.face.forgetChecks();
  expect((await server.whoAmI(after.access_token)).status).toBe(401);
  await expect(signIn(server.url, who)).rejects.toMatchObject({ status: 403 });
  await server.world.transaction(async ({ accounts }) => {
    await accounts.setRole(account.id, 'doctor', account.fhirUser);
    await accounts.setDisabled(account.id, false);
  });
});

test('keys and sessions outlive a restart, and a disabled client gets nothing', async () => {
  const { smartKeys } = await import('../../server/smart/keys.ts');
  const again = await smartKeys(server.authorizations);
  expect((await (await fetch(`${server.url}/oidc/jwks`)).json()) as unknown).toMatchObject({
    keys: [{ kid: again.signing[0]!.kid }],
  });
  const { access_token: token } = await backendToken(server.url, server.backend, 'system/Patient.rs');
  await server.authorizations.setClientDisabled('backend', true);
  server.face.forgetChecks();
  expect((await server.whoAmI(token)).status).toBe(401);
  await expect(backendToken(server.url, server.backend, 'system/Patient.rs')).rejects.toThrow('invalid_client');
});

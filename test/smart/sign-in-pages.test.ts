import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, Browser, pkce, throughPages } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
beforeAll(async () => {
  server = await startSmallServer();
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect, scope: 'openid launch/patient patient/*.rs' };

/** A browser in front of the sign-in form. */
async function atSignIn(): Promise<{
  browser: Browser;
  page: string;
  headers: Headers;
  submit: (fields: Record<string, string>) => Promise<Response>;
}> {
  const browser = new Browser(server.url);
  const { url, response } = await browser.open(authorizeUrl(server.url, pkce().challenge, app));
  const page = await response.text();
  const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
  const submit = (fields: Record<string, string>) =>
    browser.request(`${url}/sign-in`, { method: 'POST', body: new URLSearchParams({ proof, ...fields }) });
  return { browser, page, headers: response.headers, submit };
}

const withoutSecrets = (page: string, email: string) =>
  page
    .replace(/name="proof" value="[^"]+"/g, '')
    .replace(/interaction\/[^/"]+/g, '')
    .replaceAll(email, '');

test('the sign-in page allows no inline script, no foreign source and no frame, and lets its form end at the app', async () => {
  const { page, headers } = await atSignIn();
  const policy = headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(policy).toContain("form-action 'self' https://app.example.org");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(headers.get('cache-control')).toBe('no-store');
  expect(page).not.toMatch(/<script>|\son[a-z]+=|style=/);
  expect(page).toContain('to continue to Demo &#60;App&#62;');
  for (const [label, field] of [
    ['E-mail address', 'email'],
    ['Password', 'password'],
  ])
    expect(page).toContain(`<label for="${field}">${label}`);
  const style = await fetch(`${server.url}/smart/page.css`);
  expect(style.headers.get('content-type')).toContain('text/css');
  const known = { 'If-None-Match': style.headers.get('etag')! };
  expect((await fetch(`${server.url}/smart/page.css`, { headers: known })).status).toBe(304);
  expect((await fetch(`${server.url}/smart/page.js`)).headers.get('content-type')).toContain('text/javascript');
});

test('a wrong password, an unknown address and a disabled account get the same answer', async () => {
  const disabled = 'admin@test.example';
  await server.database.sql.query(`update account set disabled = true where email = $1`, [disabled]);
  const answers = [];
  for (const [email, word] of [
    ['doctor@test.example', 'wrong'],
    ['nobody@test.example', 'wrong'],
    [disabled, password],
  ] as const) {
    const response = await (await atSignIn()).submit({ email, password: word });
    answers.push({ status: response.status, page: withoutSecrets(await response.text(), email) });
  }
  expect(answers[0]!.status).toBe(403);
  expect(answers[1]).toEqual(answers[0]);
  expect(answers[2]).toEqual(answers[0]);
  expect(answers[0]!.page).toContain('role="alert" tabindex="-1" autofocus');
  expect(answers[0]!.page).toContain('aria-describedby="error"');
});

test('the typed password never comes back in a page, the address does, escaped', async () => {
  const { submit } = await atSignIn();
  const page = await (await submit({ email: '"><img src=x>', password: 'never-echo-this' })).text();
  expect(page).not.toContain('never-echo-this');
  expect(page).not.toContain('<img');
  expect(page).toContain('&#34;&#62;&#60;img');
});

test('odd input is a failed sign-in, not a fault', async () => {
  for (const fields of [
    {},
    { email: 'a\0b', password: '\0' },
    { email: 'x'.repeat(60_000), password: 'y' },
    { email: 'doctor@test.example', password: 'z'.repeat(50_000) },
  ]) {
    expect((await (await atSignIn()).submit(fields as Record<string, string>)).status).toBe(403);
  }
  expect((await (await atSignIn()).submit({ email: 'x'.repeat(70_000) })).status).toBe(413);
});

test('after ten failures the account waits from this network, even with the right password, and it is said how long', async () => {
  await server.database.sql.query(`delete from sign_in_attempt`);
  const { submit } = await atSignIn();
  const email = 'patient@test.example';
  const guesses = await Promise.all(
    Array.from({ length: 12 }, () => submit({ email: email.toUpperCase(), password: 'guess' })),
  );
  expect(guesses.map((guess) => guess.status).sort()).toEqual([...Array<number>(10).fill(403), 429, 429]);
  const blocked = await submit({ email, password });
  expect(blocked.status).toBe(429);
  const wait = Number(blocked.headers.get('retry-after'));
  expect(wait).toBeGreaterThan(20);
  expect(wait).toBeLessThanOrEqual(30);
  const page = await blocked.text();
  expect(page).toContain(`Too many tries`);
  expect(page).toMatch(/Try again in \d+ seconds, or in a browser that you have signed in with before/);
  // An unknown address is counted the same way, and told the same.
  const unknown = await Promise.all(
    Array.from({ length: 11 }, () => submit({ email: 'nobody@test.example', password: 'guess' })),
  );
  const held = unknown.filter((guess) => guess.status === 429);
  expect(held).toHaveLength(1);
  expect(Number(held[0]!.headers.get('retry-after'))).toBeGreaterThan(20);
  // Another person at the same place is not held up.
  expect((await submit({ email: 'doctor@test.example', password })).status).toBe(303);
});

test('every sign-in leaves an audit row with its outcome, never with the address that was typed', async () => {
  const rows = await server.database.sql.query<{
    event: string;
    outcome: string;
    subject: string | null;
    source_address: string;
  }>(`select event, outcome, subject, source_address from audit where event like 'smart:sign-in%'`);
  const has = (event: string, outcome: string, subject: string | null) =>
    rows.some((row) => row.event === event && row.outcome === outcome && row.subject === subject);
  expect(has('smart:sign-in', 'success', server.accounts.doctor.id)).toBe(true);
  expect(has('smart:sign-in', 'refused', server.accounts.doctor.id)).toBe(true);
  expect(has('smart:sign-in', 'refused', null)).toBe(true);
  expect(has('smart:sign-in-throttled', 'refused', server.accounts.patient.id)).toBe(true);
  expect(rows.every((row) => row.source_address.includes('127.0.0.1'))).toBe(true);
  expect(JSON.stringify(await server.database.sql.query(`select * from audit`))).not.toContain('test.example');
});

test('a demo account fills the form by a click, also without script', async () => {
  const { page, submit } = await atSignIn();
  expect(page).toContain('data-email="patient@test.example"');
  const filled = await (await submit({ demo: '0' })).text();
  expect(filled).toMatch(/id="email"[^>]+value="patient@test\.example"/);
  expect(filled).toMatch(new RegExp(`id="password"[^>]+value="${password}"`));
});

test('cancel tells the app that the person said no', async () => {
  const { browser, page } = await atSignIn();
  const cancel = /action="([^"]+\/cancel)"/.exec(page)![1]!;
  const { url } = await browser.post(
    cancel,
    new URLSearchParams({ proof: /name="proof" value="([^"]+)"/.exec(page)![1]! }),
  );
  expect(url.startsWith(`${appRedirect}?error=access_denied`)).toBe(true);
});

test('a page whose interaction is over says so', async () => {
  const response = await fetch(`${server.url}/interaction/abc`);
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('This sign-in is over');
});

test.each([
  ['our own application', 'csss-viewer', 303, '/work'],
  ['another app', 'demo-app', 200, null],
])('Back to a finished sign-in of %s leads on, in this browser only', async (_name, clientId, status, location) => {
  await server.database.sql.query(`delete from sign_in_attempt`);
  const browser = new Browser(server.url);
  const redirectUri = clientId === 'demo-app' ? appRedirect : `${server.url}/signed-in`;
  const { url } = await browser.open(
    authorizeUrl(server.url, pkce().challenge, { clientId, redirectUri, scope: 'openid fhirUser' }),
  );
  const { pathname } = new URL(url);
  await throughPages(browser, url, { email: 'patient@test.example', password, clientId });
  const back = await browser.request(pathname);
  expect([back.status, back.headers.get('location')]).toEqual([status, location]);
  expect(await back.text()).not.toContain('went wrong');
  expect((await fetch(server.url + pathname)).status).toBe(400);
});

test('the session cookie is HttpOnly and SameSite=Lax, and lasts only with "remember me"', async () => {
  const start = async (remember: boolean) => {
    await server.database.sql.query(`delete from sign_in_attempt`);
    const { browser, submit } = await atSignIn();
    const answer = await submit({ email: 'doctor@test.example', password, ...(remember ? { remember: 'yes' } : {}) });
    const resumed = await browser.request(answer.headers.get('location')!);
    return resumed.headers.getSetCookie().find((line) => line.startsWith('csss_session='))!;
  };
  const short = await start(false);
  expect(short).toMatch(/httponly/i);
  expect(short).toMatch(/samesite=lax/i);
  expect(short).not.toMatch(/expires=/i);
  expect(await start(true)).toMatch(/expires=/i);
});

test('signed-in pages cannot be taken over by a session of somebody else', async () => {
  await server.database.sql.query(`delete from sign_in_attempt`);
  const victim = await atSignIn();
  const uid = /interaction\/([^/"]+)\/sign-in/.exec(victim.page)![1]!;
  const attacker = new Browser(server.url);
  await attacker.open(authorizeUrl(server.url, pkce().challenge, app));
  expect((await attacker.request(`/interaction/${uid}`)).status).toBe(400);
});

test('discovery is public for any origin and claims S256 only', async () => {
  for (const path of ['/.well-known/smart-configuration', '/fhir/.well-known/smart-configuration']) {
    const response = await fetch(`${server.url}${path}`, {
      headers: { Origin: 'https://any.example', Accept: 'application/xml' },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('content-type')).toContain('application/json');
    const configuration = (await response.json()) as Record<string, string[]>;
    expect(configuration.code_challenge_methods_supported).toEqual(['S256']);
    expect(configuration.capabilities).toContain('launch-standalone');
    expect(configuration.capabilities).not.toContain('smart-imaging-access');
  }
});

test('the token endpoint answers a browser app from its own origin only', async () => {
  const ask = (origin: string) =>
    fetch(`${server.url}/oidc/token`, {
      method: 'POST',
      headers: { Origin: origin },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: 'demo-app',
        code: 'x',
        redirect_uri: appRedirect,
        code_verifier: 'x',
      }),
    });
  expect((await ask('https://app.example.org')).headers.get('access-control-allow-origin')).toBe(
    'https://app.example.org',
  );
  const foreign = await ask('https://evil.example');
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  expect(await server.authorizations.clientOrigins()).toEqual(
    expect.arrayContaining(['https://app.example.org', server.url]),
  );
});

import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRecoveryCodes } from '../../server/core/accounts/factors/recovery-codes.ts';
import {
  authorizeUrl,
  Browser,
  freshCode,
  giveTotp,
  pkce,
  signIn,
  throughPages,
  type SignInOptions,
} from '../harness/sign-in.ts';
import { afterPassword, forgetFactors, isIn, mailedCode, pageOf, post, type Page } from './factor-pages.ts';
import { lastMail, password, startSmallServer, type SmallServer } from './small-server.ts';

const admin = 'admin@test.example';
const doctor = 'doctor@test.example';
let server: SmallServer;
let totp: string;

beforeAll(async () => {
  server = await startSmallServer(undefined, { secondFactorRoles: ['admin'], mailCodes: true });
});
afterAll(() => server.close());
beforeEach(async () => {
  await forgetFactors(server);
  totp = await giveTotp(server.world, doctor);
});

const events = () =>
  server.database.sql.query<{ event: string; outcome: string; entities: string[] }>(
    `select event, outcome, entities from audit where event = 'smart:second-factor' order by seq`,
  );

test('the password alone opens nothing: no session, no device, no code for the app', async () => {
  const browser = new Browser(server.url);
  const page = await afterPassword(browser, doctor);
  expect(page.status).toBe(200);
  expect(page.html).toContain('Type the code of your app');
  expect(page.html).toMatch(/inputmode="numeric"\s+autocomplete="one-time-code"/);
  // Only where the sign-in will lead, for the Back button.
  expect(page.headers.getSetCookie().map((cookie) => cookie.split(/[=;]/, 2).join('='))).toEqual(['csss_finished=own']);
  const sessions = await server.database.sql.query(
    `select from oidc_payload where model in ('Session', 'AuthorizationCode', 'Grant') and account_id = $1`,
    [server.accounts.doctor.id],
  );
  expect(sessions).toEqual([]);
  const other = await pageOf(await browser.open(authorizeUrl(server.url, pkce().challenge, {})));
  expect(other.html).toContain('action="/interaction/' + other.uid + '/sign-in"');
  expect((await browser.open('/connected-apps')).response.status).toBe(401);
});

test('with the code of the app the person is in, and tokens say so', async () => {
  const before = Math.floor(Date.now() / 1000);
  const tokens = await signIn(server.url, { email: doctor, password, totp });
  const claims = decodeJwt(tokens.access_token);
  expect(claims).toMatchObject({ acr: 'urn:csss:acr:two-factors', amr: ['pwd', 'otp', 'mfa'] });
  expect(claims['auth_time']).toBeGreaterThanOrEqual(before);
  const { principal } = await server.whoAmI(tokens.access_token);
  expect(principal).toMatchObject({ secondFactorAt: claims['auth_time'], hasFactor: true });
  expect((await events()).at(-1)).toMatchObject({ outcome: 'success', entities: ['factor/totp'] });
  const account = await server.world.read(({ accounts }) => accounts.byId(server.accounts.doctor.id));
  expect(account?.lastSignInAt).toBeInstanceOf(Date);
});

test('who has no second factor and needs none is in with the password, and no token says more', async () => {
  const tokens = await signIn(server.url, { email: 'patient@test.example', password });
  const claims = decodeJwt(tokens.access_token);
  expect(claims).toMatchObject({ amr: ['pwd'] });
  expect(claims['acr']).toBeUndefined();
  const { principal } = await server.whoAmI(tokens.access_token);
  expect(principal.secondFactorAt).toBeUndefined();
  expect(principal.hasFactor).toBeUndefined();
});

test('a code works once: not again in another sign-in, and not the one before it', async () => {
  const code = await freshCode(totp);
  const first = new Browser(server.url);
  expect(isIn(await post(first, await afterPassword(first, doctor), 'prove', { code }))).toBe(true);
  const second = new Browser(server.url);
  const again = await post(second, await afterPassword(second, doctor), 'prove', { code });
  expect(again.status).toBe(403);
  expect(again.html).toContain('or was used already');
  expect(again.html).toMatch(/id="error" role="alert" tabindex="-1" autofocus/);
  expect((await events()).at(-1)).toMatchObject({ outcome: 'refused' });
});

test('spaces in a code are no mistake', async () => {
  const browser = new Browser(server.url);
  const code = await freshCode(totp);
  const page = await afterPassword(browser, doctor);
  expect(isIn(await post(browser, page, 'prove', { code: ` ${code.slice(0, 3)} ${code.slice(3)} ` }))).toBe(true);
});

test('wrong codes wait after ten, also in another browser and network, and a right password does not forget them', async () => {
  const browser = new Browser(server.url);
  let page = await afterPassword(browser, doctor);
  for (let i = 0; i < 10; i++) page = await post(browser, page, 'prove', { code: '000000' });
  expect(page.status).toBe(403);
  page = await post(browser, page, 'prove', { code: '000000' });
  expect(page.status).toBe(429);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
  const other = new Browser(server.url);
  const right = await post(other, await afterPassword(other, doctor), 'prove', { code: await freshCode(totp) });
  expect(right.status).toBe(429);
});

test('who guesses codes elsewhere does not keep a person from the own browser', async () => {
  const own = new Browser(server.url);
  await signIn(server.url, { email: doctor, password, totp, browser: own });
  const thief = new Browser(server.url);
  let page = await afterPassword(thief, doctor);
  for (let i = 0; i < 11; i++) page = await post(thief, page, 'prove', { code: '000000' });
  expect(page.status).toBe(429);
  const again = await afterPassword(own, doctor, { prompt: 'login' });
  expect(isIn(await post(own, again, 'prove', { code: await freshCode(totp) }))).toBe(true);
});

test('a recovery code stands for the second factor once, in any case and groups, and the person hears of it', async () => {
  const { codes, digests } = makeRecoveryCodes();
  await server.world.transaction(({ factors }) => factors.replaceRecoveryCodes(server.accounts.doctor.id, digests));
  const browser = new Browser(server.url);
  let page = await afterPassword(browser, doctor);
  page = await post(browser, page, 'way', { way: 'recovery' });
  expect(page.html).toContain('you have 10 left');
  const typed = codes[3]!.toLowerCase().replaceAll('-', ' ');
  expect(isIn(await post(browser, page, 'prove', { code: typed }))).toBe(true);
  expect((await lastMail(server, doctor)).text).toContain('9 are left');
  const second = new Browser(server.url);
  page = await post(second, await afterPassword(second, doctor), 'way', { way: 'recovery' });
  expect((await post(second, page, 'prove', { code: typed })).status).toBe(403);
  const [row] = await server.database.sql.query<{ all: string }>(
    `select string_agg(digest, ' ') as all from recovery_code`,
  );
  for (const code of codes) expect(row!.all).not.toContain(code.replaceAll('-', ''));
});

test('a way that is not set up is not taken', async () => {
  const browser = new Browser(server.url);
  let page = await afterPassword(browser, doctor);
  for (const way of ['mail', 'recovery', 'passkey', 'constructor', '']) {
    page = await post(browser, page, 'way', { way });
    expect(page.html).toContain('Type the code of your app');
  }
  page = await post(browser, page, 'mail-code');
  expect(page.html).toContain('Type the code of your app');
  expect(await server.database.sql.query(`select from delivery where recipient = $1`, [doctor])).toEqual([]);
});

test.each([
  [
    'signed out everywhere',
    () => server.world.transaction(({ sessions }) => sessions.endAll(server.accounts.doctor.id)),
  ],
  [
    'of another role',
    () =>
      server.world.transaction(({ accounts }) =>
        accounts.setRole(server.accounts.doctor.id, 'pharmacist', 'Practitioner/doctor-1'),
      ),
  ],
  [
    'disabled in the database',
    () => server.database.sql.query(`update account set disabled = true where email = $1`, [doctor]),
  ],
  [
    'of another password',
    () => server.database.sql.query(`update account set password_hash = 'x' where email = $1`, [doctor]),
  ],
] as const)('a person who is %s between the steps is not let in', async (_name, change) => {
  const [kept] = await server.database.sql.query<{ password_hash: string }>(
    `select password_hash from account where email = $1`,
    [doctor],
  );
  const browser = new Browser(server.url);
  const page = await afterPassword(browser, doctor);
  await change();
  const answer = await post(browser, page, 'prove', { code: await freshCode(totp) });
  await server.database.sql.query(
    `update account set disabled = false, role = 'doctor', password_hash = $2 where email = $1`,
    [doctor, kept!.password_hash],
  );
  expect(answer.status).toBe(403);
  expect(answer.html).toContain('Sign in again');
});

test('a device is spared the second factor for as long as the account stays the same, and never where one is asked for', async () => {
  const own = new Browser(server.url);
  await signIn(server.url, { email: doctor, password, totp, trust: true, browser: own });
  const spared = await afterPassword(own, doctor, { prompt: 'login' });
  expect(isIn(spared)).toBe(true);
  const asked = await afterPassword(own, doctor, { prompt: 'login', acr_values: 'urn:csss:acr:two-factors' });
  expect(asked.html).toContain('Type the code of your app');
  await giveTotp(server.world, doctor);
  expect((await afterPassword(own, doctor, { prompt: 'login' })).html).toContain('Type the code of your app');
});

test('a device that was remembered with codes by mail is not spared after the factors were reset and mail was chosen again', async () => {
  const { sql } = server.database;
  const { id } = server.accounts.doctor;
  await sql.query(`delete from second_factor`);
  const mail = (on: boolean) => server.world.transaction(({ factors }) => factors.setMail(id, on));
  await mail(true);
  const own = new Browser(server.url);
  const page = await afterPassword(own, doctor);
  expect(isIn(await post(own, page, 'prove', { code: await mailedCode(server, doctor), trust: 'yes' }))).toBe(true);
  expect(isIn(await afterPassword(own, doctor, { prompt: 'login' }))).toBe(true);
  // As administrators do: off, signed out everywhere; the person chooses the same way again.
  await server.world.transaction(async ({ factors, sessions }) => {
    await factors.removeAll(id);
    await sessions.endAll(id);
    await factors.setMail(id, true);
  });
  await sql.query(`delete from mail_code`);
  const again = await afterPassword(own, doctor, { prompt: 'login' });
  expect(isIn(again)).toBe(false);
});

test('whoever is spared has no second factor in the tokens', async () => {
  const own = new Browser(server.url);
  const options: SignInOptions = { email: doctor, password, totp, trust: true, browser: own };
  await signIn(server.url, options);
  const tokens = await signIn(server.url, { ...options, parameters: { prompt: 'login' } });
  expect(decodeJwt(tokens.access_token)['acr']).toBeUndefined();
});

test('a form of another sign-in, and a second factor without a password, lead nowhere', async () => {
  const browser = new Browser(server.url);
  const first = await pageOf(await browser.open(authorizeUrl(server.url, pkce().challenge, {})));
  const code = await freshCode(totp);
  const answer = await post(browser, first, 'prove', { code });
  expect(answer.status).toBe(403);
  expect(answer.html).toContain('/sign-in"');
  const other = new Browser(server.url);
  const page = await afterPassword(other, doctor);
  expect((await post(browser, page, 'prove', { code })).status).toBe(400);
});

test('the page of the second factor comes again when the app sends the person on', async () => {
  const browser = new Browser(server.url);
  const url = await throughPages(browser, authorizeUrl(server.url, pkce().challenge, {}), {
    email: doctor,
    password,
    totp,
  });
  expect(url.searchParams.get('code')).toBeTruthy();
});

test('a session that is older than the rule that its role needs a second factor gives it at the next request', async () => {
  const browser = new Browser(server.url);
  const options = { email: admin, password, browser };
  await giveTotp(server.world, admin).then((secret) => signIn(server.url, { ...options, totp: secret }));
  await server.database.sql.query(
    `update oidc_payload set payload = (payload - 'acr') || '{"amr": ["pwd"]}' where model = 'Session' and account_id = $1`,
    [server.accounts.admin.id],
  );
  const page = await pageOf(await browser.open(authorizeUrl(server.url, pkce().challenge, {})));
  expect(page.html).toContain('Type the code of your app');
  expect(page.html).not.toContain('type="password"');
});

test('only the published accounts that exist are offered', async () => {
  const shown = async () =>
    (await pageOf(await new Browser(server.url).open(authorizeUrl(server.url, pkce().challenge, {})))).html;
  expect(await shown()).toContain('data-email="patient@test.example"');
  await server.database.sql.query(
    `update account set email = 'gone@test.example' where email = 'patient@test.example'`,
  );
  expect(await shown()).not.toContain('data-email');
  await server.database.sql.query(
    `update account set email = 'patient@test.example' where email = 'gone@test.example'`,
  );
});

test('a secret that no key opens is a fault for the log, and tells nothing', async () => {
  await server.database.sql.query(`update second_factor set secret = '00000000.AAAA'`);
  const browser = new Browser(server.url);
  const answer = await post(browser, await afterPassword(browser, doctor), 'prove', { code: '123456' });
  expect(answer.status).toBe(500);
  expect(answer.html).not.toContain('SECRET_KEYS');
  expect(server.faults.splice(0)).toMatchObject([{ code: 'exception' }]);
});

test('of two sign-ins that give one code at the same moment one gets in', async () => {
  const browsers = [new Browser(server.url), new Browser(server.url), new Browser(server.url)];
  const pages: Page[] = [];
  for (const browser of browsers) pages.push(await afterPassword(browser, doctor));
  const code = await freshCode(totp);
  const ends = await Promise.all(browsers.map((browser, i) => post(browser, pages[i]!, 'prove', { code })));
  expect(ends.map(({ status }) => status).sort()).toEqual([303, 403, 403]);
});

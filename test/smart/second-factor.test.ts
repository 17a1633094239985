import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeRecoveryCodes } from '../../server/core/accounts/factors/recovery-codes.ts';
import { decodeJwt } from 'jose';
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
  await server.database.sql.query(`delete from second_factor`);
  await server.database.sql.query(`delete from recovery_code`);
  await server.database.sql.query(`delete from mail_code`);
  await server.database.sql.query(`delete from delivery`);
  await server.database.sql.query(`delete from sign_in_attempt`);
  await server.database.sql.query(`update account set mail_factor = false, last_sign_in_at = null, verified_at = null`);
  totp = await giveTotp(server.world, doctor);
});

interface Page {
  status: number;
  html: string;
  uid: string;
  headers: Headers;
}

async function pageOf({ url, response }: { url: string; response: Response }): Promise<Page> {
  const html = await response.text();
  const uid = /\/interaction\/([\w-]+)/.exec(html)?.[1] ?? new URL(url).pathname.split('/')[2] ?? '';
  return { status: response.status, html, uid, headers: response.headers };
}

/** Gives the password on the sign-in page; what comes next is the page of the second factor. */
async function afterPassword(browser: Browser, email: string, parameters: Record<string, string> = {}): Promise<Page> {
  const first = await pageOf(await browser.open(authorizeUrl(server.url, pkce().challenge, { parameters })));
  return post(browser, first, 'sign-in', { email, password });
}

async function post(browser: Browser, page: Page, action: string, fields: Record<string, string> = {}): Promise<Page> {
  const proof = /name="proof" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
  return pageOf(await browser.post(`/interaction/${page.uid}/${action}`, new URLSearchParams({ proof, ...fields })));
}

const isIn = (page: Page) => page.status === 303;
const mailed = async (to: string) => /Your code is (\d{6})/.exec((await lastMail(server, to)).text)![1]!;
const wrongOf = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
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
  expect(page.headers.get('set-cookie')).toBeNull();
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

test('the mail says the time that the code works, and the code signs in and verifies the address', async () => {
  const browser = new Browser(server.url);
  const page = await afterPassword(browser, admin);
  expect(page.html).toContain('for 10 minutes');
  const mail = await lastMail(server, admin);
  expect(mail.text).toContain('for 10 minutes');
  const [row] = await server.database.sql.query<{ digest: string; left: number }>(
    `select digest, extract(epoch from expires_at - now())::integer as left from mail_code`,
  );
  const code = await mailed(admin);
  expect(row!.digest).not.toContain(code);
  expect(row!.left).toBeGreaterThan(590);
  expect(row!.left).toBeLessThanOrEqual(600);
  expect(isIn(await post(browser, page, 'prove', { code }))).toBe(true);
  const account = await server.world.read(({ accounts }) => accounts.byId(server.accounts.admin.id));
  expect(account?.verifiedAt).toBeInstanceOf(Date);
});

test('a mailed code works once, and only in the sign-in in which it was asked for', async () => {
  const first = new Browser(server.url);
  const page = await afterPassword(first, admin);
  const code = await mailed(admin);
  await server.database.sql.query(`update mail_code set sent_at = '{}'`);
  const second = new Browser(server.url);
  const other = await afterPassword(second, admin);
  const newCode = await mailed(admin);
  // The new one voids the old, and is of the other sign-in.
  for (const one of [code, newCode]) {
    const answer = await post(first, page, 'prove', { code: one });
    expect(answer.status).toBe(403);
    expect(answer.html).toContain('does not work any more');
  }
  expect(isIn(await post(second, other, 'prove', { code: newCode }))).toBe(true);
  const third = new Browser(server.url);
  const late = await afterPassword(third, admin);
  expect((await post(third, late, 'prove', { code: newCode })).status).toBe(403);
});

test('five wrong tries kill a mailed code', async () => {
  const browser = new Browser(server.url);
  let page = await afterPassword(browser, admin);
  const code = await mailed(admin);
  for (let i = 0; i < 5; i++) page = await post(browser, page, 'prove', { code: wrongOf(code) });
  expect(page.html).toContain('does not work any more');
  expect((await post(browser, page, 'prove', { code })).status).toBe(403);
});

test('of parallel tries at a mailed code no more than five are looked at', async () => {
  const browser = new Browser(server.url);
  const page = await afterPassword(browser, admin);
  const code = await mailed(admin);
  await Promise.all(Array.from({ length: 9 }, () => post(browser, page, 'prove', { code: wrongOf(code) })));
  const [row] = await server.database.sql.query<{ tries: number }>(`select tries from mail_code`);
  expect(row!.tries).toBe(5);
});

test('a code is mailed once a minute and five times an hour, and it is said when again', async () => {
  const browser = new Browser(server.url);
  let page = await afterPassword(browser, admin);
  expect(page.html).toContain('data-wait="60"');
  page = await post(browser, page, 'mail-code');
  expect(page.status).toBe(429);
  const wait = Number(page.headers.get('retry-after'));
  expect(wait).toBeGreaterThan(50);
  expect(wait).toBeLessThanOrEqual(60);
  const code = await mailed(admin);
  for (let i = 0; i < 4; i++) {
    await server.database.sql.query(
      `update mail_code set sent_at = array(select at - interval '61 seconds' from unnest(sent_at) as at)`,
    );
    page = await post(browser, page, 'mail-code');
    expect(page.status).toBe(200);
  }
  expect(await mailed(admin)).not.toBe(code);
  await server.database.sql.query(
    `update mail_code set sent_at = array(select at - interval '61 seconds' from unnest(sent_at) as at)`,
  );
  page = await post(browser, page, 'mail-code');
  expect(page.status).toBe(429);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(3000);
});

test('an old mailed code does not work', async () => {
  const browser = new Browser(server.url);
  const page = await afterPassword(browser, admin);
  await server.database.sql.query(`update mail_code set expires_at = now() - interval '1 second'`);
  expect((await post(browser, page, 'prove', { code: await mailed(admin) })).html).toContain('does not work any more');
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
  expect(isIn(await post(own, page, 'prove', { code: await mailed(doctor), trust: 'yes' }))).toBe(true);
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

test('of several that ask for a code at the same moment one is mailed', async () => {
  const browsers = [new Browser(server.url), new Browser(server.url), new Browser(server.url)];
  const ends = await Promise.all(browsers.map((browser) => afterPassword(browser, admin)));
  expect(ends.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  expect(await server.database.sql.query(`select from delivery where recipient = $1`, [admin])).toHaveLength(1);
});

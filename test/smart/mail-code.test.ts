import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Browser } from '../harness/sign-in.ts';
import { afterPassword, forgetFactors, isIn, mailedCode, post, wrongOf } from './factor-pages.ts';
import { lastMail, startSmallServer, type SmallServer } from './small-server.ts';

// Six digits by mail as the second factor: for how long, how often, and what ends them.
const admin = 'admin@test.example';
let server: SmallServer;

beforeAll(async () => {
  server = await startSmallServer(undefined, { secondFactorRoles: ['admin'], mailCodes: true });
});
afterAll(() => server.close());
beforeEach(() => forgetFactors(server));

const mailed = (to: string) => mailedCode(server, to);

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

test('of several that ask for a code at the same moment one is mailed', async () => {
  const browsers = [new Browser(server.url), new Browser(server.url), new Browser(server.url)];
  const ends = await Promise.all(browsers.map((browser) => afterPassword(browser, admin)));
  expect(ends.map(({ status }) => status).sort()).toEqual([200, 429, 429]);
  expect(await server.database.sql.query(`select from delivery where recipient = $1`, [admin])).toHaveLength(1);
});

import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { demoPassword } from '../../server/demo/people.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { looksRight, press, says } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// A working day at one desk: tabs, colleagues, breaks, the Back button.
let server: TestServer;
let browser: TestBrowser;
const faults: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  expect(faults).toEqual([]);
});

async function desk(role = 'doctor'): Promise<Page> {
  const { page } = await browser.person();
  await prepare(page);
  await signInByPage(page, server.url, role);
  return page;
}

async function prepare(page: Page): Promise<void> {
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  // A clock that a test can put forward.
  await page.evaluateOnNewDocument(() => {
    const { now } = Date;
    const clock = globalThis as unknown as { ahead: number };
    clock.ahead = 0;
    Date.now = () => now() + clock.ahead;
  });
}

async function anotherTab(page: Page, path: string): Promise<Page> {
  const tab = await page.browserContext().newPage();
  tab.setDefaultTimeout(30_000);
  await prepare(tab);
  await tab.goto(server.url + path);
  return tab;
}

/** As "duplicate this tab" does: with what the tab keeps for itself. */
async function duplicateOf(page: Page, path: string): Promise<Page> {
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage }));
  const tab = await page.browserContext().newPage();
  tab.setDefaultTimeout(30_000);
  await prepare(tab);
  await tab.evaluateOnNewDocument((copied: string) => {
    if (sessionStorage.length > 0) return;
    for (const [key, value] of Object.entries(JSON.parse(copied) as Record<string, string>))
      sessionStorage.setItem(key, value);
  }, kept);
  await tab.goto(server.url + path);
  await tab.waitForSelector('[data-testid="person"]');
  return tab;
}

const user = (page: Page) =>
  page.evaluate(() => {
    const [key] = Object.keys(sessionStorage).filter((name) => name.startsWith('csss.user:'));
    return key === undefined
      ? undefined
      : (JSON.parse(sessionStorage.getItem(key)!) as { access_token: string; refresh_token: string });
  });

const at = (page: Page, path: string) =>
  page.waitForFunction((wanted: string) => location.pathname === wanted, {}, path);
const putForward = (page: Page, minutes: number) =>
  page.evaluate((by) => void ((globalThis as unknown as { ahead: number }).ahead += by * 60_000), minutes);

async function signInThere(page: Page, testId: string, role: string): Promise<void> {
  const popup = new Promise<Page | null>((done) => page.once('popup', done));
  await press(page, testId);
  const opened = (await popup)!;
  await opened.waitForSelector('input[type="password"]');
  await opened.$eval('input[name="email"]', (field) => (field as HTMLInputElement).select());
  await opened.type('input[name="email"]', `${role}@demo.csss.example`);
  await opened.type('input[name="password"]', demoPassword);
  await opened.click('#sign-in');
  await page.bringToFront();
}

test('Back after signing in leads on, to the work list, and shows no error', async () => {
  const page = await desk();
  await page.goBack();
  await at(page, '/doctor');
  await page.waitForSelector('[data-testid="person"]');
  expect(await page.evaluate(() => document.body.innerText)).not.toMatch(/wrong|over or was started/);
});

test('a copy of a tab shares what is renewed: none of them uses a token that the other has used up', async () => {
  const page = await desk();
  const copy = await duplicateOf(page, '/account');
  const before = (await user(page))!;
  expect((await user(copy))!.refresh_token).toBe(before.refresh_token);
  await page.bringToFront();
  await putForward(page, 14.5); // a minute before the access token ends
  await page.waitForFunction(
    (old: string) =>
      !Object.values({ ...sessionStorage })
        .join('')
        .includes(old),
    {},
    before.refresh_token,
  );
  await copy.waitForFunction(
    (old: string) =>
      !Object.values({ ...sessionStorage })
        .join('')
        .includes(old),
    {},
    before.refresh_token,
  );
  expect((await user(copy))!.refresh_token).toBe((await user(page))!.refresh_token);
  // Long after the patience that the server has with two tabs, each still goes on.
  await server.system.sql.query(
    `update oidc_payload set consumed_at = consumed_at - interval '1 minute' where consumed_at is not null`,
  );
  for (const tab of [copy, page]) {
    await tab.bringToFront();
    await tab.reload();
    await tab.waitForSelector('[data-testid="person"]');
    const answered = await tab.evaluate(async () => {
      const [stored] = Object.entries({ ...sessionStorage }).filter(([name]) => name.startsWith('csss.user:'));
      const { access_token: token } = JSON.parse(stored![1] as string) as { access_token: string };
      return (await fetch('/portal/me', { headers: { Authorization: `Bearer ${token}` } })).status;
    });
    expect(answered).toBe(200);
  }
});

test('who signs out in one tab is signed out in all of them at once', async () => {
  const page = await desk();
  const other = await anotherTab(page, '/account');
  await other.waitForSelector('[data-testid="person"]');
  await page.bringToFront();
  await (await page.waitForSelector('[data-testid="person"]'))!.click();
  await press(page, 'sign-out');
  await at(other, '/');
  await other.waitForSelector('[data-testid="sign-in"]');
  await Promise.all([
    page.waitForNavigation(),
    page.waitForSelector('form').then(() => page.click('button[name="logout"]')),
  ]);
  await page.waitForSelector('[data-testid="sign-in"]');
  expect(await user(other)).toBeUndefined();
  for (const tab of [page, other]) {
    const kept = await tab.evaluate(() => Object.entries({ ...sessionStorage, ...localStorage }));
    // How far the landing page was scrolled is the router's; where the person was, nobody keeps.
    expect(kept.filter(([key]) => key !== 'vue-router:scroll')).toEqual([]);
    expect(JSON.stringify(kept)).not.toMatch(/account|doctor/);
  }
});

test('when a colleague signs in in another tab, nothing of the first person stays in the tabs that were open', async () => {
  const page = await desk();
  const name = await page.$eval('[data-testid="person"]', (found) => found.textContent!);
  // A session that was left: the server knows it no more, and the colleague signs in beside it.
  const { access_token: token } = (await user(page))!;
  const other = await anotherTab(page, '/');
  await other.evaluate(() => localStorage.setItem('csss.locked', '1')); // asks who it is, as after a pause
  await other.reload();
  await press(other, 'sign-in');
  await other.waitForSelector('input[type="password"]');
  await other.$eval('input[name="email"]', (field) => (field as HTMLInputElement).select());
  await other.type('input[name="email"]', 'pharmacist@demo.csss.example');
  await other.type('input[type="password"]', demoPassword);
  await other.click('#sign-in');
  await at(other, '/pharmacist');
  await at(page, '/');
  await page.waitForSelector('[data-testid="sign-in"]');
  const kept = await page.evaluate(
    () => document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage, ...localStorage }),
  );
  expect(kept).not.toContain(token);
  expect(kept).not.toContain(name.trim().split('\n')[0]);
  // Nor does the Back button bring it again.
  await page.goBack().catch(() => undefined);
  await page.waitForFunction((gone: string) => !document.body.innerText.includes(gone), {}, name);
});

test('a page that nobody uses is covered in every tab, a reload does not open it, and its person unlocks it in place', async () => {
  const page = await desk();
  const other = await anotherTab(page, '/account');
  await other.waitForSelector('[data-testid="person"]');
  await page.bringToFront();
  await putForward(page, 16);
  for (const tab of [page, other]) {
    await tab.waitForSelector('[data-testid="session-cover"]');
    expect(await tab.$eval('#app', (app) => app.checkVisibility())).toBe(false);
    expect(await tab.$eval('body', (body) => body.innerText)).toMatch(/locked/);
  }
  await page.mouse.move(200, 200);
  await looksRight(page, 'session-locked');
  await page.reload();
  await page.waitForSelector('[data-testid="session-cover"]');
  expect(await page.$eval('#app', (app) => app.checkVisibility())).toBe(false);
  // Neither does a new tab: it asks who it is.
  const fresh = await anotherTab(page, '/doctor');
  await fresh.waitForSelector('input[type="password"]');
  await fresh.close();
  await page.bringToFront();
  await signInThere(page, 'sign-in-again', 'doctor');
  for (const tab of [page, other]) await tab.waitForFunction(() => document.body.dataset['covered'] === undefined);
  expect(await page.$eval('#app', (app) => app.checkVisibility())).toBe(true);
  await says(page, 'h1', /./);
});

test('a colleague who signs in in the window of a locked page goes on as oneself, with nothing of the first', async () => {
  const page = await desk();
  await putForward(page, 16);
  await page.waitForSelector('[data-testid="session-cover"]');
  await signInThere(page, 'sign-in-again', 'pharmacist');
  await page.waitForSelector('[data-testid="go-on-as-other"]');
  expect(await page.$eval('#app', (app) => app.checkVisibility())).toBe(false);
  await press(page, 'go-on-as-other');
  await at(page, '/pharmacist');
  await page.waitForSelector('[data-testid="person"][data-role="pharmacist"]');
});

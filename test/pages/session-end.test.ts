import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { demoPassword } from '../../server/demo/people.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// A session that ends in the middle of work: what was typed is there when the person has signed in again.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
const faults: string[] = [];
const dialog = '[role="dialog"]';

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  browser = await openBrowser();
  ({ page } = await browser.person());
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'admin');
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  expect(faults).toEqual([]);
});

async function endSession(): Promise<void> {
  const { access_token: token } = await server.signIn('admin', { scope: 'openid fhirUser user/*.rs' });
  const headers = { Authorization: `Bearer ${token}` };
  expect((await fetch(`${server.url}/portal/me/sessions/end-others`, { method: 'POST', headers })).ok).toBe(true);
}

/** Signs in in the window that a press opens. */
async function signInThere(testId: string, role: string): Promise<void> {
  const popup = new Promise<Page | null>((done) => page.once('popup', done));
  await press(page, testId);
  const opened = (await popup)!;
  await opened.waitForSelector('input[type="password"]');
  await opened.$eval('input[name="email"]', (field) => (field as HTMLInputElement).select()); // who is signed in there
  await opened.type('input[name="email"]', `${role}@demo.csss.example`);
  await opened.type('input[name="password"]', demoPassword);
  await opened.click('#sign-in');
  await page.bringToFront();
}

const valueOf = (field: string) =>
  page.$eval(`${dialog} [name="${field}"]`, (found) => (found as HTMLInputElement).value);

test('an act that is refused because the session has ended asks to sign in, over what was typed', async () => {
  await page.goto(`${server.url}/users`, { waitUntil: 'networkidle2' });
  await press(page, 'invite');
  await page.waitForSelector(`${dialog} [name="email"]`);
  for (const [field, text] of Object.entries({ email: 'late@clinic.example', given: 'Ida', family: 'Late' }))
    await page.type(`${dialog} [name="${field}"]`, text);
  await endSession();
  await press(page, 'invite-submit');
  await page.waitForSelector('[data-testid="sign-in-again"]', { visible: true });
  expect(await barriers(page)).toEqual([]);
});

test('somebody else who signs in there takes nothing over', async () => {
  await signInThere('sign-in-again', 'doctor');
  await says(page, '[role="dialog"] [data-testid="refusal"], body', /Another person signed in there/);
  // And sees nothing of what the first had open.
  await page.waitForFunction(() => !document.body.innerText.includes('Users'));
  expect(await page.$eval('input[name="email"]', (field) => field.checkVisibility())).toBe(false);
  expect(await barriers(page)).toEqual([]);
});

test('the same person is asked there in spite of that, finds everything as it was, and sends it', async () => {
  await signInThere('step-up-open', 'admin');
  await page.waitForFunction(() => document.querySelectorAll('[role="dialog"]').length === 1);
  expect([await valueOf('email'), await valueOf('family')]).toEqual(['late@clinic.example', 'Late']);
  await press(page, 'invite-submit');
  await toast(page, /late@clinic\.example/);
});

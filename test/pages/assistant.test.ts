import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { looksRight, point, press, says } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let browser: TestBrowser;
const opened: Page[] = [];
beforeAll(async () => {
  server = await startTestServer({ demoData: true });
  browser = await openBrowser();
}, 240_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => Promise.all(opened.splice(0).map((page) => page.browserContext().close())));

async function signedIn(role: 'doctor' | 'pharmacist' | 'admin' | 'patient'): Promise<Page> {
  const { page } = await browser.person();
  opened.push(page);
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, role);
  await page.waitForSelector('[data-testid="person"]');
  return page;
}

const button = '[data-testid="assistant-open"]';
const expanded = (page: Page) => page.$eval(button, (found) => found.getAttribute('aria-expanded'));
const count = (page: Page, testId: string) => page.$$eval(`[data-testid="${testId}"]`, (found) => found.length);
const answers = (page: Page, wanted: number) =>
  page.waitForFunction((least) => document.querySelectorAll('[data-testid="answer"]').length >= least, {}, wanted);

async function openPanel(page: Page): Promise<void> {
  await press(page, 'assistant-open');
  await page.waitForFunction(() => document.activeElement?.id === 'assistant-text');
}

test.each(['patient', 'doctor', 'pharmacist', 'admin'] as const)(
  'on the dashboard of the %s a button opens the panel, says so, and takes the focus back',
  async (role) => {
    const page = await signedIn(role);
    await page.waitForSelector(button, { visible: true });
    expect(await expanded(page)).toBe('false');
    await openPanel(page);
    expect(await expanded(page)).toBe('true');
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('[data-testid="assistant"]'));
    expect(await expanded(page)).toBe('false');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('assistant-open');
  },
);

test('Enter sends, Shift and Enter begin a line; the answer has its category and a link that leads there', async () => {
  const page = await signedIn('doctor');
  await openPanel(page);
  await page.keyboard.type('where do I find');
  await page.keyboard.down('Shift');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Shift');
  await page.keyboard.type('all studies');
  expect(await page.$eval('#assistant-text', (field) => (field as HTMLTextAreaElement).value)).toContain('\n');
  await page.keyboard.press('Enter');
  await answers(page, 1);
  await says(page, '[data-testid="category"]', /Images/);
  expect(await page.$eval('[role="log"]', (log) => log.getAttribute('aria-live'))).toBe('polite');
  await page.keyboard.type('chest pain since morning');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-urgent]');
  await says(page, '[data-urgent]', /112/);
  await looksRight(page, 'assistant');
  await point(page, '[data-testid="answer"] a[href="/studies"]');
  await page.waitForFunction(() => location.pathname === '/studies');
  await page.waitForFunction(() => !document.querySelector('[data-testid="assistant"]'));
  await openPanel(page);
  expect(await count(page, 'asked')).toBe(2);
  await press(page, 'assistant-clear');
  await page.waitForFunction(() => !document.querySelector('[data-testid="asked"]'));
});

test('what was asked is in no storage, and gone when the next person signs in at this browser', async () => {
  const page = await signedIn('patient');
  await openPanel(page);
  await page.keyboard.type('zymurgy report');
  await page.keyboard.press('Enter');
  await answers(page, 1);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + location.href);
  expect(kept).not.toContain('zymurgy');
  await press(page, 'assistant-close');
  await point(page, '[data-testid="person"]');
  await point(page, '[data-testid="sign-out"]');
  await page.waitForSelector('button[name="logout"]');
  await page.click('button[name="logout"]');
  await page.waitForSelector('[data-testid="sign-in"]');
  expect(await count(page, 'assistant-open')).toBe(0);
  await signInByPage(page, server.url, 'doctor');
  await page.waitForSelector(button, { visible: true });
  await openPanel(page);
  expect(await count(page, 'asked')).toBe(0);
});

test('an empty or a too long question is not sent, and the field says why', async () => {
  const page = await signedIn('patient');
  await openPanel(page);
  await page.keyboard.press('Enter');
  await says(page, '#assistant-note', /Write a question/);
  await page.$eval('#assistant-text', (field) => {
    (field as HTMLTextAreaElement).value = 'x'.repeat(1001);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  await page.keyboard.press('Enter');
  await says(page, '#assistant-note', /1,000/);
  expect(await count(page, 'asked')).toBe(0);
});

test('at 360 pixels nothing that can be pressed stays under the button', async () => {
  const page = await signedIn('doctor');
  await page.setViewport({ width: 360, height: 640 });
  await page.waitForSelector('[data-testid="scans"] button, [data-testid="scans"] a');
  const covered = await page.evaluate(() => {
    const assistant = document.querySelector('[data-testid="assistant-open"]')!;
    const acts = [...document.querySelectorAll<HTMLElement>('main button, main a[href], main input, main select')];
    return acts
      .filter((act) => {
        act.scrollIntoView({ block: 'nearest' });
        const { left, right, top, bottom, width } = act.getBoundingClientRect();
        if (width === 0) return false;
        const over = assistant.getBoundingClientRect();
        return left < over.right && right > over.left && top < over.bottom && bottom > over.top;
      })
      .map((act) => act.outerHTML.slice(0, 200));
  });
  expect(covered).toEqual([]);
});

test.each(['patient', 'doctor'] as const)('the help page of a %s tells steps, keys and whom to ask', async (role) => {
  const page = await signedIn(role);
  await point(page, '[data-testid="person"]');
  await point(page, '[data-testid="to-help"]');
  await says(page, 'h1', /Help/);
  await says(page, '[data-testid="help-emergency"]', /112/);
  expect(await page.$$eval('[data-testid="help-keys"] dt', (keys) => keys.length)).toBe(role === 'patient' ? 2 : 11);
  await looksRight(page, `help-${role}`);
});

import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { click, looksRight, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// A browser draws on a machine that may be busy: waiting long is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let server: TestServer;
let browser: TestBrowser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  server = await startTestServer({ demoData: true });
  browser = await openBrowser();
  ({ page, faults } = await browser.person());
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'admin');
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const fill = (field: string, text: string) => page.type(`[role="dialog"] [name="${field}"]`, text);
/** By title, ARCHIVE comes before those of the demo. */
const first = '[data-testid="remote-aes"] tbody tr:first-child';
const closed = () => page.waitForFunction(() => document.querySelector('[role="dialog"]') === null);

test('an administrator registers an AE title, asks whether it is there, and removes it', async () => {
  await page.goto(`${server.url}/ae-titles`, { waitUntil: 'networkidle2' });
  await says(page, '[data-testid="remote-aes"]', /MODALITY.*WORKSTATION/s);
  await press(page, 'ae-register');
  await page.waitForSelector('[role="dialog"] [name="title"]', { visible: true });
  await press(page, 'ae-submit');
  await says(page, '[role="dialog"]', /1 to 16 letters.*Enter what it is/s);
  await looksRight(page, 'ae-dialog');
  await fill('title', 'ARCHIVE');
  await fill('name', 'The archive of the main building');
  await fill('addresses', '127.0.0.1');
  await fill('host', '127.0.0.1');
  await fill('port', '1');
  await press(page, 'may-store');
  await press(page, 'ae-submit');
  await toast(page, /ARCHIVE was saved/);
  await closed();
  await says(page, first, /ARCHIVE.*echo, send/s);
  await click(page, `${first} [data-testid="ae-echo"]`);
  await says(page, '[data-testid="ae-answer"]', /ARCHIVE cannot be reached: nothing listens there/);
  await looksRight(page, 'ae-titles');
  await click(page, `${first} [data-testid="ae-remove"]`);
  await page.waitForSelector('[role="dialog"] [data-testid="confirm"]', { visible: true });
  await press(page, 'confirm');
  await toast(page, /ARCHIVE was removed/);
  await page.waitForFunction(() => !document.querySelector('[data-testid="remote-aes"]')?.textContent?.includes('ARCHIVE')); // prettier-ignore
  expect(faults).toEqual([]);
});

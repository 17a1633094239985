import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../server/core/identifier.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { picture } from '../harness/four-people.ts';
import { barriers, click, point, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// What left by mail or should leave, as an administrator sees it. Nothing works here: what is shown stays as it is.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
const faults: string[] = [];
const dialog = '[role="dialog"]';
const ids: Record<string, string> = {};

async function owed(recipient: string, end: { state: 'waiting' | 'sent' | 'refused'; answer?: string }): Promise<void> {
  const id = (ids[recipient] = newId());
  await server.system.world.transaction(async ({ deliveries }) => {
    await deliveries.insert({ id, kind: 'notice', recipient, content: 'sealed' });
    if (end.state !== 'waiting' || end.answer) await deliveries.tried(id, { ...end, nextTrySeconds: 600 });
  });
}

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  await owed('full@demo.csss.example', { state: 'waiting', answer: '452 4.2.2' });
  await owed('nobody@demo.csss.example', { state: 'refused', answer: '550 5.1.1' });
  await owed('arrived@a-hospital-with-a-very-long-name-in-a-small-town.example', { state: 'sent', answer: '250' });
  browser = await openBrowser();
  ({ page } = await browser.person());
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'admin');
  page.on('pageerror', (error) => faults.push(String(error)));
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => expect(faults.splice(0)).toEqual([]));

const rowOf = (recipient: string) => `[data-row="${ids[recipient]}"]`;

test('each mail says how it stands and what the relay answered, in words', async () => {
  await page.goto(`${server.url}/deliveries`, { waitUntil: 'networkidle2' });
  await says(page, rowOf('full@demo.csss.example'), /Waits.*mailbox is full.*452 4\.2\.2.*Next try/s);
  await says(page, rowOf('nobody@demo.csss.example'), /Address refused.*no such mailbox/s);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'deliveries');
});

test('they are searched by address and state', async () => {
  await page.type('[data-testid="search"]', 'nobody@');
  await page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 1);
  await page.select('[data-testid="state"]', 'sent');
  await page.waitForSelector('[data-testid="empty"]');
  await page.select('[data-testid="state"]', '');
  await (await page.$('[data-testid="search"]'))!.click({ count: 3 });
  await page.keyboard.press('Backspace');
  await page.waitForFunction(() => document.querySelectorAll('[data-row]').length === 3);
});

test('what waits is called off after a question; a message about an account goes to no other address', async () => {
  const row = rowOf('full@demo.csss.example');
  await point(page, `${row} [data-testid="more"]`);
  await page.waitForSelector('[data-testid="act-cancel"]');
  expect(await page.$('[data-testid="act-address"]')).toBeNull();
  await point(page, '[data-testid="act-cancel"]');
  await page.waitForSelector(dialog);
  expect(await barriers(page)).toEqual([]);
  await press(page, 'agree');
  await toast(page, /cancelled/);
  await says(page, row, /Cancelled/);
});

test('a relay that fails is told on every page of administrators', async () => {
  await server.system.world.transaction(({ relay }) => relay.failed('EAUTH 535 5.7.8'));
  await page.goto(`${server.url}/admin`, { waitUntil: 'networkidle2' });
  await says(page, '[data-testid="relay-banner"]', /does not accept our user name and password/);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'relay-banner');
  await click(page, '[data-testid="relay-banner"] a');
  await page.waitForFunction(() => location.pathname === '/deliveries');
});

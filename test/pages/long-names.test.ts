import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, type TestBrowser } from '../harness/browser.ts';
import { barriers, overflow } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  const ORGANIZATION_NAME = 'Krankenhaus'.repeat(18);
  server = await startTestServer({ workers: false, environment: { REGISTRATION: 'open', ORGANIZATION_NAME } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

test.each([1280, 360])('a name without a space stays inside the pages of accounts, %i pixels wide', async (width) => {
  const { page } = await browser.person();
  await page.setViewport({ width, height: 800 });
  for (const path of ['/account/register', '/account/forgotten', '/']) {
    await page.goto(server.url + path, { waitUntil: 'networkidle2' });
    expect([path, await overflow(page), await barriers(page)]).toEqual([path, expect.toSatisfy((beside: number) => beside <= 0), []]); // prettier-ignore
  }
});

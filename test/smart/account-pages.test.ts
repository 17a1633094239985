import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, type TestBrowser } from '../harness/browser.ts';
import { barriers, focusOn, overflow } from '../harness/page-acts.ts';
import { goodPassword, linkIn, mailTo } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// A patient's way into the site in a browser, wide and narrow. SCREENSHOTS=folder keeps pictures.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
beforeAll(async () => {
  server = await startTestServer();
  browser = await openBrowser();
  ({ page } = await browser.person());
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

async function looked(name: string): Promise<void> {
  for (const [form, width] of [
    ['wide', 1280],
    ['narrow', 360],
  ] as const) {
    await page.setViewport({ width, height: 900 });
    expect.soft(await barriers(page), `${name} ${form}`).toEqual([]);
    expect.soft(await overflow(page), `${name} ${form}`).toBeLessThanOrEqual(0);
    const folder = process.env.SCREENSHOTS;
    if (!folder) continue;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}-${form}.png`) as `${string}.png`, fullPage: true });
  }
}

const submit = () => Promise.all([page.waitForNavigation(), page.click('button.main')]);
const heading = () => page.$eval('h1', (found) => found.textContent);

test('a patient registers, corrects a fault, confirms the address, signs in, and sets a forgotten password anew', async () => {
  const email = 'browser@home.example';
  await page.goto(`${server.url}/account/register`);
  await focusOn(page, 'email');
  await looked('register');
  await page.type('#email', 'browser@home'); // an address for a browser, none for mail
  await page.type('#given', 'Brigitte');
  await page.type('#family', 'Browser');
  await page.$eval('#birthDate', (field) => ((field as HTMLInputElement).value = '1970-02-03'));
  await submit();
  await focusOn(page, 'email');
  expect(await page.title()).toMatch(/^Error: /);
  expect(await page.$eval('#given', (field) => (field as HTMLInputElement).value)).toBe('Brigitte');
  await looked('register-fault');
  await page.$eval('#email', (field) => ((field as HTMLInputElement).value = ''));
  await page.type('#email', email);
  await submit();
  expect(await heading()).toBe('Look into your mail');
  await looked('mail-sent');

  const link = linkIn(await mailTo(server, email, /Confirm/));
  await page.goto(server.url + link);
  await focusOn(page, 'password');
  await page.type('#password', 'too short');
  await submit();
  await focusOn(page, 'password');
  await looked('choose-password');
  await page.type('#password', goodPassword);
  await submit();
  expect(await heading()).toBe('Your account is ready');
  await looked('ready');
  await page.goto(server.url + link);
  expect(await heading()).toBe('This link does not work');
  await looked('dead-link');

  await page.goto(`${server.url}/account/forgotten`);
  await looked('forgotten');
  await page.type('#email', email);
  await submit();
  await page.goto(server.url + linkIn(await mailTo(server, email, /new password/)));
  await looked('reset-password');
  await page.type('#password', 'nine loud kettles under glass');
  await submit();
  expect(await heading()).toBe('Your password is changed');
}, 90_000);

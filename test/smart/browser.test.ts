import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { browsers } from '../../server/infrastructure/pdf/find-browser.ts';
import { focusOn } from '../harness/page-acts.ts';
import { authorizeUrl, pkce } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
let browser: Browser;
let folder: string;

beforeAll(async () => {
  server = await startSmallServer();
  folder = await mkdtemp(join(tmpdir(), 'csss-browser-'));
  const given = process.env.CHROMIUM_PATH;
  for await (const found of browsers({ cacheFolder: folder, ...(given ? { chromiumPath: given } : {}) })) {
    const env = found.libraries ? { ...process.env, LD_LIBRARY_PATH: found.libraries } : process.env;
    browser = await puppeteer.launch({
      executablePath: found.executable,
      args: ['--no-sandbox', ...(found.args ?? [])],
      env,
    });
    break;
  }
});
afterAll(async () => {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** What axe-core finds wrong for WCAG 2.2 AA on the page as it stands. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

const valueOf = (page: Page, selector: string) =>
  page.$eval(selector, (field) => (field as unknown as { value: string }).value);

test('a person signs in, chooses a patient, consents and signs out in a real browser, on pages without accessibility faults', async () => {
  const page = await browser.newPage();
  const refused: string[] = [];
  page.on(
    'console',
    (message) => /Content Security Policy|Refused/i.test(message.text()) && refused.push(message.text()),
  );
  page.on('pageerror', (error) => refused.push(String(error)));
  await page.setRequestInterception(true);
  page.on(
    'request',
    (request) =>
      void (request.url().startsWith('https://app.example.org')
        ? request.respond({ body: 'the app' })
        : request.continue()),
  );
  const click = (selector: string) => Promise.all([page.waitForNavigation(), page.click(selector)]);

  const scope = 'openid fhirUser offline_access launch/patient patient/*.rs';
  await page.goto(
    authorizeUrl(server.url, pkce().challenge, { clientId: 'demo-app', redirectUri: appRedirect, scope }),
  );
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.type('#email', 'doctor@test.example');
  await page.type('#password', 'not the password');
  await page.click('[data-shows]');
  expect(await page.$eval('#password', (field) => field.getAttribute('type'))).toBe('text');
  await click('#sign-in');
  await focusOn(page, 'error');
  expect(await accessibilityFaults(page)).toEqual([]);

  await page.click('[data-email]');
  expect([await valueOf(page, '#email'), await valueOf(page, '#password')]).toEqual(['patient@test.example', password]);
  await page.$eval('#email', (field) => void ((field as unknown as { value: string }).value = 'doctor@test.example'));
  await click('#sign-in');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.type('#text', 'ben');
  await click('form[action$=find-patient] button');
  expect(page.url()).not.toContain('ben');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.click('input[value=patient-2]');
  await click('button.main');
  expect(await accessibilityFaults(page)).toEqual([]);
  await click('button.main');
  expect(page.url()).toMatch(/^https:\/\/app\.example\.org\/callback\?code=/);

  await page.goto(`${server.url}/connected-apps`);
  expect(await accessibilityFaults(page)).toEqual([]);
  await click('button[name=grant]');
  expect(await page.$eval('main', (main) => main.textContent)).toContain('No app has access');
  await page.goto(`${server.url}/oidc/session/end`);
  expect(await accessibilityFaults(page)).toEqual([]);
  await click('button.main');
  expect(await page.$eval('h1', (title) => title.textContent)).toBe('You are signed out');
  expect(refused).toEqual([]);
});

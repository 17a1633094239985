import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { caller } from '../harness/calls.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, contrasts, overflow, point } from '../harness/page-acts.ts';
import { englishOn } from '../harness/page-words.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let server: TestServer;
let browser: TestBrowser;
let study: { id: string; subject: { reference: string } };

beforeAll(async () => {
  server = await startTestServer({ demoData: true, workers: false, environment: { REGISTRATION: 'open' } });
  browser = await openBrowser();
  const { json } = caller(server, (await server.signIn('doctor')).access_token);
  const found = await json<{ entry: { resource: typeof study }[] }>('/fhir/ImagingStudy?patient.identifier=DEMO-1001');
  study = found.entry[0]!.resource;
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** What people of the demo wrote, or its systems are called: the same in every language. */
const ofDemo = ['Daniel Okafor', 'Okafor, Daniel', 'Rao, Arjun', 'Chest PA', 'CT phantom', 'CSSS Viewer', 'Demo backend service', 'Demo SMART app', ...['Amoxicillin', 'Azithromycin', 'Salbutamol', 'Prednisone', 'Cetirizine']]; // prettier-ignore

/** Every page of the router, by who opens it here; a page that is not named yet fails the test below. */
const pages = {
  nobody: ['/', '/demo/mailbox', '/not-a-page'],
  patient: ['/patient', '/study/:id', ...['profile', 'password', 'factors', 'devices', 'apps', 'accesses'].map((tab) => `/account?tab=${tab}`)],
  doctor: ['/doctor', '/studies', '/registrations', '/record/:patient', '/study/:id', '/forbidden'],
  pharmacist: ['/pharmacist'],
  admin: ['/admin', '/users', '/users/:me', '/clients', '/clients/new', '/clients/csss-viewer', '/models', '/setup', '/audit', '/deliveries', '/system', '/templates', '/interactions'],
} as const; // prettier-ignore

test('every page of the application is looked at below', () => {
  const router = readFileSync(join(import.meta.dirname, '../../viewer/src/router.ts'), 'utf8');
  const all = [...router.matchAll(/path: '(\/[^':(]*)/g)].map(([, path]) => path!.replace(/\/$/, ''));
  const seen = Object.values(pages).flat().map((path) => path.replace(/\?.*|:.*/, '').replace(/\/$/, ''));
  // These only lead on: back from the sign-in, and to the work of one's role.
  const passing = ['/signed-in', '/work'];
  expect(all.filter((path) => !seen.includes(path) && !passing.includes(path))).toEqual([]);
}); // prettier-ignore

type Look = 'dark' | 'light';

/** In the menu of the bar, as people do. */
async function choose(page: Page, what: string): Promise<void> {
  await point(page, '[data-testid="look-menu"]');
  await point(page, `[data-testid="${what}"]`);
  const [kind, value] = what.split('-') as ['language' | 'theme', string];
  const shown = (name: string, wanted: string) => document.documentElement.getAttribute(name) === wanted;
  await page.waitForFunction(shown, {}, kind === 'language' ? 'lang' : 'data-theme', value);
  await page.waitForSelector('[role="menu"]', { hidden: true });
}

/**
 * What is wrong with a page in one language and look. All rules of axe are asked where a language is seen first, and of the light
 * look once; after that what the look alone decides. Words and widths do not depend on the look.
 */
async function faultsOf(page: Page, pattern: string, language: string, look: Look): Promise<string[]> {
  const name = `${pattern} ${language} ${look}`;
  const whole = look === 'dark' || language === 'hi';
  const faults = whole ? await barriers(page) : await contrasts(page);
  if (look === 'dark' && language !== 'en') faults.push(...(await englishOn(page, ofDemo)));
  const folder = process.env.CSSS_SCREENSHOTS;
  const picture = (width: number) => `${join(folder!, `${name.replaceAll(/\W+/g, '-')}-${width}`)}.png` as const;
  if (folder) await page.screenshot({ path: picture(1280), fullPage: true });
  if (folder || look === 'dark') {
    await page.setViewport({ width: 360, height: 780 });
    const beside = await overflow(page);
    if (beside > 0) faults.push(`${beside} px beside the screen at 360`);
    if (folder) await page.screenshot({ path: picture(360), fullPage: true });
    await page.setViewport({ width: 1280, height: 800 });
  }
  return faults.map((fault) => `${name}: ${fault}`);
}

describe.each(Object.entries(pages))('pages of %s', (role, paths) => {
  test('speak one language at a time, are reachable in all of them and both looks, and fit a narrow screen', async () => {
    const { page } = await browser.person();
    if (role === 'nobody') await page.goto(server.url, { waitUntil: 'networkidle2' });
    else await signInByPage(page, server.url, role);
    const me = role === 'admin' ? await own(page) : '';
    const faults: string[] = [];
    for (const pattern of paths) {
      const path = pattern.replace(':id', study.id).replace(':patient', study.subject.reference.split('/')[1]!).replace(':me', me);
      await page.goto(server.url + path, { waitUntil: 'networkidle2' });
      for (const [look, tongues] of [['dark', ['en', 'ta', 'hi']], ['light', ['hi', 'ta', 'en']]] as const) {
        await choose(page, `theme-${look}`);
        for (const language of tongues) {
          await choose(page, `language-${language}`);
          faults.push(...(await faultsOf(page, pattern, language, look)));
        }
      }
    }
    expect(faults).toEqual([]);
    await page.browserContext().close();
  });
}); // prettier-ignore

const own = (page: Page) =>
  page.evaluate(async () => {
    const kept = Object.entries(sessionStorage).find(([key]) => key.startsWith('csss.user:'))![1] as string;
    return (JSON.parse(kept) as { profile: { sub: string } }).profile.sub;
  });

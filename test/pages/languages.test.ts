import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { demoAes } from '../../server/demo/remote-aes.ts';
import { caller } from '../harness/calls.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, contrasts, overflow, point, says } from '../harness/page-acts.ts';
import { screens } from '../harness/people.ts';
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
const ofDemo = ['Daniel Okafor', 'Okafor, Daniel', 'Rao, Arjun', 'Chest PA', 'CT phantom', 'CSSS Viewer', 'Demo backend service', 'Demo SMART app', 'MODALITY', 'WORKSTATION', ...demoAes.map(({ name }) => name), ...['Amoxicillin', 'Azithromycin', 'Salbutamol', 'Prednisone', 'Cetirizine']]; // prettier-ignore

/** Every page of the router, by who opens it here; a page that is not named yet fails the test below. */
const pages = {
  nobody: ['/', '/demo/mailbox', '/not-a-page'],
  patient: ['/patient', '/patient?tab=consents', '/patient?tab=shares', '/help', '/study/:id', ...['profile', 'password', 'factors', 'devices', 'apps', 'accesses'].map((tab) => `/account?tab=${tab}`)],
  doctor: ['/doctor', '/studies', '/registrations', '/record/:patient', '/study/:id', '/help', '/forbidden'],
  pharmacist: ['/pharmacist'],
  admin: ['/admin', '/users', '/users/:me', '/clients', '/ae-titles', '/clients/new', '/clients/csss-viewer', '/models', '/setup', '/audit', '/deliveries', '/system', '/templates'],
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

/** As the menu of the bar does, without opening it two hundred times. */
async function show(page: Page, change: { language?: string; theme?: Look }): Promise<void> {
  await page.evaluate(async (wanted) => {
    type App = {
      config: { globalProperties: { $pinia: { _s: Map<string, { choose(change: object): Promise<void> }> } } };
    };
    const app = (document.querySelector('#app') as unknown as { __vue_app__: App }).__vue_app__;
    await app.config.globalProperties.$pinia._s.get('look')!.choose(wanted);
  }, change);
}

test('language and look are chosen in the bar, at once and for good: here, in the profile, and before the next sign-in', async () => {
  const { page } = await browser.person();
  await page.goto(server.url, { waitUntil: 'networkidle2' });
  await point(page, '[data-testid="look-menu"]');
  await point(page, '[data-testid="language-hi"]');
  await page.waitForFunction(() => document.documentElement.lang === 'hi');
  await page.click('[data-testid="sign-in"]');
  await says(page, 'h1', /साइन इन/);
  await page.goto(server.url, { waitUntil: 'networkidle2' });
  await signInByPage(page, server.url, 'pharmacist');
  await point(page, '[data-testid="look-menu"]');
  await point(page, '[data-testid="theme-light"]');
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
  await point(page, '[data-testid="look-menu"]');
  await point(page, '[data-testid="language-ta"]');
  await page.waitForFunction(() => document.documentElement.lang === 'ta' && /[\u0b80-\u0bff]/.test(document.title));
  const call = screens(server, (await server.signIn('pharmacist')).access_token);
  await vi.waitFor(async () => expect((await call('GET', '/portal/me/preferences')).body).toMatchObject({ theme: 'light', language: 'ta' }), 20_000);
  // Another device, where nothing was chosen: before the first paint it is as usual, and after the sign-in as the profile says.
  const other = await browser.person();
  await signInByPage(other.page, server.url, 'pharmacist');
  await other.page.waitForFunction(() => document.documentElement.lang === 'ta' && document.documentElement.dataset.theme === 'light');
  await call('PATCH', '/portal/me/preferences', { theme: null, language: 'en' });
  expect(await page.evaluate(() => [localStorage.length, document.cookie])).toEqual([0, expect.not.stringMatching(/pharmacist|Fischer/)]);
  await page.browserContext().close();
  await other.page.browserContext().close();
}); // prettier-ignore

/** What the server says in words comes a moment after the page's own. */
async function foreignOn(page: Page): Promise<string[]> {
  let found = await englishOn(page, ofDemo);
  for (let tries = 0; found.length > 0 && tries < 20; tries++) {
    await new Promise((done) => setTimeout(done, 250));
    found = await englishOn(page, ofDemo);
  }
  return found;
}

/**
 * What is wrong with a page in one language and look. All rules of axe are asked where a language is seen first, and of the light
 * look once; after that what the look alone decides. Words and widths do not depend on the look.
 */
async function faultsOf(page: Page, pattern: string, language: string, look: Look): Promise<string[]> {
  const name = `${pattern} ${language} ${look}`;
  const whole = look === 'dark' || language === 'hi';
  const ask = () => (whole ? barriers(page) : contrasts(page));
  const faults = await ask();
  if (look === 'dark' && language !== 'en') faults.push(...(await foreignOn(page)));
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
    // Colours do not glide from one look to the other while they are measured.
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    if (role === 'nobody') await page.goto(server.url, { waitUntil: 'networkidle2' });
    else await signInByPage(page, server.url, role);
    const me = role === 'admin' ? await own(page) : '';
    const faults: string[] = [];
    for (const pattern of paths) {
      const path = pattern.replace(':id', study.id).replace(':patient', study.subject.reference.split('/')[1]!).replace(':me', me);
      await page.goto(server.url + path, { waitUntil: 'networkidle2' });
      for (const [look, tongues] of [['dark', ['en', 'ta', 'hi']], ['light', ['hi', 'ta', 'en']]] as const) {
        await show(page, { theme: look });
        for (const language of tongues) {
          await show(page, { language });
          faults.push(...(await faultsOf(page, pattern, language, look)));
        }
      }
    }
    expect(faults).toEqual([]);
    await page.browserContext().close();
  });
}); // prettier-ignore

test('so do the sign-in and the other pages that the server makes', async () => {
  const { page } = await browser.person();
  await page.goto(server.url, { waitUntil: 'networkidle2' });
  await page.click('[data-testid="sign-in"]');
  await page.waitForSelector('input[type="password"]');
  const faults: string[] = [];
  for (const path of [new URL(page.url()).pathname, '/account/register', '/account/forgotten', '/account/link/none', '/connected-apps']) {
    for (const [look, tongues] of [['dark', ['en', 'ta', 'hi']], ['light', ['hi', 'ta', 'en']]] as const) {
      for (const language of tongues) {
        await page.browserContext().setCookie(...[['language', language], ['theme', look]].map(([name, value]) => ({ name: `csss-${name}`, value: value!, domain: 'localhost' })));
        await page.goto(server.url + path, { waitUntil: 'networkidle2' });
        expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme])).toEqual([language, look]);
        faults.push(...(await faultsOf(page, path.replace(/interaction.*/, 'sign-in'), language, look)));
      }
    }
  }
  expect(faults).toEqual([]);
  await page.browserContext().close();
}); // prettier-ignore

const own = (page: Page) =>
  page.evaluate(async () => {
    const kept = Object.entries(sessionStorage).find(([key]) => key.startsWith('csss.user:'))![1] as string;
    return (JSON.parse(kept) as { profile: { sub: string } }).profile.sub;
  });

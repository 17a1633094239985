import { TOTP } from 'otpauth';
import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { demoPassword } from '../../server/demo/people.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { picture } from '../harness/four-people.ts';
import { barriers, click, openTab, point, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// What everybody sees and changes of themselves, on the page, against the whole server.
let server: TestServer;
let browser: TestBrowser;
const faults: string[] = [];
const dialog = '[role="dialog"]';

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => expect(faults.splice(0)).toEqual([]));

async function signedIn(role: string): Promise<Page> {
  const { page } = await browser.person();
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, role);
  page.on('pageerror', (error) => faults.push(String(error)));
  return page;
}

async function openAccount(page: Page, tab?: string): Promise<void> {
  await page.goto(`${server.url}/account${tab ? `?tab=${tab}` : ''}`, { waitUntil: 'networkidle2' });
  await page.waitForSelector('[role="tabpanel"]');
}

const gone = (page: Page) => page.waitForFunction(() => !document.querySelector('[role="dialog"]'));

test('the menu under the name leads to the account by keyboard, and every tab is without barriers at any width', async () => {
  const page = await signedIn('patient');
  await page.focus('[data-testid="person"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid="to-account"]');
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.pathname === '/account');
  await page.waitForSelector('[data-testid="profile"]');
  for (const tab of ['profile', 'password', 'factors', 'devices', 'apps', 'accesses']) {
    await openTab(page, `tab-${tab}`);
    await page.waitForFunction((wanted: string) => document.querySelector('[data-state="active"][role="tab"]')?.getAttribute('data-testid') === wanted, {}, `tab-${tab}`); // prettier-ignore
    await page.waitForNetworkIdle();
    expect([tab, await barriers(page)]).toEqual([tab, []]);
    await picture(page, `account-${tab}`);
  }
  expect(await page.evaluate(() => location.search)).toBe('?tab=accesses');
});

describe('the profile', () => {
  test('changes a name in its parts, and says what is missing', async () => {
    const page = await signedIn('pharmacist');
    await openAccount(page);
    const family = await page.waitForSelector('input[autocomplete="family-name"]');
    await family!.click({ count: 3 });
    await page.keyboard.press('Backspace');
    await press(page, 'save-profile');
    await page.waitForSelector('input[autocomplete="family-name"][aria-invalid="true"]');
    await family!.type('von und zu Hohenstein-Wittgenstein-Berleburg');
    await press(page, 'save-profile');
    await toast(page, /Saved/);
    await openAccount(page);
    expect(await page.$eval('h1 + p', (shown) => shown.textContent)).toMatch(/Hohenstein-Wittgenstein-Berleburg/);
  });

  test('asks for another address with the password, and the present one stays until the link is opened', async () => {
    const page = await signedIn('pharmacist');
    await openAccount(page);
    await press(page, 'change-email');
    await page.waitForSelector(dialog);
    await press(page, 'email-submit');
    await page.waitForSelector(`${dialog} [aria-invalid="true"]`);
    await page.type(`${dialog} input[type="email"]`, 'new.address@demo.csss.example');
    await page.type(`${dialog} input[type="password"]`, 'not my password at all');
    expect(await barriers(page)).toEqual([]);
    await press(page, 'email-submit');
    await page.waitForSelector('[data-testid="refusal"]');
    expect(await page.$eval(`${dialog} input[type="email"]`, (field) => (field as HTMLInputElement).value)).toBe('new.address@demo.csss.example'); // prettier-ignore
    await (await page.$(`${dialog} input[type="password"]`))!.click({ count: 3 });
    await page.keyboard.type(demoPassword);
    await press(page, 'email-submit');
    await toast(page, /Open the link/);
    await openAccount(page);
    expect(await page.$eval('h1 + p', (shown) => shown.textContent)).toMatch(/pharmacist@demo\.csss\.example/);
  });

  test('of a patient says that the name is the clinic’s', async () => {
    const page = await signedIn('patient');
    await openAccount(page);
    expect(await page.$('input[autocomplete="family-name"]')).toBeNull();
    await says(page, '[data-testid="profile"]', /kept in the clinic’s record/);
  });
});

describe('the password', () => {
  test('is measured in the browser alone, with word lists that come when it is typed', async () => {
    const page = await signedIn('doctor');
    const loaded: string[] = [];
    page.on('response', (response) => loaded.push(response.url()));
    await openAccount(page, 'password');
    const before = loaded.length;
    await page.type('[data-testid="new-password"]', 'password1');
    await page.waitForSelector('[data-testid="strength"][data-score="0"]');
    expect(loaded.slice(before).filter((url) => !url.includes('/assets/'))).toEqual([]);
    await page.type('[data-testid="new-password"]', ' violet tractor umbrella moss');
    await page.waitForSelector('[data-testid="strength"][data-score="4"]');
    expect(await barriers(page)).toEqual([]);
  });

  test('is shown when asked for, and refused with the server’s reason', async () => {
    const page = await signedIn('doctor');
    await openAccount(page, 'password');
    await page.type('[data-testid="new-password"]', 'short');
    await press(page, 'save-password');
    expect(await page.$$eval('[data-testid="password"] [aria-invalid="true"]', (fields) => fields.length)).toBe(2);
    await click(page, '[data-testid="new-password"] + button');
    expect(await page.$eval('[data-testid="new-password"]', (field) => field.getAttribute('type'))).toBe('text');
    await page.type('[data-testid="new-password"]', ' violet tractor umbrella moss');
    await page.type('[data-testid="current-password"]', 'another one');
    await press(page, 'save-password');
    await page.waitForSelector('[data-testid="refusal"]');
    expect(await page.$eval('[data-testid="new-password"]', (field) => (field as HTMLInputElement).value)).toMatch(/^short violet/); // prettier-ignore
  });
});

describe('devices', () => {
  test('show every browser, and end another one within a minute', async () => {
    const [page, other] = [await signedIn('doctor'), await signedIn('doctor')];
    await openAccount(page, 'devices');
    await page.waitForSelector('[data-testid="end-session"]');
    await press(page, 'end-others');
    await page.waitForSelector(dialog);
    expect(await barriers(page)).toEqual([]);
    await press(page, 'agree');
    await toast(page, /All others are ended/);
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="device"]').length === 1);
    // What hangs on the ended session is refused: the page asks to sign in again.
    await other.goto(`${server.url}/doctor`);
    await other.waitForFunction(
      () => document.querySelector('[role="dialog"]') ?? document.querySelector('input[type="password"]'),
      { timeout: 70_000 },
    );
  });
});

describe('second factors', () => {
  let page: Page;
  let totp: TOTP;
  /** Each code counts once: the present one, then the next. */
  let offset = -30_000;
  const code = () => totp.generate({ timestamp: Date.now() + (offset += 30_000) });

  test('begin with an authenticator app, and ten recovery codes that are seen once', async () => {
    page = await signedIn('admin');
    await openAccount(page, 'factors');
    await press(page, 'add-totp');
    await page.waitForSelector('[data-testid="totp-secret"]');
    const secret = await page.$eval('[data-testid="totp-secret"]', (shown) => shown.textContent ?? '');
    totp = new TOTP({ secret: secret.replaceAll(/\s/g, '') });
    // The picture is a picture.
    expect(await page.$eval(`${dialog} img`, (image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(20);
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'authenticator');
    await page.type(`${dialog} input`, '12');
    await press(page, 'confirm-totp');
    await page.waitForSelector(`${dialog} [aria-invalid="true"]`);
    await (await page.$(`${dialog} input`))!.click({ count: 3 });
    await page.keyboard.type(code());
    await press(page, 'confirm-totp');
    await page.waitForSelector('[data-factor="totp"]');
    await press(page, 'show-codes');
    await page.waitForSelector('[data-testid="codes"]');
    expect(await page.$$eval('[data-testid="codes"] li', (codes) => new Set(codes.map(({ textContent }) => textContent)).size)).toBe(10); // prettier-ignore
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'recovery-codes');
    await page.keyboard.press('Escape');
    expect(await page.$('[data-testid="codes"]')).not.toBeNull();
    await click(page, '[data-testid="codes-kept"]');
    await press(page, 'codes-done');
    await gone(page);
    await says(page, '[data-testid="factors"]', /10 codes are left/);
  });

  test('a cancelled confirmation leaves everything as it was, and says so', async () => {
    await press(page, 'make-codes');
    const opening = new Promise<Page | null>((done) => page.once('popup', done));
    await press(page, 'show-codes');
    const popup = await opening;
    await page.bringToFront();
    const state = await page.waitForSelector('[data-testid="step-up"]');
    expect(await barriers(page)).toEqual([]);
    await picture(page, 'step-up');
    // By keyboard, and only what stands on top.
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => !document.querySelector('[data-testid="step-up"]'));
    await state!.dispose();
    expect(popup!.isClosed()).toBe(true);
    await says(page, '[data-testid="refusal"]', /did not confirm/);
    expect(await page.$('[data-testid="show-codes"]')).not.toBeNull();
  });

  test('a blocked window is opened by a button; the code there is enough, and the act goes on by itself', async () => {
    await page.evaluate(() => {
      const { open } = window;
      window.open = () => {
        window.open = open;
        return null;
      };
    });
    await press(page, 'show-codes');
    await page.waitForSelector('[data-testid="step-up"][data-state="blocked"]');
    const opening = new Promise<Page | null>((done) => page.once('popup', done));
    await point(page, '[data-testid="step-up-open"]');
    const popup = (await opening)!;
    await popup.waitForSelector('input[name="code"]');
    // The session stands: nobody is asked for the password, and no token is in an address.
    expect(await popup.$('input[type="password"]')).toBeNull();
    expect(popup.url()).not.toMatch(/token/);
    expect(await barriers(popup)).toEqual([]);
    await popup.type('input[name="code"]', code());
    await popup.click('button[type="submit"].main');
    await page.bringToFront();
    await page.waitForSelector('[data-testid="codes"]');
    expect(popup.isClosed()).toBe(true);
    await click(page, '[data-testid="codes-kept"]');
    await press(page, 'codes-done');
    await gone(page);
    await says(page, '[data-testid="factors"]', /10 codes are left/);
  });

  test('a passkey is made by the device and listed under its name', async () => {
    const devtools = await page.createCDPSession();
    await devtools.send('WebAuthn.enable');
    await devtools.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
      },
    });
    await press(page, 'add-passkey');
    await page.waitForSelector(dialog);
    await press(page, 'make-passkey');
    await page.waitForSelector(`${dialog} [aria-invalid="true"]`);
    await page.type(`${dialog} input`, 'Reading room');
    expect(await barriers(page)).toEqual([]);
    // The confirmation of a minute ago is fresh enough.
    await press(page, 'make-passkey');
    await page.waitForSelector('[data-factor="passkey"]');
    await says(page, '[data-factor="passkey"]', /Reading room/);
    await picture(page, 'factors');
  });

  test('one is removed when another stands', async () => {
    await gone(page);
    await click(page, '[data-factor="passkey"] [data-testid="remove-factor"]');
    await page.waitForSelector('[data-testid="agree"]');
    await press(page, 'agree');
    await page.waitForFunction(() => !document.querySelector('[data-factor="passkey"]'));
  });
});

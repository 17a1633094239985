import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOTP } from 'otpauth';
import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, type TestBrowser } from '../harness/browser.ts';
import { caller } from '../harness/calls.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { barriers, click, overflow, point, press, says, toast } from '../harness/page-acts.ts';
import { prepareProduction, type Production } from '../harness/production.ts';
import { backendKey } from '../harness/server-process.ts';
import { backendToken } from '../harness/sign-in.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The first day as people see it: production mode, TLS, real mails, an empty database, and everything by hand in a browser.
let site: Production;
let browser: TestBrowser;
/** The administrator's and the doctor's windows. */
let page: Page;
let doctor: Page;
const faults: string[] = [];
/** Pictures of every page, wide and narrow: in CSSS_SCREENSHOTS, else in a folder that goes. */
let folder: string;
let seen = 0;

const admin = { email: 'admin@clinic.example', password: 'seven grey herons over the lock' };
const reader = { email: 'doctor@clinic.example', password: 'an umbrella for the quiet reader' };
const dialog = '[role="dialog"]';
let totp: TOTP;
/** The step of the last code: each counts once. */
let lastStep = 0;

/** A code that was not used yet; the server takes the step before and the one after the present one, too. */
function code(): string {
  const step = Math.max(lastStep + 1, Math.floor(Date.now() / 30_000) - 1);
  lastStep = step;
  return totp.generate({ timestamp: step * 30_000 });
}

beforeAll(async () => {
  folder = process.env.CSSS_SCREENSHOTS ?? (await mkdtemp(join(tmpdir(), 'csss-first-day-')));
  site = await prepareProduction({ STUDY_QUIET_SECONDS: '1' });
  browser = await openBrowser(site.certificate);
});
afterAll(async () => {
  await browser.close();
  await site.close();
  if (!process.env.CSSS_SCREENSHOTS) await rm(folder, { recursive: true, force: true });
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail')
    for (const [who, each] of Object.entries({ admin: page, doctor }))
      await each?.screenshot({ path: join(folder, `failed-${who}.png`) as `${string}.png` });
  expect(faults).toEqual([]);
});

async function window(): Promise<Page> {
  const person = await browser.person();
  await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  person.page.on('pageerror', (error) => faults.push(String(error)));
  person.page.on('console', (message) => {
    // A refusal that the page answers is no fault of it: the browser writes those, not our code.
    const answered = /status of 401/.test(message.text()) && /\/portal\//.test(message.location().url ?? '');
    if (message.type() === 'error' && !answered) faults.push(`${message.text()} ${message.location().url ?? ''}`);
  });
  return person.page;
}

/** Wide and narrow: no serious barrier, nothing beside the screen, and a picture of each. */
async function looksRight(name: string, where = page): Promise<void> {
  seen += 1;
  for (const [width, height] of [
    [1280, 800],
    [360, 780],
  ] as const) {
    await where.setViewport({ width, height });
    expect(await barriers(where), `${name} at ${width}`).toEqual([]);
    expect(await overflow(where), `${name} at ${width}`).toBeLessThanOrEqual(0);
    const path = join(folder, `${String(seen).padStart(2, '0')}-${name}-${width}.png`) as `${string}.png`;
    await where.screenshot({ path, fullPage: true });
  }
  await where.setViewport({ width: 1280, height: 800 });
}

/** Pages of the server are forms: each answer is another page. */
async function submit(where: Page, selector = 'button.main'): Promise<void> {
  await Promise.all([where.waitForNavigation({ waitUntil: 'networkidle2' }), where.click(selector)]);
}

async function fill(field: string, text: string): Promise<void> {
  const selector = `#page [name="${field}"]`;
  await page.waitForSelector(selector, { visible: true });
  await page.$eval(selector, (found) => (found as HTMLInputElement).select());
  await page.type(selector, text);
}

async function openSetUp(step: string): Promise<void> {
  await page.goto(`${site.url}/setup?step=${step}`, { waitUntil: 'networkidle2' });
  await page.waitForSelector(`[data-step="${step}"]`);
}
const stepIs = (id: string, state: string) => page.waitForSelector(`[data-testid="step-${id}"][data-state="${state}"]`);

async function toSignIn(where: Page): Promise<void> {
  await where.goto(site.url, { waitUntil: 'networkidle2' });
  await where.click('[data-testid="sign-in"]');
  await where.waitForSelector('input[type="password"]');
}

async function typePassword(where: Page, person: typeof admin): Promise<void> {
  await where.type('input[name="email"]', person.email);
  await where.type('input[name="password"]', person.password);
  await submit(where, '#sign-in');
}

const at = (where: Page, path: string) =>
  where.waitForFunction((wanted: string) => location.pathname === wanted, {}, path);

/** The window in which the person confirms, with the code of the app; it closes by itself. */
async function confirmIn(popup: Promise<Page | null>): Promise<void> {
  const opened = (await popup)!;
  await opened.waitForSelector('input[name="code"]');
  expect(await opened.$('input[type="password"]')).toBeNull();
  await looksRight('step-up-window', opened);
  await opened.type('input[name="code"]', code());
  await opened.click('button.main');
  await page.bringToFront();
}

test('the link of the command line opens; a password that everybody tries first is refused', async () => {
  expect((await site.manage('migrate')).code).toBe(0);
  const name = ['--given', 'Ada', '--family', 'Lovelace'];
  const { code: ended, stdout } = await site.manage('create-admin', '--email', admin.email, ...name);
  expect(ended).toBe(0);
  await site.start('api', 'worker');
  page = await window();
  await page.goto(stdout.trim(), { waitUntil: 'networkidle2' });
  await looksRight('link-password');
  faults.length = 0;
  await page.type('#password', 'password1234');
  await submit(page);
  await page.waitForSelector('[role="alert"]');
  await looksRight('link-password-refused');
  expect(faults.splice(0)).toEqual([expect.stringContaining('422')]);
  await page.type('#password', admin.password);
  await submit(page);
});

test('the authenticator app is set up by what the page shows; recovery codes are shown once', async () => {
  const uri = await page.$eval('a[href^="otpauth:"]', (link) => link.getAttribute('href')!);
  const { searchParams } = new URL(uri);
  totp = new TOTP({ secret: searchParams.get('secret')! });
  await looksRight('link-factor');
  const link = page.url();
  await page.type('#code', code());
  await submit(page);
  expect(await page.$$eval('#codes li', (codes) => new Set(codes.map(({ textContent }) => textContent)).size)).toBe(10);
  await looksRight('recovery-codes');
  await page.goto(link, { waitUntil: 'networkidle2' });
  await page.waitForFunction(() => /does not work/.test(document.body.innerText));
  await looksRight('link-used');
  expect(faults.splice(0)).toEqual([expect.stringContaining('404')]);
});

test('password and code sign in, and this device is remembered', async () => {
  await toSignIn(page);
  await looksRight('sign-in');
  await typePassword(page, admin);
  await page.waitForSelector('input[name="code"]');
  await looksRight('second-factor');
  await page.type('input[name="code"]', code());
  await page.click('input[name="trust"]');
  await submit(page);
  await at(page, '/admin');
  await page.waitForSelector('[data-testid="setup-notice"] a');
  await looksRight('admin-empty');
});

test('the organisation gets a name, an address and a logo', async () => {
  await page.$eval('[data-testid="setup-notice"] a', (link) => (link as HTMLElement).click());
  await page.waitForSelector('[data-step="organisation"]');
  await fill('organisation', 'Klinik am See');
  await fill('street', 'Seestraße 1');
  await fill('postalCode', '12345');
  await fill('city', 'Kleinstadt');
  await fill('country', 'DE');
  await fill('phone', '+49 30 1234');
  await press(page, 'organisation-save');
  await toast(page, /organisation was saved/);
  const file = (await page.waitForSelector('input[data-testid="logo-file"]'))!;
  await file.uploadFile(await picture());
  await page.waitForSelector('[data-testid="logo"] img');
  await press(page, 'logo-save');
  await toast(page, /logo was saved/);
  await stepIs('organisation', 'done');
  await looksRight('setup-organisation');
  await page.waitForSelector('header [data-testid="site-logo"]');
  expect((await fetch(`${site.url}/api/logo`)).headers.get('content-type')).toBe('image/png');
});

/** A logo, drawn by the browser itself. */
async function picture(): Promise<`${string}.png`> {
  const path = join(folder, 'logo.png') as `${string}.png`;
  const drawing = await window();
  await drawing.setViewport({ width: 160, height: 60 });
  await drawing.setContent('<body style="margin:0;background:#0a5;color:#fff;font:32px sans-serif">am See</body>');
  await drawing.screenshot({ path });
  await drawing.close();
  return path;
}

test('a test mail shows what the relay answered', async () => {
  await openSetUp('mail');
  await page.waitForFunction(
    (email: string) => document.querySelector<HTMLInputElement>('#page [name="to"]')?.value === email,
    {},
    admin.email,
  );
  await press(page, 'mail-send');
  await page.waitForSelector('[data-testid="mail-result"][data-outcome="sent"]');
  await says(page, '[data-testid="mail-result"]', /250/);
  expect(await site.mailTo(admin.email, /test mail/i)).toContain('Klinik am See');
  await stepIs('mail', 'done');
  await looksRight('setup-mail');
});

test('the first doctor is invited', async () => {
  await openSetUp('doctors');
  await fill('email', reader.email);
  await fill('prefix', 'Dr.');
  await fill('given', 'Grace');
  await fill('family', 'Hopper');
  await fill('qualification', 'MD, Radiology');
  await press(page, 'invite-submit');
  await toast(page, /doctor@clinic\.example/);
  await says(page, '[data-testid="staff"]', /Grace Hopper/);
  await looksRight('setup-doctors');
});

test('a PACS is registered by pasting its key, and stores with it', async () => {
  const key = await backendKey();
  await openSetUp('sender');
  await fill('name', 'PACS of the basement');
  await fill('id', 'pacs');
  await page.select('#page select', 'jwks');
  await fill('jwks', JSON.stringify({ keys: [key.public] }));
  await press(page, 'client-submit');
  await page.waitForSelector('[data-testid="registered"]');
  await looksRight('setup-sender');
  const { access_token: token } = await backendToken(
    site.url,
    { clientId: 'pacs', key: key.private },
    'system/ImagingStudy.crs',
  );
  expect((await caller(site, token).store([imageFile({ patientId: 'K-1001' })])).status).toBe(200);
  await stepIs('sender', 'done');
});

test('an app is registered; what is missing is the doctor, who has not answered yet', async () => {
  await openSetUp('app');
  await fill('name', 'Growth chart');
  await fill('redirects', 'https://app.example.org/callback');
  await press(page, 'client-submit');
  await page.waitForSelector('[data-testid="registered"]');
  await says(page, '[data-testid="missing"]', /^\s*Still missing: First doctors/);
  await looksRight('setup-app');
});

test('the doctor opens the mailed link, sets a password and signs in', async () => {
  const mail = await site.mailTo(reader.email, /account\/link\//);
  doctor = await window();
  await doctor.goto(/https:\/\/\S+\/account\/link\/[\w-]+/.exec(mail)![0], { waitUntil: 'networkidle2' });
  await looksRight('invitation-password', doctor);
  await doctor.type('#password', reader.password);
  await submit(doctor);
  await looksRight('invitation-factor', doctor);
  await submit(doctor, 'form[action$="/none"] button');
  await looksRight('invitation-done', doctor);
  await submit(doctor, 'a.button');
  await doctor.waitForSelector('[data-testid="sign-in"]');
  await toSignIn(doctor);
  await typePassword(doctor, reader);
  await at(doctor, '/doctor');
  await doctor.waitForSelector('[data-testid="person"]');
  await looksRight('doctor', doctor);
});

test('on the remembered device the password is enough to sign in, and no proof for what matters', async () => {
  await point(page, '[data-testid="person"]');
  await point(page, '[data-testid="sign-out"]');
  await page.waitForSelector('button[name="logout"][value="yes"]');
  await looksRight('sign-out');
  await submit(page, 'button[name="logout"][value="yes"]');
  await toSignIn(page);
  await typePassword(page, admin);
  await at(page, '/admin');
});

test('nothing is missing any more', async () => {
  await openSetUp('doctors');
  await says(page, '[data-testid="missing"]', /Nothing is missing/);
});

test('another role needs a reason and a confirmation, and nothing that was typed is lost', async () => {
  await page.goto(`${site.url}/users`, { waitUntil: 'networkidle2' });
  await page.waitForSelector('[data-testid="users"]');
  await looksRight('users');
  await click(page, '[data-testid="users"] a[href^="/users/"]');
  await page.waitForSelector('[data-testid="acts"], [data-testid="own-account"]');
  if (!(await page.$('[data-testid="act-role"]'))) {
    await page.goBack();
    await page.waitForSelector('[data-testid="users"]');
    const others = await page.$$('[data-testid="users"] a[href^="/users/"]');
    await others.at(-1)!.evaluate((link) => (link as HTMLElement).click());
  }
  await looksRight('user');
  await press(page, 'act-role');
  await page.waitForSelector(`${dialog} select`);
  await page.select(`${dialog} select`, 'pharmacist');
  await page.type(`${dialog} textarea`, 'Moves to the pharmacy.');
  await looksRight('role');
  const popup = new Promise<Page | null>((done) => page.once('popup', done));
  await press(page, 'user-act-submit');
  await confirmIn(popup);
  await page.waitForFunction(() => !document.querySelector('[role="dialog"]'));
  await toast(page, /role of .* was changed/);
});

test('the doctor’s window ends with the old role', async () => {
  await doctor.bringToFront();
  const popup = new Promise<Page | null>((done) => doctor.once('popup', done));
  await doctor.reload();
  await press(doctor, 'sign-in-again');
  const opened = (await popup)!;
  await opened.waitForSelector('input[type="password"]');
  faults.splice(0); // the old tokens were refused, which is what this is about
  await opened.type('input[name="email"]', reader.email);
  await opened.type('input[name="password"]', reader.password);
  await opened.click('#sign-in');
  await doctor.bringToFront();
  await doctor.waitForFunction(() => location.pathname === '/pharmacist');
  await doctor.waitForSelector('[data-testid="person"][data-role="pharmacist"]');
  await looksRight('pharmacist', doctor);
});

test('the audit trail says who did it, and is whole', async () => {
  await page.bringToFront();
  await page.goto(`${site.url}/audit`, { waitUntil: 'networkidle2' });
  await page.select('[data-testid="group"] select, select[data-testid="group"]', 'account:*');
  await page.waitForFunction(() =>
    [...document.querySelectorAll('[data-testid="audit-rows"] [data-row], [data-testid="audit-rows"] tr')].some((row) =>
      /Ada Lovelace.*Changed a role/s.test(row.textContent ?? ''),
    ),
  );
  // Who went on without a second factor has changed none.
  expect(await page.$eval('[data-testid="audit-rows"]', (rows) => rows.textContent)).not.toMatch(/Grace Hopper \(\w+\)\s*\S*\s*Changed a second factor/); // prettier-ignore
  await press(page, 'verify-chain');
  await says(page, '[data-testid="chain"]', /no row was changed/);
  await looksRight('audit');
});

test('the deliveries show every mail that left', async () => {
  await page.goto(`${site.url}/deliveries`, { waitUntil: 'networkidle2' });
  await says(page, '[data-testid="deliveries"]', /doctor@clinic\.example/);
  await says(page, '[data-testid="deliveries"]', /admin@clinic\.example/);
  await looksRight('deliveries');
  for (const path of ['/account', '/clients', '/registrations']) {
    await page.goto(site.url + path, { waitUntil: 'networkidle2' });
    await page.waitForSelector('h1');
    await looksRight(path.slice(1));
  }
});

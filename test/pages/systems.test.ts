import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { caller } from '../harness/calls.ts';
import { imageFile } from '../harness/dicom-file.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, click, looksRight, point, press, says, toast } from '../harness/page-acts.ts';
import { backendKey, startTestServer, type TestServer } from '../harness/server.ts';
import { backendToken } from '../harness/sign-in.ts';

// A browser draws on a machine that may be busy: waiting long is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// Set-up, apps and systems, and launching an app, as people use them.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
let faults: string[];
/** Somebody else's app: says what it was opened with. */
let app: Server;
let appUrl: string;
let folder: string;
let logo: string;
/** One pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-systems-page-'));
  logo = join(folder, 'logo.png');
  await writeFile(logo, Buffer.from(png, 'base64'));
  app = createServer((request, response) => response.end(`opened ${request.url ?? ''}`));
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  server = await startTestServer({ demoData: true });
  browser = await openBrowser();
  ({ page, faults } = await browser.person());
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'admin');
});
afterAll(async () => {
  await browser.close();
  await server.stop();
  app.close();
  await rm(folder, { recursive: true, force: true });
});

const look = (name: string) => looksRight(page, name);

async function open(path: string, ready: string): Promise<void> {
  await page.goto(`${server.url}${path}`, { waitUntil: 'networkidle2' });
  await page.waitForSelector(ready);
}

async function fill(field: string, text: string): Promise<void> {
  await page.waitForSelector(`#page [name="${field}"]`, { visible: true });
  await page.$eval(`#page [name="${field}"]`, (found) => (found as HTMLInputElement).select());
  await page.type(`#page [name="${field}"]`, text);
}

const closed = () => page.waitForFunction(() => document.querySelector('[role="dialog"]') === null);
const step = (id: string, state: string) => page.waitForSelector(`[data-testid="step-${id}"][data-state="${state}"]`);

test('the work list says that the set-up is not finished, and leads there', async () => {
  await page.waitForSelector('[data-testid="setup-notice"] a');
  await look('admin');
  await page.$eval('[data-testid="setup-notice"] a', (link) => (link as HTMLElement).click());
  await page.waitForSelector('[data-testid="missing"]');
});

test('a step is skipped, which the list says, and can be done later', async () => {
  await press(page, 'step-organisation');
  await page.waitForSelector('[data-step="organisation"]');
  await press(page, 'skip');
  await step('organisation', 'skipped');
  await says(page, '[data-testid="missing"]', /Skipped for now: Organisation/);
});

test('the organisation is said once, with its logo', async () => {
  await open('/setup?step=organisation', '[data-testid="organisation-save"]');
  await press(page, 'organisation-save');
  await page.waitForSelector('#page [name="organisation"][aria-invalid="true"]');
  await fill('organisation', 'St. Thomas Hospital');
  await fill('city', 'Chennai');
  await fill('phone', '+91 44 555 0100');
  await press(page, 'organisation-save');
  await toast(page, /organisation was saved/);
  const file = (await page.waitForSelector('input[data-testid="logo-file"]'))!;
  await file.uploadFile(join(import.meta.dirname, '../../viewer/public/favicon.svg'));
  await says(page, '[data-testid="logo"]', /PNG or a JPEG/);
  await file.uploadFile(logo);
  await page.waitForSelector('[data-testid="logo"] img');
  await press(page, 'logo-save');
  await toast(page, /logo was saved/);
  await page.waitForSelector('[data-testid="logo-remove"]');
  expect((await fetch(`${server.url}/api/logo`)).headers.get('content-type')).toBe('image/png');
  await look('setup-organisation');
});

test('a test mail shows what the relay answered', async () => {
  await open('/setup?step=mail', '[data-testid="mail-send"]');
  await fill('to', 'admin@demo.csss.example');
  await press(page, 'mail-send');
  await page.waitForSelector('[data-testid="mail-result"][data-outcome="sent"]');
  await step('mail', 'done');
  await look('setup-mail');
});

test('a sender is registered with its keys and sends images; private keys are refused before they leave the browser', async () => {
  const key = await backendKey();
  await open('/setup?step=sender', '[data-testid="client-submit"]');
  await fill('name', 'PACS main building');
  await fill('id', 'pacs-main');
  await page.select('#page select', 'jwks');
  await fill('jwks', JSON.stringify({ keys: [key.private] }));
  await press(page, 'client-submit');
  await says(page, '#page', /This is a private key/);
  await look('setup-sender');
  await fill('jwks', JSON.stringify({ keys: [key.public] }));
  await press(page, 'client-submit');
  await page.waitForSelector('[data-testid="registered"]');
  await look('setup-sender-registered');
  const { access_token: token } = await backendToken(server.url, { clientId: 'pacs-main', key: key.private }, 'system/ImagingStudy.crs'); // prettier-ignore
  const stored = await caller(server, token).store([imageFile({ patientId: 'DEMO-1001' })]);
  expect(stored.status).toBe(200);
  await step('sender', 'done');
  await says(page, '[data-testid="missing"]', /Nothing is missing/);
});

test('an app with a secret: shown once, changed over, switched off and on', async () => {
  await open('/clients/new', '[data-testid="kind-confidential-app"]');
  await look('client-new');
  await press(page, 'kind-confidential-app');
  await fill('name', 'Growth chart');
  await fill('redirects', 'https://app.example.org/callback');
  await fill('launchUri', `${appUrl}/launch`);
  await page.select('#page select', 'client_secret_basic');
  await press(page, 'client-submit');
  const first = await (await page.waitForSelector('[data-testid="secret"]'))!.evaluate((shown) => shown.textContent);
  await look('client-registered');
  await page.$eval('[data-testid="registered"] ~ div a', (link) => (link as HTMLElement).click());
  await page.waitForSelector('[data-testid="acts"]');
  expect(await page.$('[data-testid="secret"]')).toBeNull();
  await look('client');
  await press(page, 'act-secret');
  await press(page, 'confirm');
  await closed();
  expect(await page.$eval('[data-testid="secret"]', (shown) => shown.textContent)).not.toBe(first);
  await press(page, 'act-disable');
  await says(page, '[data-testid="consequences"]', /within a minute/);
  await press(page, 'confirm');
  await closed();
  await press(page, 'act-enable');
  await press(page, 'confirm');
  await closed();
  await page.waitForSelector('[data-testid="act-disable"]');
});

test('a registration is changed by a tick, and its keys are looked at', async () => {
  await page.$$eval('[data-testid="scopes"] input[type="checkbox"]', (boxes) => (boxes[2] as HTMLElement).click());
  await says(page, '[data-testid="scopes"]', /launch\/imagingstudy/);
  await press(page, 'client-save');
  await toast(page, /Growth chart was saved/);
  await open('/clients/pacs-main', '[data-testid="check-keys"]');
  await press(page, 'check-keys');
  await says(page, '[data-testid="keys-found"]', /1 key found/);
  await look('client-keys');
});

test('tokens for registering by programme are issued, shown once and revoked', async () => {
  await open('/clients', '[data-testid="clients"]');
  await press(page, 'issue-token');
  await page.waitForSelector('[role="dialog"] [name="token-name"]');
  await page.type('[role="dialog"] [name="token-name"]', 'Vendor X');
  await look('token');
  await press(page, 'token-submit');
  await page.waitForSelector('[role="dialog"] [data-testid="secret"]');
  await click(page, '[role="dialog"] footer button:enabled');
  await closed();
  await says(page, '[data-testid="tokens"]', /Vendor X/);
  await look('clients');
  await press(page, 'revoke-token');
  await press(page, 'confirm');
  await closed();
  await says(page, '[data-testid="tokens"]', /There are none/);
});

test('an app is opened with the patient and the study; a blocked tab becomes a link', async () => {
  const doctor = await browser.person();
  await signInByPage(doctor.page, server.url, 'doctor');
  await point(doctor.page, '[data-testid="tab-all"]');
  await point(doctor.page, '[data-testid="patient-menu"]');
  const opened = new Promise<Page>((done) => doctor.page.once('popup', (tab) => done(tab!)));
  await point(doctor.page, '[data-testid^="act-launch-"]');
  const tab = await opened;
  await tab.waitForFunction(() => document.body.textContent?.startsWith('opened'));
  expect(tab.url()).toMatch(/\/launch\?iss=.+&launch=.+/);
  await tab.close();
  await doctor.page.evaluate(() => (globalThis.open = () => null));
  await point(doctor.page, '[data-testid="patient-menu"]');
  await point(doctor.page, '[data-testid^="act-launch-"]');
  const link = await doctor.page.waitForSelector('[data-testid="launch-link"]');
  expect(await link!.evaluate((found) => (found as HTMLAnchorElement).href)).toContain(`${appUrl}/launch?`);
  expect(await barriers(doctor.page)).toEqual([]);
  expect(doctor.faults).toEqual([]);
});

test('what is deleted is gone from the list; what belongs to the server cannot be changed', async () => {
  await open('/clients/pacs-main', '[data-testid="acts"]');
  await press(page, 'act-delete');
  await press(page, 'confirm');
  await page.waitForFunction(() => location.pathname === '/clients');
  await toast(page, /was deleted/);
  expect(await page.$('[data-row="pacs-main"]')).toBeNull();
  await open('/clients/csss-viewer', '[data-testid="ours"]');
  expect(await page.$('[data-testid="client-save"]')).toBeNull();
  await look('client-ours');
  expect(faults).toEqual([]);
});

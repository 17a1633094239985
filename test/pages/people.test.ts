import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, looksRight, overflow, point, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// A browser draws on a machine that may be busy: waiting long is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// Users, registrations and registration codes, as administrators and doctors use them.
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

const look = (name: string) => looksRight(page, name);

async function open(path: string, ready: string): Promise<void> {
  await page.goto(`${server.url}${path}`, { waitUntil: 'networkidle2' });
  await page.waitForSelector(ready);
}

async function type(field: string, text: string): Promise<void> {
  const selector = `[role="dialog"] [name="${field}"]`;
  await page.waitForSelector(selector, { visible: true });
  await page.type(selector, text);
}

const closed = () => page.waitForFunction(() => document.querySelector('[role="dialog"]') === null);

async function asAdmin<T>(path: string, method: string, body?: object): Promise<T> {
  const { access_token: token } = await server.signIn('admin', { scope: 'openid fhirUser user/*.rs' });
  const response = await fetch(server.url + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

interface Listed {
  id: string;
  email: string;
  name: string;
  role: string;
  state: string;
}
async function userBy(email: string): Promise<Listed> {
  const { users } = await asAdmin<{ users: Listed[] }>(`/portal/users?text=${encodeURIComponent(email)}`, 'GET');
  return users[0]!;
}

test('the menu of pages works by keyboard', async () => {
  await page.focus('[data-testid="admin-menu"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid="to-users"]', { visible: true });
  expect(await barriers(page)).toEqual([]);
  for (let i = 0; i < 12; i += 1) {
    if (await page.evaluate(() => document.activeElement?.getAttribute('data-testid') === 'to-users')) break;
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.pathname === '/users');
  await page.waitForSelector('[data-testid="users"]');
  await look('users');
});

test('somebody is invited, and what was typed stays when the server refuses', async () => {
  await press(page, 'invite');
  await press(page, 'invite-submit');
  await page.waitForSelector('[role="dialog"] [aria-invalid="true"]');
  await look('invite');
  await type('email', 'doctor@demo.csss.example');
  await type('prefix', 'Dr.');
  await type('given', 'Ada Maria');
  await type('family', 'Krishnamurthy-Wolfeschlegelstein');
  await press(page, 'invite-submit');
  await page.waitForSelector('[role="dialog"] [data-testid="refusal"]');
  expect(await page.$eval('[role="dialog"] [name="family"]', (field) => (field as HTMLInputElement).value)).toBe(
    'Krishnamurthy-Wolfeschlegelstein',
  );
  await page.$eval('[role="dialog"] [name="email"]', (field) => (field as HTMLInputElement).select());
  await type('email', 'ada@clinic.example');
  await press(page, 'invite-submit');
  await closed();
  await toast(page, /ada@clinic\.example/);
  await page.type('[data-testid="search"]', 'ada@clinic');
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="users"] [data-row]').length === 1);
  expect(await userBy('ada@clinic.example')).toMatchObject({ role: 'doctor', state: 'invited' });
  await vi.waitFor(
    async () => {
      const mails = (await (await fetch(`${server.url}/api/demo/mailbox`)).json()) as { to: string }[];
      expect(mails.some(({ to }) => to.includes('ada@clinic.example'))).toBe(true);
    },
    { timeout: 30_000 },
  );
});

test('the own account has no button that locks oneself out, and says why', async () => {
  const { id } = await userBy('admin@demo.csss.example');
  await open(`/users/${id}`, '[data-testid="facts"]');
  await page.waitForSelector('[data-testid="own-account"]');
  expect(await page.$('[data-testid="act-disable"]')).toBeNull();
  expect(await page.$('[data-testid="act-role"]')).toBeNull();
  await look('own-account');
});

test('a role is changed with a reason; one that somebody else changed meanwhile is said, not overwritten', async () => {
  const { id } = await userBy('ada@clinic.example');
  await open(`/users/${id}`, '[data-testid="acts"]');
  await press(page, 'act-role');
  await press(page, 'user-act-submit');
  await page.waitForSelector('[role="dialog"] [aria-invalid="true"]');
  await look('role');
  await page.select('[role="dialog"] select', 'pharmacist');
  await page.type('[role="dialog"] textarea', 'Moves to the pharmacy.');
  // Another administrator is faster than the page asks again.
  await asAdmin(`/portal/users/${id}/role`, 'PUT', { role: 'admin', reason: 'She is to manage users.' });
  await press(page, 'user-act-submit');
  await page.waitForSelector('[role="dialog"] [data-testid="refusal"], [role="dialog"] [data-testid="moved"]');
  await page.waitForSelector('[role="dialog"] [data-testid="moved"]');
  expect(await page.$eval('[role="dialog"] textarea', (field) => (field as HTMLTextAreaElement).value)).toBe(
    'Moves to the pharmacy.',
  );
  expect((await userBy('ada@clinic.example')).role).toBe('admin');
  await press(page, 'user-act-submit');
  await closed();
  await toast(page, /role of .* was changed/);
  expect((await userBy('ada@clinic.example')).role).toBe('pharmacist');
});

test('a change by somebody else is said on the open page, too', async () => {
  const { id } = await userBy('ada@clinic.example');
  await open(`/users/${id}`, '[data-testid="acts"]');
  await asAdmin(`/portal/users/${id}/role`, 'PUT', { role: 'doctor', reason: 'Back to reading.' });
  await page.waitForSelector('[data-testid="moved"]');
  await says(page, '[data-testid="moved"]', /Pharmacist.*Doctor/);
});

test('disabling says what happens, and enabling undoes it', async () => {
  const { id } = await userBy('pharmacist@demo.csss.example');
  await open(`/users/${id}`, '[data-testid="acts"]');
  await press(page, 'act-disable');
  await says(page, '[data-testid="consequences"]', /signed out within a minute/);
  await look('disable');
  await press(page, 'user-act-submit');
  await closed();
  await page.waitForSelector('h1 ~ p [data-state="disabled"]');
  await press(page, 'act-enable');
  await press(page, 'user-act-submit');
  await page.waitForSelector('h1 ~ p [data-state="active"]');
});

test('somebody who registered is compared with the records and confirmed by a person who looked', async () => {
  await asAdmin('/portal/users', 'POST', {
    email: 'waits@clinic.example',
    role: 'patient',
    given: 'Waits',
    family: 'Longtime',
  });
  const patients = await asAdmin<{ entry: { resource: { name: { family: string }[] } }[] }>('/fhir/Patient?_count=1', 'GET'); // prettier-ignore
  await open('/registrations', '[data-testid="registrations"]');
  await look('registrations');
  await press(page, 'find-person');
  await page.waitForSelector('[role="dialog"] input[type="text"]');
  await page.type('[role="dialog"] input[type="text"]', patients.entry[0]!.resource.name[0]!.family);
  await page.waitForSelector('[data-testid="patients-found"] input');
  await page.$eval('[data-testid="patients-found"] input', (choice) => (choice as HTMLElement).click());
  await press(page, 'tie-submit');
  await page.waitForSelector('[role="dialog"] [aria-invalid="true"]');
  await look('tie');
  await press(page, 'tie-seen');
  await press(page, 'tie-submit');
  await page.waitForFunction(
    () => document.querySelector('[role="dialog"]') === null || document.querySelector('[data-testid="refusal"]'),
  );
});

test('a doctor hands out a code, large, from the menu beside the patient’s name', async () => {
  const doctor = await browser.person();
  await doctor.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(doctor.page, server.url, 'doctor');
  await point(doctor.page, '[data-testid="tab-all"]');
  await point(doctor.page, '[data-testid="patient-menu"]');
  await point(doctor.page, '[data-testid="act-code"]');
  await press(doctor.page, 'make-code');
  await doctor.page.waitForSelector('[data-testid="code"]');
  expect(await doctor.page.$eval('[data-testid="code"]', (code) => code.textContent!.trim())).toMatch(/^[\p{L}\d -]{8,}$/u); // prettier-ignore
  expect(await barriers(doctor.page)).toEqual([]);
  await doctor.page.setViewport({ width: 360, height: 780 });
  expect(await overflow(doctor.page)).toBeLessThanOrEqual(0);
  const folder = process.env.CSSS_SCREENSHOTS;
  if (folder) await doctor.page.screenshot({ path: join(folder, 'code.png') as `${string}.png` });
  expect(await doctor.page.$('[data-testid="to-users"]')).toBeNull();
  await doctor.page.goto(`${server.url}/users`);
  await doctor.page.waitForFunction(() => location.pathname === '/forbidden');
  expect(doctor.faults).toEqual([]);
});

test('nothing went wrong in the console but what was refused on purpose', () => {
  expect(faults.filter((fault) => !/40[09]|422/.test(fault))).toEqual([]);
});

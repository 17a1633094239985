import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { caller } from '../harness/calls.ts';
import { picture } from '../harness/four-people.ts';
import { barriers, click, press, says, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// The audit trail as an administrator reads it, and a patient the part that concerns them.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  // Somebody reads a patient's record, and is refused where there is none.
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  const [patient] = await doctor.search<{ resourceType: 'Patient'; id: string }>('Patient?name=Rao');
  for (let times = 0; times < 3; times++) await doctor.get(`/fhir/Patient/${patient!.id}`);
  browser = await openBrowser();
  page = await signedIn('admin');
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => expect(faults.splice(0)).toEqual([]));

async function signedIn(role: string): Promise<Page> {
  const person = await browser.person();
  await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  // Where a browser can write into a file, it asks the person where to.
  await person.page.evaluateOnNewDocument(() => Reflect.deleteProperty(window, 'showSaveFilePicker'));
  await signInByPage(person.page, server.url, role);
  person.page.on('pageerror', (error) => faults.push(String(error)));
  return person.page;
}

const rows = '[data-testid="audit-rows"] tbody tr';

test('rows stand in plain words, with their details in a drawer that gives the focus back', async () => {
  await page.goto(`${server.url}/audit`, { waitUntil: 'networkidle2' });
  await page.waitForSelector(rows);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'audit');
  await press(page, 'detail');
  await page.waitForSelector('[data-testid="audit-detail"]');
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'audit-detail');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('[data-testid="audit-detail"]'));
});

test('a patient is found by typing, by keyboard alone, and who saw them is added up', async () => {
  await page.type('[data-testid="patient"]', 'Rao');
  await page.waitForSelector('[data-testid="patient-option"]');
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid="patient-chosen"]');
  await says(page, '[data-testid="who-saw"]', /Iyer.*times/s);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'audit-who-saw');
  await page.select('[data-testid="group"] select', 'dicomweb:*');
  await page.waitForSelector('[data-testid="empty"]');
  await press(page, 'reset-filters');
  await page.waitForSelector(rows);
});

test('the trail is verified while one looks on, and found whole', async () => {
  await press(page, 'verify-chain');
  await page.waitForSelector('[data-testid="chain"][data-state="whole"]', { timeout: 60_000 });
  expect(await barriers(page)).toEqual([]);
});

test('what the filter leaves is saved as a file', async () => {
  await click(page, '[data-testid="export-ndjson"]');
  await toast(page, /The file is complete/);
});

test('a patient sees who looked at the own record', async () => {
  const patient = await signedIn('patient');
  await patient.goto(`${server.url}/account?tab=accesses`, { waitUntil: 'networkidle2' });
  await says(patient, '[data-testid="accesses"]', /Iyer \(Doctor\)\s*Read a record[^\n]*[3-9] times/);
  expect(await barriers(patient)).toEqual([]);
  await picture(patient, 'accesses-of-patient');
});

test('nobody but administrators gets there', async () => {
  const doctor = await signedIn('doctor');
  for (const path of ['/audit', '/deliveries']) {
    await doctor.goto(server.url + path);
    await doctor.waitForFunction(() => location.pathname === '/forbidden');
  }
});

import type { Patient } from '@medplum/fhirtypes';
import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { picture } from '../harness/four-people.ts';
import { barriers, click, press, says } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// A doctor opens a restricted record in an emergency, and everybody who has to know does.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
const faults: string[] = [];
const dialog = '[role="dialog"]';

beforeAll(async () => {
  server = await startTestServer({ environment: { STUDY_QUIET_SECONDS: '1' } });
  const service = caller(server, await server.backend());
  const patient: Patient = {
    resourceType: 'Patient',
    id: 'vip',
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
    identifier: [{ system: `${server.fhir}/NamingSystem/patient-id`, value: 'VIP-1' }],
    name: [{ family: 'Verwey', given: ['Ina'] }],
  };
  expect((await service.send('PUT', '/fhir/Patient/vip', patient)).ok).toBe(true);
  expect((await service.store([imageFile({ study: newUid(), patientId: 'VIP-1' })])).status).toBe(200);
  browser = await openBrowser();
  page = await signedIn('doctor');
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => expect(faults.splice(0)).toEqual([]));

async function signedIn(role: string): Promise<Page> {
  const person = await browser.person();
  await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(person.page, server.url, role);
  person.page.on('pageerror', (error) => faults.push(String(error)));
  return person.page;
}

test('a number that no restricted record has finds nothing, and a part of one neither', async () => {
  await press(page, 'emergency');
  await page.waitForSelector(dialog);
  await page.type(`${dialog} input`, 'VIP');
  await press(page, 'emergency-find');
  await page.waitForSelector('[data-testid="emergency-none"]');
  expect(await barriers(page)).toEqual([]);
});

test('the whole number shows two letters and no name', async () => {
  await page.type(`${dialog} input`, '-1');
  await press(page, 'emergency-find');
  await page.waitForSelector('[data-testid="emergency-found"]');
  expect(await page.$eval(dialog, (shown) => shown.textContent)).not.toMatch(/Verwey|Ina\b/);
  expect(await barriers(page)).toEqual([]);
});

test('without a reason and a confirmation it stays closed', async () => {
  await page.type(`${dialog} textarea`, 'short');
  await press(page, 'emergency-open');
  await page.waitForFunction(() => document.querySelectorAll('[role="dialog"] [aria-invalid="true"]').length === 2);
  await picture(page, 'emergency');
});

test('then it opens, under a banner that says until when', async () => {
  await page.type(`${dialog} textarea`, ': unconscious in the emergency room');
  await click(page, '[data-testid="emergency-agreed"]');
  await press(page, 'emergency-open');
  await page.waitForFunction(() => location.pathname === '/record/vip');
  await says(page, '[data-testid="emergency-banner"]', /until .*recorded and reported/);
  await says(page, '[data-testid="patient-banner"]', /Ina Verwey/);
  expect(await barriers(page)).toEqual([]);
  await picture(page, 'emergency-record');
  await page.goto(`${server.url}/doctor`, { waitUntil: 'networkidle2' });
  await page.waitForSelector('[data-testid="emergency-link"]');
});

test('the administrator reads who, whose and why', async () => {
  const admin = await signedIn('admin');
  await admin.goto(`${server.url}/audit`, { waitUntil: 'networkidle2' });
  await says(admin, '[data-testid="emergencies"]', /Iyer.*vip.*unconscious in the emergency room/s);
});

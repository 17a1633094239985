import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, click, looksRight, openTab, overflow, press, says } from '../harness/page-acts.ts';
import { arrivedScan, crewOf, prescribeNothing, readScan, releasedScan, releaseScan, type Crew, type Scan } from '../harness/released-scan.ts'; // prettier-ignore
import { openStep } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The patient's page, and what somebody outside sees of what was shared on it. CSSS_SCREENSHOTS=folder keeps pictures.
let server: TestServer;
let browser: TestBrowser;
let who: Crew;
let page: Page;
let released: Scan;
const faults: string[] = [];

beforeAll(async () => {
  server = await startTestServer();
  who = await crewOf(server);
  released = await releasedScan(who, 'PATIENT-1');
  browser = await openBrowser();
  ({ page } = await browser.person());
  page.setDefaultTimeout(60_000);
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'patient');
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) faults.push(message.text());
  });
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});
afterEach(() => expect(faults.splice(0)).toEqual([]));

async function open(path = '/patient'): Promise<void> {
  await page.bringToFront();
  await page.goto(server.url + path);
  await page.waitForSelector('[data-testid="person"]');
}

const words = (selector = 'main') => page.$eval(selector, (found) => (found as HTMLElement).innerText);
const card = (scan: string) => `[data-testid="scan-${scan}"]`;

test('a scan is called by what it is, what is known and what comes next stand in plain words, and nothing of the AI', async () => {
  const waiting = await arrivedScan(who, 'PATIENT-2');
  const inference = await openStep(who.doctor, 'ai-inference', waiting.studyId);
  await who.doctor.patchTask(inference, [{ op: 'replace', path: '/status', value: 'accepted' }]);
  await openStep(who.doctor, 'physician-verification', waiting.studyId);
  await open();
  await says(page, card('PATIENT-2'), /Chest X-ray, 12 March 2026/);
  await says(page, `${card('PATIENT-2')} [data-testid="next"]`, /Next, a doctor looks at it/);
  expect(await words(card('PATIENT-2'))).not.toMatch(/AI|PATIENT-2|\bDX\b|analy/i);
  expect(await page.$(`${card('PATIENT-2')} [data-testid="share"]`)).toBeNull();
  await says(page, '[data-testid="latest"]', /Chest X-ray, 12 March 2026/);
  await looksRight(page, 'patient');
});

test('the open page follows each step by itself, and tells who did what', async () => {
  const scan = await arrivedScan(who, 'PATIENT-3');
  await page.waitForSelector(`${card('PATIENT-3')} [data-state="received"]`);
  await readScan(who, scan);
  await page.waitForSelector(`${card('PATIENT-3')} [data-state="read"]`);
  await prescribeNothing(who, scan);
  await page.waitForSelector(`${card('PATIENT-3')} [data-state="checked"]`);
  await releaseScan(who, scan);
  await page.waitForSelector(`${card('PATIENT-3')} [data-state="ready"]`);
  await click(page, `${card('PATIENT-3')} [data-testid="story-toggle"]`);
  await says(page, `${card('PATIENT-3')} [data-testid="story"]`, /Looked at by a doctor: Dr\. Meera Iyer/);
  await says(page, `${card('PATIENT-3')} [data-testid="story"]`, /Medicine checked by a pharmacist: Lena Fischer/);
  await says(page, `${card('PATIENT-3')} [data-testid="sent"]`, /to patient@demo\.csss\.example[\s\S]*Sent ·/);
  await looksRight(page, 'patient-story');
});

test('the report is read in the page', async () => {
  await open();
  await click(page, '[data-testid="latest"] [data-testid="report-read"]');
  await page.waitForSelector('[data-testid="report-frame"]');
  const source = await page.$eval('[data-testid="report-frame"]', (frame) => (frame as HTMLIFrameElement).src);
  expect(source).toMatch(/^blob:/);
  await page.waitForFunction(() => {
    const frame = document.querySelector<HTMLIFrameElement>('[data-testid="report-frame"]');
    return frame !== null && frame.getBoundingClientRect().height > 200;
  });
  const folder = process.env.CSSS_SCREENSHOTS;
  if (folder) {
    await new Promise((done) => setTimeout(done, 3_000));
    await page.screenshot({ path: `${folder}/patient-report.png` });
  }
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('[data-testid="report-frame"]'));
});

let made: { url: string; code: string };
let outside: Page;

test('a link is made for a report, and its code is told once', async () => {
  await open();
  await click(page, '[data-testid="latest"] [data-testid="share"]');
  await page.waitForSelector('[data-testid="share-form"]');
  await press(page, 'share-submit');
  await page.waitForSelector('#agreed-error');
  await page.type(
    '[name="recipient"]',
    'Dr. Anbuselvi Thirunavukkarasu, Family Clinic in the Long Street of the Old Town',
  );
  await page.click('[name="agreed"]');
  await looksRight(page, 'share-form');
  await press(page, 'share-submit');
  await page.waitForSelector('[data-testid="share-code"]');
  const text = (testId: string) => page.$eval(`[data-testid="${testId}"]`, (found) => found.textContent!.trim());
  made = { url: await text('share-url'), code: await text('share-code') };
  await looksRight(page, 'share-made');
  await press(page, 'share-done');
  await openTab(page, 'tab-shares');
  await says(page, '[data-testid="shares"]', /For Dr\. Anbuselvi[\s\S]*Not opened yet/);
});

test('somebody else opens it with the code, and sees report and images', async () => {
  ({ page: outside } = await browser.person());
  outside.setDefaultTimeout(60_000);
  await outside.goto(made.url);
  await looksRight(outside, 'shared-code');
  await outside.type('#code', 'AAAA-AAAA');
  await outside.click('button.main');
  await says(outside, '[role="alert"]', /left: 4/);
  await outside.type('#code', made.code);
  await outside.click('button.main');
  await outside.waitForSelector('[data-testid="report"]');
  await looksRight(outside, 'shared');
  await says(outside, 'h1', /Chest X-ray, 12 March 2026/);
  await outside.click('[data-testid="images"]');
  await outside.waitForSelector('img.shared');
  await outside.waitForFunction(() => document.querySelector<HTMLImageElement>('img.shared')!.naturalWidth > 100);
  await looksRight(outside, 'shared-image');
});

test('the patient sees on the open page that it was opened, and takes it back', async () => {
  await page.bringToFront();
  await says(page, '[data-testid="shares"]', /Opened: [\s\S]*1 wrong code was typed/);
  await looksRight(page, 'patient-shares');
  await openTab(page, 'tab-accesses');
  await says(page, '[data-testid="accesses"]', /Somebody with a shared link[\s\S]*Opened a shared link/);
  await openTab(page, 'tab-shares');
  await press(page, 'take-back');
  await press(page, 'agree');
  await page.waitForSelector('[data-share="taken-back"]');
  await outside.bringToFront();
  await outside.goto(made.url);
  await says(outside, 'h1', /does not work/);
  await outside.close();
});

test('decisions are switched, written down with their day, and the same on the account’s own page', async () => {
  await open('/patient?tab=consents');
  const off = '[data-consent="improve-model"] [role="switch"][data-state="unchecked"]';
  await click(page, off);
  await says(page, '[data-consent="improve-model"]', /Decided on/);
  await click(page, '[data-consent="improve-model"] [role="switch"][data-state="checked"]');
  await page.waitForSelector(off);
  await click(page, '[data-consent="report-by-mail"] [role="switch"][data-state="checked"]');
  await says(page, '[data-consent="report-by-mail"]', /Decided on/);
  await looksRight(page, 'patient-consents');
  await open('/account');
  await page.waitForSelector('[data-testid="notify"] [role="switch"][data-state="unchecked"]');
});

test.each([
  ['ta', /மார்பு எக்ஸ்-ரே/, /புதிய படம் தேவை/, /குறியீடு/],
  ['hi', /छाती का एक्स-रे/, /नया चित्र चाहिए/, /कोड/],
] as const)('the page, the dialogs and the shared pages speak %s', async (language, name, state, code) => {
  const scan = `PATIENT-${language}`;
  const rejected = await arrivedScan(who, scan);
  const step = await openStep(who.doctor, 'ai-inference', rejected.studyId);
  await who.doctor.patchTask(step, [
    { op: 'replace', path: '/status', value: 'rejected' },
    { op: 'add', path: '/statusReason', value: { text: 'Please hold still.' } },
  ]);
  const json = { 'Content-Type': 'application/json' };
  const answer = await who.patient.send('POST', '/portal/me/shares', { review: released.review, days: 7 }, json);
  const { url } = (await answer.json()) as { url: string };
  await page.setCookie({ name: 'csss-language', value: language, url: server.url });
  try {
    await open();
    await says(page, '[data-testid="latest"]', name);
    await says(page, card(scan), state);
    await says(page, `${card(scan)} [data-testid="reason"]`, /Please hold still/);
    const own = (await words('[data-testid="scans"]')).replaceAll(
      /Please hold still\.|Heart and lungs are normal\./g,
      '',
    );
    expect(own).not.toMatch(/[a-z]{3}/); // nothing English but what the doctor wrote
    await looksRight(page, `patient-${language}`);
    await click(page, '[data-testid="latest"] [data-testid="share"]');
    await page.waitForSelector('[data-testid="share-form"]');
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
  } finally {
    await page.setCookie({ name: 'csss-language', value: 'en', url: server.url });
  }
  const { page: reader } = await browser.person();
  await reader.setCookie({ name: 'csss-language', value: language, url: server.url });
  await reader.goto(url);
  await says(reader, 'label', code);
  expect(await reader.$eval('h1', (found) => found.closest('[lang]')?.getAttribute('lang'))).toBe(language);
  expect(await overflow(reader)).toBeLessThanOrEqual(0);
  await reader.close();
});

test('a withdrawn report is said clearly, and nothing of it is left on the page', async () => {
  const reason = {
    resourceType: 'Parameters',
    parameter: [{ name: 'reason', valueString: 'Read for another person.' }],
  };
  await open();
  await says(page, card('PATIENT-1'), /Report ready/);
  expect((await who.doctor.send('POST', `/fhir/Task/${released.review}/$retract`, reason)).status).toBe(200);
  await says(page, '[data-testid="scan-withdrawn"]', /not valid any more/);
  expect(await page.$(card('PATIENT-1'))).toBeNull();
  expect(await words('[data-testid="scan-withdrawn"]')).not.toMatch(/Chest|X-ray|Normal|another person/);
  await looksRight(page, 'patient-withdrawn');
});

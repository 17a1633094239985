import type { Page } from 'puppeteer';
import { expect, test, vi } from 'vitest';
import { liveLimits } from '../../server/live/limits.ts';
import { eventually } from '../harness/calls.ts';
import {
  anotherSeries,
  at,
  browser,
  dialog,
  film,
  pages,
  server,
  verify,
  withFourPeople,
  type Film,
} from '../harness/four-people.ts';
import { click, openDialog, openTab, rowOf } from '../harness/page-acts.ts';
import { signInByPage } from '../harness/browser.ts';
import { livePage, type LivePage } from '../harness/live-page.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
withFourPeople();

/** The page is not loaded again: what was put into it stays. */
const mark = (page: Page) => page.evaluate(() => void ((globalThis as { marked?: boolean }).marked = true));
const isMarked = (page: Page) => page.evaluate(() => (globalThis as { marked?: boolean }).marked === true);

/** Calls that the page makes in so many milliseconds. */
async function callsWithin(page: Page, ms: number): Promise<string[]> {
  const calls: string[] = [];
  const count = (request: { url(): string; resourceType(): string }) => {
    if (['fetch', 'xhr'].includes(request.resourceType())) calls.push(request.url());
  };
  page.on('request', count);
  await new Promise((done) => setTimeout(done, ms));
  page.off('request', count);
  return calls;
}

let scan: Film;

test('a scan that arrives is on the open pages of the doctor and of the patient, and nobody loads a page', async () => {
  const [doctor, patient] = [await at('doctor'), await at('patient')];
  await Promise.all([mark(doctor), mark(patient)]);
  scan = await film('LIVE-1');
  await Promise.all([doctor.waitForSelector(rowOf('LIVE-1')), patient.waitForSelector(rowOf('LIVE-1'))]);
  expect([await isMarked(doctor), await isMarked(patient)]).toEqual([true, true]);
});

test('while nothing happens, open pages ask nothing', async () => {
  const doctor = await at('doctor');
  await doctor.waitForSelector(rowOf('LIVE-1'));
  await eventually(async () => (await callsWithin(doctor, 1_000)).length === 0, 'a page at rest');
  expect(await callsWithin(doctor, 8_000)).toEqual([]);
});

test('what the doctor verifies comes to the pharmacist, and what the doctor takes back leaves', async () => {
  const pharmacist = await at('pharmacist');
  await mark(pharmacist);
  const doctor = await at('doctor');
  await click(doctor, `${rowOf('LIVE-1')} [data-testid="analyze"]`);
  await openTab(doctor, 'tab-toRead');
  await doctor.waitForSelector(`${rowOf('LIVE-1')} [data-testid="verify"]`);
  await verify('LIVE-1');
  await pharmacist.waitForSelector(rowOf('LIVE-1'));
  // Images that come after the reading return it to the doctor; the pharmacist may not read the scan from then on.
  await anotherSeries(scan, '7');
  await pharmacist.waitForFunction((row: string) => !document.querySelector(row), {}, rowOf('LIVE-1'));
  expect(await isMarked(pharmacist)).toBe(true);
});

test('what somebody types stays while others act on the same list', async () => {
  const doctor = await at('doctor');
  await openTab(doctor, 'tab-toRead');
  await openDialog(doctor, 'LIVE-1', 'verify');
  await doctor.type(`${dialog} form > div:last-child textarea`, 'Half a sentence');
  await film('LIVE-2');
  await pages.get('patient')!.waitForSelector(rowOf('LIVE-2'));
  await new Promise((done) => setTimeout(done, 1_500));
  expect(
    await doctor.$eval(`${dialog} form > div:last-child textarea`, (area) => (area as HTMLTextAreaElement).value),
  ).toBe('Half a sentence');
});

test('a page that gets no channel asks every 15 seconds', async () => {
  const person = await browser.person();
  const { access_token: token } = await server.signIn('patient');
  const others: LivePage[] = [];
  for (let i = 1; i < liveLimits.perAccount; i++) others.push(await livePage(server, token));
  await signInByPage(person.page, server.url, 'patient');
  await person.page.waitForSelector(rowOf('LIVE-2'));
  await mark(person.page);
  await film('LIVE-3');
  await person.page.waitForSelector(rowOf('LIVE-3'), { timeout: 45_000 });
  expect(await isMarked(person.page)).toBe(true);
  for (const other of others) other.close();
  await person.page.browserContext().close();
});

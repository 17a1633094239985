import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImagingStudy } from '@medplum/fhirtypes';
import type { Page } from 'puppeteer';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { arjun, at, patientOf, staff, withFourPeople, wordsOf } from '../harness/four-people.ts';
import { click, looksRight, press, says } from '../harness/page-acts.ts';

// People upload images on the real pages.
withFourPeople();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-chosen-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const dialog = '[role="dialog"]';
const id = (name: string) => `[data-testid="${name}"]`;
let serial = 0;

async function photo(name: string, width = 300): Promise<string> {
  const own = ++serial * 101;
  const data = Uint8Array.from({ length: width * 200 }, (_, i) => ((i * 3) ^ (own >> (i % 7))) & 0xff);
  const path = join(folder, name);
  await sharp(data, { raw: { width, height: 200, channels: 1 } })
    .jpeg()
    .toFile(path);
  return path;
}

async function dicom(name: string, more: Parameters<typeof imageFile>[0] = {}): Promise<string> {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, imageFile({ ...arjun, with: patientOf(), ...more }));
  return path;
}

async function openUpload(role: 'patient' | 'doctor'): Promise<Page> {
  const page = await at(role);
  await press(page, 'upload');
  await page.waitForSelector(`${dialog} ${id('upload-drop')}`);
  // A dialog takes the focus a moment after it is there.
  await page.waitForFunction(() => document.activeElement?.closest('[role="dialog"]') !== null);
  return page;
}

async function choose(page: Page, ...paths: string[]): Promise<void> {
  const input = (await page.$(id('upload-input')))! as Awaited<ReturnType<typeof page.$<'input'>>>;
  await input!.uploadFile(...paths);
}

const lines = (page: Page) =>
  page.$$eval(id('upload-file'), (all) => all.map((one) => (one as HTMLElement).innerText.replace(/\s+/g, ' ')));

async function closed(page: Page): Promise<void> {
  await page.waitForFunction(() => !document.querySelector('[role="dialog"]'));
}

test('a patient uploads a photo of a film, sees it go, and finds it among the scans without a reload', async () => {
  const page = await openUpload('patient');
  const before = await page.$$eval('[data-testid^="scan-"]', (all) => all.length);
  await says(page, id('upload-limits'), /20 MB/);
  await choose(page, await photo('chest from my phone with a very long name that goes on and on for ever.jpg'));
  await page.waitForSelector(id('upload-preview'));
  expect((await lines(page))[0]).toMatch(/chest from my phone.*\d+ (kB|KB)/);
  await press(page, 'upload-start');
  await says(page, dialog, /Choose what the pictures show/);
  await page.select(`${id('upload-facts')} select`, 'chestXray');
  await looksRight(page, 'upload-chosen');
  await press(page, 'upload-start');
  await says(page, id('upload-result'), /1 stored/);
  await looksRight(page, 'upload-result');
  await press(page, 'upload-done');
  await closed(page);
  await page.waitForFunction(
    (count: number) => document.querySelectorAll('[data-testid^="scan-"]').length > count,
    {},
    before,
  );
  await page.waitForSelector('[data-testid^="scan-"] [data-state="received"]');
});

test('files are dropped, or chosen with Enter and with Space; each can be removed, and Escape closes', async () => {
  const page = await openUpload('patient');
  for (const key of ['Enter', 'Space'] as const) {
    let opened = false;
    const choosing = page.waitForFileChooser().finally(() => (opened = true));
    // The dialog may take the focus once more while it settles.
    await eventually(async () => {
      if (!opened) await page.focus(id('upload-browse'));
      if (!opened) await page.keyboard.press(key);
      await new Promise((done) => setTimeout(done, 300));
      return opened;
    }, `the choice of files by ${key}`);
    const chooser = await choosing;
    await chooser.accept([await photo(`by-${key}.jpg`)]);
    await page.waitForFunction((name: string) => document.body.innerText.includes(name), {}, `by-${key}.jpg`);
  }
  await page.$eval(id('upload-drop'), (zone) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3)], 'dropped.jpg'));
    transfer.items.add(new File(['not an image at all'], 'letter.docx'));
    zone.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
  });
  await page.waitForFunction(() => document.body.innerText.includes('letter.docx'));
  expect(await lines(page)).toHaveLength(4);
  expect((await lines(page))[3]).toContain('no JPG, PNG, DICOM or ZIP');
  await click(page, `${id('upload-file')}:nth-child(4) ${id('upload-remove')}`);
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="upload-file"]').length === 3);
  await page.keyboard.press('Escape');
  await closed(page);
  expect(await page.evaluate(() => [localStorage.length, Object.values(sessionStorage).join().includes('by-Enter')])).toEqual([0, false]); // prettier-ignore
}); // prettier-ignore

test('on a slow line the bar shows how far it is; it rests, goes on, and asks before it stops', async () => {
  const page = await openUpload('patient');
  const study = newUid();
  await choose(page, await dicom('large', { study, rows: 1600, columns: 1600 }));
  await page.waitForSelector(id('upload-file'));
  await page.emulateNetworkConditions({ upload: 1_200_000, download: 5_000_000, latency: 20 });
  const seen = new Set<number>();
  await press(page, 'upload-start');
  await page.waitForSelector(id('upload-all'));
  const value = () => page.$eval(id('upload-all'), (bar) => Number(bar.getAttribute('aria-valuenow'))).catch(() => -1);
  await eventually(async () => {
    const now = await value();
    if (now > 0 && now < 100) seen.add(now);
    return seen.size >= 2;
  }, 'two values');
  await press(page, 'upload-pause');
  await says(page, dialog, /Paused/);
  await looksRight(page, 'upload-paused');
  const rested = await value();
  await page.keyboard.press('Escape');
  await says(page, dialog, /not finished/);
  await press(page, 'upload-stay');
  await press(page, 'upload-resume');
  await eventually(async () => {
    const now = await value();
    if (now > rested && now < 100) seen.add(now);
    return seen.size >= 3;
  }, 'a third value');
  await says(page, id('upload-result'), /1 stored/);
  await page.emulateNetworkConditions(null);
  expect([...seen].every((now) => now > 0 && now < 100)).toBe(true);
  await press(page, 'upload-done');
  const [found] = await (await staff()).search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${study}`);
  expect(found?.numberOfInstances).toBe(1);
});

test('when the line is gone the upload waits and goes on by itself', async () => {
  const page = await openUpload('patient');
  await choose(page, await dicom('line', { rows: 1200, columns: 1200 }));
  await page.waitForSelector(id('upload-file'));
  await page.emulateNetworkConditions({ upload: 700_000, download: 5_000_000, latency: 20 });
  await press(page, 'upload-start');
  await page.waitForFunction(() => Number(document.querySelector('[data-testid="upload-all"]')?.getAttribute('aria-valuenow')) > 5);
  await page.setOfflineMode(true);
  await new Promise((done) => setTimeout(done, 1500));
  await page.setOfflineMode(false);
  await page.emulateNetworkConditions(null);
  await says(page, id('upload-result'), /1 stored/);
  await press(page, 'upload-done');
}); // prettier-ignore

test('a line that is gone is told at once, and when it is back the upload goes on at once, however long it was', async () => {
  const page = await openUpload('patient');
  await choose(page, await dicom('long-gone', { rows: 1200, columns: 1200 }), await photo('small.jpg'));
  await page.waitForSelector(id('upload-preview'));
  await page.select(`${id('upload-facts')} select`, 'chestXray');
  await page.emulateNetworkConditions({ upload: 700_000, download: 5_000_000, latency: 20 });
  await press(page, 'upload-start');
  await says(page, `${id('upload-file')}:nth-child(2)`, /Sent/); // and not yet checked: the other one is under way
  await page.setOfflineMode(true);
  await page.waitForSelector(id('upload-again'), { timeout: 5_000 });
  await says(page, dialog, /connection is gone.*goes on by itself/);
  await page.emulateNetworkConditions(null);
  await page.setOfflineMode(false);
  await page.waitForFunction(() => !document.querySelector('[data-testid="upload-again"]'), { timeout: 5_000 });
  await says(page, id('upload-result'), /2 stored/);
  await press(page, 'upload-done');
  await closed(page);
});

test('Escape and Back ask before words or an upload under way are lost', async () => {
  const page = await at('patient', '/account');
  // A page of the same document: what the browser itself asks when it leaves one is not meant.
  await click(page, 'header a[href="/work"]');
  await page.waitForFunction(() => location.pathname === '/patient');
  const here = page.url();
  await press(page, 'upload');
  await page.waitForSelector(id('upload-drop'));
  await choose(page, await photo('with words.jpg'));
  await page.waitForSelector(id('upload-preview'));
  await page.type(`${id('upload-facts')} textarea`, 'It hurts since Monday.');
  await page.keyboard.press('Escape');
  await says(page, dialog, /not sent yet/);
  await looksRight(page, 'upload-words-left');
  await press(page, 'upload-stay');
  expect(await page.$eval(`${id('upload-facts')} textarea`, (area) => (area as HTMLTextAreaElement).value)).toBe('It hurts since Monday.'); // prettier-ignore
  await page.select(`${id('upload-facts')} select`, 'chestXray');
  await page.emulateNetworkConditions({ upload: 2_000, download: 5_000_000, latency: 20 });
  await press(page, 'upload-start');
  await page.waitForSelector(id('upload-all'));
  await page.goBack();
  await says(page, dialog, /not finished/);
  expect(page.url()).toBe(here);
  await press(page, 'upload-stop');
  await closed(page);
  await page.emulateNetworkConditions(null);
});

test('a folder is uploaded without what is no image, and what is not the own is refused in plain words', async () => {
  const study = newUid();
  const series = newUid();
  for (const number of [1, 2, 3]) await dicom(`cd/DICOM/IM${number}`, { study, series, number });
  await writeFile(join(folder, 'cd', 'AUTORUN.INF'), '[autorun]');
  await writeFile(join(folder, 'cd', 'DICOMDIR'), 'x');
  await dicom('cd/DICOM/IM9', { patientId: 'SOMEBODY-ELSE' });
  const page = await openUpload('patient');
  const input = (await page.$(id('upload-folder-input')))! as Awaited<ReturnType<typeof page.$<'input'>>>;
  await input!.uploadFile(join(folder, 'cd'));
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="upload-file"]').length === 4);
  await says(page, dialog, /no images: 1/);
  await press(page, 'upload-start');
  await says(page, id('upload-result'), /3 stored.*1 not stored/);
  await says(page, dialog, /another name, number or date of birth/);
  await press(page, 'upload-done');
});

test('a doctor uploads for a patient, and is asked about an image that names somebody else', async () => {
  const page = await openUpload('doctor');
  await choose(page, await dicom('foreign', { patientId: 'HOSPITAL-2-77', patientName: 'Rao^A' }));
  await page.waitForSelector(id('upload-file'));
  await press(page, 'upload-start');
  await says(page, dialog, /Choose the patient/);
  await page.type(`${dialog} input[type="text"]`, 'DEMO-1001');
  await click(page, `${dialog} ${id('patients-found')} input[type="radio"]`);
  await press(page, 'upload-start');
  await says(page, id('upload-asked'), /HOSPITAL-2-77/);
  await looksRight(page, 'upload-asked');
  await press(page, 'upload-agree');
  await says(page, id('upload-asked'), /Confirm this/);
  await click(page, id('upload-seen'));
  await press(page, 'upload-agree');
  await says(page, id('upload-result'), /1 stored/);
  expect(await wordsOf(page, id('upload-file'))).toContain('Stored');
  await press(page, 'upload-done');
  await closed(page);
});

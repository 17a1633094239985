import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { at, dialog, gone, pages, server, withFourPeople, type Role } from '../harness/four-people.ts';
import { click, openDialog, openTab, overflow, press, rowOf, says } from '../harness/page-acts.ts';
import { englishOn } from '../harness/page-words.ts';
import { screens } from '../harness/people.ts';

// From a picture in a browser to the report on paper, by hand on the pages of four people, in each language of the pages.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
withFourPeople();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-film-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A picture as a patient has it, each of its own. */
async function photograph(seed: number): Promise<string> {
  const pixels = Uint8Array.from({ length: 640 * 640 }, (_, at) => {
    const [x, y] = [(at % 640) - 320, Math.floor(at / 640) - 320];
    return Math.max(20, 220 - Math.hypot(Math.abs(x) - 150, y * 0.7) + (((at * seed) >> 3) & 15));
  });
  const path = join(folder, `film-${seed}.jpg`);
  await writeFile(path, await sharp(pixels, { raw: { width: 640, height: 640, channels: 1 } }).jpeg().toBuffer());
  return path;
} // prettier-ignore

const scansOn = (page: Page) =>
  page.$$eval('[data-testid^="scan-"]', (all) => all.map((one) => one.getAttribute('data-testid')!.slice(5)));

async function newScan(page: Page, before: readonly string[]): Promise<string> {
  const added = await page.waitForFunction(
    (known: string[]) =>
      [...document.querySelectorAll('[data-testid^="scan-"]')]
        .map((one) => one.getAttribute('data-testid')!.slice(5))
        .find((scan) => !known.includes(scan)),
    {},
    [...before],
  );
  return (await added.jsonValue()) as string;
}

const texts = {
  en: { history: 'A cough for a week.', notes: 'Heart and lungs are normal.', none: 'No medication.' },
  ta: { history: 'ஒரு வாரமாக இருமல்.', notes: 'இதயமும் நுரையீரலும் இயல்பாக உள்ளன.', none: 'மருந்து தேவையில்லை.' },
  hi: { history: 'एक हफ़्ते से खाँसी।', notes: 'हृदय और फेफड़े सामान्य हैं।', none: 'कोई दवा नहीं।' },
} as const;
type Language = keyof typeof texts;

async function speak(role: Role, language: Language): Promise<Page> {
  const call = screens(server, (await server.signIn(role)).access_token);
  expect((await call('PATCH', '/portal/me/preferences', { language })).status).toBe(200);
  const page = await at(role);
  await page.waitForFunction((wanted: string) => document.documentElement.lang === wanted, {}, language);
  return page;
}

/** What of the data is in English: names, what people wrote, and what the classes of the model are called by its maker. */
const ofData = ['Rao, Arjun', 'film', 'NIH_MERGED', ...Object.values(texts.en)];

async function inOneLanguage(page: Page, language: Language, where: string): Promise<void> {
  expect.soft(await overflow(page), where).toBeLessThanOrEqual(0);
  if (language === 'en') return;
  let foreign = await englishOn(page, ofData);
  for (let tries = 0; foreign.length > 0 && tries < 20; tries++) {
    await new Promise((done) => setTimeout(done, 250));
    foreign = await englishOn(page, ofData);
  }
  expect.soft(foreign, where).toEqual([]);
}

test.for(Object.keys(texts) as Language[])(
  'a picture that a patient uploads is a report in the hands of that patient, all in %s',
  async (language, { annotate }) => {
    for (const role of ['doctor', 'pharmacist', 'admin', 'patient'] as const) await speak(role, language);
    const [doctor, pharmacist, admin, patient] = (['doctor', 'pharmacist', 'admin', 'patient'] as const).map((role) => pages.get(role)!) as [Page, Page, Page, Page]; // prettier-ignore
    const before = await scansOn(doctor);
    const begin = performance.now();

    await patient.bringToFront();
    await press(patient, 'upload');
    await patient.waitForSelector(`${dialog} [data-testid="upload-drop"]`);
    const input = (await patient.$('input[data-testid="upload-input"]'))!;
    await input.uploadFile(await photograph(Object.keys(texts).indexOf(language) + 2));
    await patient.waitForSelector('[data-testid="upload-preview"]');
    await patient.select('[data-testid="upload-facts"] select', 'chestXray');
    await patient.type('[data-testid="upload-facts"] textarea', texts[language].history);
    await inOneLanguage(patient, language, 'the upload');
    await press(patient, 'upload-start');
    await patient.waitForSelector('[data-testid="upload-result"]');
    await inOneLanguage(patient, language, 'what became of the upload');
    await press(patient, 'upload-done');
    await gone(patient);

    await doctor.bringToFront();
    const scan = await newScan(doctor, before);
    await click(doctor, `${rowOf(scan)} [data-testid="analyze"]`);
    await openTab(doctor, 'tab-toRead');
    await doctor.waitForSelector(`${rowOf(scan)} [data-testid="verify"]`);
    await inOneLanguage(doctor, language, 'the doctor’s list');
    await openDialog(doctor, scan, 'verify');
    await says(doctor, '[data-testid="history"]', new RegExp(texts[language].history));
    await inOneLanguage(doctor, language, 'the reading');
    await doctor.select(`${dialog} select`, 'Normal');
    // Notes, and where the AI sees something in a drawing of a film, why it is wrong.
    for (const field of await doctor.$$(`${dialog} form textarea`)) await field.type(texts[language].notes);
    await press(doctor, 'verify-submit');
    await gone(doctor);

    await pharmacist.bringToFront();
    await openDialog(pharmacist, scan, 'prescribe');
    await inOneLanguage(pharmacist, language, 'the prescription');
    await click(pharmacist, `${dialog} input[type="radio"]:not(:checked)`);
    await pharmacist.type(`${dialog} textarea`, texts[language].none);
    await press(pharmacist, 'prescribe-submit');
    await gone(pharmacist);

    await admin.bringToFront();
    await openDialog(admin, scan, 'approve');
    await inOneLanguage(admin, language, 'the release');
    await press(admin, 'approve-submit');
    await gone(admin);

    await patient.bringToFront();
    await click(patient, `[data-testid="scan-${scan}"] [data-testid="report-read"]`);
    await patient.waitForSelector('[data-testid="report-frame"]');
    const seconds = (performance.now() - begin) / 1000;
    await says(patient, dialog, /\S/);
    await inOneLanguage(patient, language, 'the report in the page');
    await annotate(`upload to report: ${seconds.toFixed(1)} s`);
    await patient.keyboard.press('Escape');
  },
);

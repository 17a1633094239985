import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImagingStudy } from '@medplum/fhirtypes';
import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { chestFilm } from '../../server/demo/demo-images.ts';
import { openBrowser, signInByPage, type TestBrowser } from './browser.ts';
import { caller } from './calls.ts';
import { imageFile, newUid, type Element } from './dicom-file.ts';
import { click, openDialog, openTab, overflow, press, rowOf, toast } from './page-acts.ts';
import { startTestServer, type TestServer } from './server.ts';

// Four people at their pages, on one server with the real model, and the scans that they work on. SCREENSHOTS=folder keeps pictures.
export let server: TestServer;
export let browser: TestBrowser;
export type Role = 'doctor' | 'pharmacist' | 'admin' | 'patient';
export const pages = new Map<Role, Page>();
export const faults: string[] = [];
export const dialog = '[role="dialog"]';

/** A server, a browser with four signed-in people, and what each test leaves behind: once in a test file. */
export function withFourPeople(): void {
  beforeAll(async () => {
    server = await startTestServer({ environment: { STUDY_QUIET_SECONDS: '1' } });
    browser = await openBrowser();
    for (const role of ['doctor', 'pharmacist', 'admin', 'patient'] as const) {
      const person = await browser.person();
      person.page.setDefaultTimeout(60_000);
      // A dialog that fades in has too little contrast for a moment.
      await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await signInByPage(person.page, server.url, role);
      person.page.on('pageerror', (error) => faults.push(String(error)));
      pages.set(role, person.page);
    }
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') for (const [role, page] of pages) await picture(page, `failed-${role}`);
    expect(faults.splice(0)).toEqual([]);
  });
}

/** Wide and narrow; the narrow one must not need a horizontal scroll bar. */
export async function picture(page: Page, name: string): Promise<void> {
  for (const [form, width] of [
    ['wide', 1440],
    ['narrow', 360],
  ] as const) {
    await page.setViewport({ width, height: 900 });
    if (form === 'narrow') expect.soft(await overflow(page), name).toBeLessThanOrEqual(0);
    const folder = process.env.SCREENSHOTS;
    if (!folder) continue;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}-${form}.png`) as `${string}.png` });
  }
  await page.setViewport({ width: 1280, height: 800 });
}

/** With tokens of their own moment: the whole file takes longer than one lasts. */
export const pacs = async () => caller(server, await server.backend());
export const staff = async () => caller(server, (await server.signIn('doctor')).access_token);

export async function at(role: Role, path = `/${role}`): Promise<Page> {
  const page = pages.get(role)!;
  await page.bringToFront();
  await page.goto(server.url + path);
  await page.waitForSelector('[data-testid="person"]');
  return page;
}

export const arjun = { patientId: 'DEMO-1001', patientName: 'Rao^Arjun', birthDate: '19850412', sex: 'M' as const };
export const patientOf = (more: readonly Element[] = []): Element[] => [
  ['00100021', 'LO', 'CSSS-DEMO'],
  ['00100030', 'DA', arjun.birthDate],
  ['00100040', 'CS', arjun.sex],
  ...more,
];

export interface Film {
  scan: string;
  uid: string;
  id: string;
}

export async function film(scan: string): Promise<Film> {
  const uid = newUid();
  const study = { ...arjun, studyUID: uid, accession: scan, description: 'Chest PA', studyDate: '20261120', studyTime: '101500' }; // prettier-ignore
  expect((await (await pacs()).store([await chestFilm('film-1.jpg', study)])).status).toBe(200);
  return { scan, uid, id: await studyId(uid) };
}

export async function studyId(uid: string): Promise<string> {
  return (await (await staff()).search<ImagingStudy>(`ImagingStudy?identifier=urn:dicom:uid|urn:oid:${uid}`))[0]!.id!;
}

/** A series more of the same study, as a scanner sends it late. */
export async function anotherSeries({ scan, uid }: Film, number: string): Promise<void> {
  const more: Element[] = [['00080050', 'SH', scan], ['00200011', 'IS', number], ['0008103E', 'LO', `Late series ${number}`]]; // prettier-ignore
  const image = imageFile({ study: uid, series: `${uid}.9${number}`, modality: 'DX', patientId: arjun.patientId, patientName: arjun.patientName, with: patientOf(more), rows: 64, columns: 64 }); // prettier-ignore
  expect((await (await pacs()).store([image])).status).toBe(200);
}

export async function runAi(scan: string): Promise<Page> {
  const page = await at('doctor');
  await click(page, `${rowOf(scan)} [data-testid="analyze"]`);
  await openTab(page, 'tab-toRead');
  await page.waitForSelector(`${rowOf(scan)} [data-testid="verify"]`);
  return page;
}

export async function sign(page: Page, code: string, notes: string): Promise<void> {
  await page.select(`${dialog} select`, code);
  await page.type(`${dialog} form > div:last-child textarea`, notes);
  await press(page, 'verify-submit');
}

export async function verify(scan: string): Promise<void> {
  const page = await at('doctor');
  await openTab(page, 'tab-toRead');
  await openDialog(page, scan, 'verify');
  await sign(page, 'Normal', 'Heart and lungs are normal.');
  await toast(page, /verified/);
}

export async function prescribeNothing(scan: string): Promise<void> {
  const page = await at('pharmacist');
  await openDialog(page, scan, 'prescribe');
  await click(page, `${dialog} input[type="radio"]:not(:checked)`);
  await page.type(`${dialog} textarea`, 'No medication.');
  await press(page, 'prescribe-submit');
  await toast(page, /waits for release/);
}

export async function release(scan: string): Promise<Page> {
  const page = await at('admin');
  await openDialog(page, scan, 'approve');
  await press(page, 'approve-submit');
  await toast(page, /is released/);
  return page;
}

export const gone = (page: Page) => page.waitForFunction(() => !document.querySelector('[role="dialog"]'));
export const wordsOf = (page: Page, selector: string) => page.$eval(selector, (found) => found.textContent ?? '');

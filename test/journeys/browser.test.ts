import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImagingStudy } from '@medplum/fhirtypes';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { caller, eventually } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// Journey 3 and the four work lists, in a real browser on the built application. SCREENSHOTS=folder keeps pictures.
let server: TestServer;
let browser: TestBrowser;
beforeAll(async () => {
  server = await startTestServer({ demoData: true });
  browser = await openBrowser();
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  await eventually(async () => (await doctor.search('Observation')).length > 0, 'the analysis of the demo study');
}, 240_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
});

async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) as `${string}.png` });
}

const text = (page: Page) => page.evaluate(() => document.body.innerText);

test('the landing page opens without a token and says only what is true', async () => {
  const { page, faults } = await browser.person();
  await page.goto(server.url, { waitUntil: 'networkidle2' });
  await picture(page, 'landing');
  expect(await text(page)).not.toMatch(/99\.\d ?%|HIPAA (aligned|compliant)/i);
  expect(faults).toEqual([]);
});

for (const role of ['doctor', 'pharmacist', 'admin', 'patient'] as const) {
  test(`the ${role} signs in and sees the work list of the role`, async () => {
    const { page, faults } = await browser.person();
    await signInByPage(page, server.url, role);
    await page.waitForNetworkIdle({ idleTime: 800 }).catch(() => undefined);
    await picture(page, role);
    expect(faults).toEqual([]);
    if (role === 'doctor') {
      // A CT of a head is nothing for the AI: it waits for the doctor at once.
      await (await page.waitForSelector('[data-testid="tab-toRead"]'))!.click();
      await page.waitForFunction(() => /Okafor/.test(document.body.innerText));
    }
    if (role === 'patient') expect(await text(page)).not.toMatch(/Okafor/);
  });
}

test('a study opens in the viewer, draws, scrolls, and sends the token with every image request', async () => {
  const { page, faults } = await browser.person();
  await signInByPage(page, server.url, 'doctor');
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  const [phantom] = await doctor.search<ImagingStudy>('ImagingStudy?modality=CT');
  const naked: string[] = [];
  let frames = 0;
  page.on('request', (request) => {
    if (!request.url().includes('/dicomweb/')) return;
    if (request.url().includes('/frames/')) frames++;
    if (!request.headers().authorization?.startsWith('Bearer ')) naked.push(new URL(request.url()).pathname);
  });
  await page.goto(`${server.url}/study/${phantom!.id}`, { waitUntil: 'networkidle2' });
  await page.waitForSelector('[data-testid="viewport"] canvas');
  const drawn = () =>
    page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('[data-testid="viewport"] canvas');
      const context = canvas?.getContext('2d');
      if (!canvas || !context) return '';
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let sum = 0;
      const seen = new Set<number>();
      for (let i = 0; i < data.length; i += 64) {
        sum = (sum * 31 + data[i]!) % 1_000_000_007;
        seen.add(data[i]!);
      }
      return seen.size > 5 ? String(sum) : '';
    });
  const first = await eventually(async () => (await drawn()) || undefined, 'a drawn image', 40);
  await picture(page, 'study');
  const viewport = (await page.$('[data-testid="viewport"]'))!;
  const box = (await viewport.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel({ deltaY: 400 });
  await eventually(async () => (await drawn()) !== first || undefined, 'another slice', 20);
  expect(frames).toBeGreaterThan(0);
  expect(naked).toEqual([]);
  expect(faults).toEqual([]);
});

test('an address that is not a page, and a page of another role, say so', async () => {
  const { page } = await browser.person();
  await signInByPage(page, server.url, 'pharmacist');
  await page.goto(`${server.url}/doctor`, { waitUntil: 'networkidle2' });
  expect(new URL(page.url()).pathname).toBe('/forbidden');
  await page.goto(`${server.url}/no-such-page`, { waitUntil: 'networkidle2' });
  expect(await text(page)).toMatch(/not found|no page|nothing/i);
});

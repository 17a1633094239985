import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'puppeteer';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { caller, eventually } from '../harness/calls.ts';
import { barriers, click, openDialog, openTab, overflow, press, rowOf, toast } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The pages as people use them: a whole review by four hands, what a session may go through, and who can use them.
let server: TestServer;
let browser: TestBrowser;
const faults: string[] = [];
const opened: Page[] = [];
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
afterEach(async () => {
  faults.splice(0);
  await Promise.all(opened.splice(0).map((page) => page.browserContext().close()));
});

async function signedIn(role: 'doctor' | 'pharmacist' | 'admin' | 'patient'): Promise<Page> {
  const person = await browser.person();
  opened.push(person.page);
  // A dialog that fades in has too little contrast for a moment.
  await person.page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(person.page, server.url, role);
  await person.page.waitForSelector('[data-testid="person"]');
  faults.push(...person.faults);
  person.page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  return person.page;
}

describe('a review by four hands', () => {
  let scan = '';

  test('the doctor starts the AI, may not verify without notes and a conclusion, then verifies', async () => {
    const page = await signedIn('doctor');
    const first = await page.waitForSelector('tr[data-review="PENDING_AI"]');
    scan = (await first!.evaluate((row) => row.getAttribute('data-testid')))!.replace('scan-', '');
    await click(page, `${rowOf(scan)} [data-testid="analyze"]`);
    await openTab(page, 'tab-toRead');
    await openDialog(page, scan, 'verify');
    expect(await barriers(page)).toEqual([]);
    await press(page, 'verify-submit');
    expect(await page.$$eval('[aria-invalid="true"]', (fields) => fields.length)).toBeGreaterThan(0);
    await page.type('[role="dialog"] textarea', 'No focal consolidation.\nHeart size normal.');
    await page.select('[role="dialog"] select', 'Normal');
    // Asked where the AI suggests something else than the doctor concludes.
    const why = await page.$('[role="dialog"] [data-testid="disagreement"] textarea');
    await why?.type('The shadow is a fold of the skin.');
    await press(page, 'verify-submit');
    await toast(page, /verified/);
    expect(faults).toEqual([]);
  });

  test('the pharmacist is asked before a template replaces typed text, then completes', async () => {
    const page = await signedIn('pharmacist');
    await openDialog(page, scan, 'prescribe');
    await press(page, 'template-amoxicillin');
    await page.type('[role="dialog"] textarea', ' With care.');
    await press(page, 'template-cetirizine');
    expect(await page.$eval('[role="dialog"] textarea', (area) => (area as HTMLTextAreaElement).value)).toMatch(
      /With care/,
    );
    expect(await barriers(page)).toEqual([]);
    await press(page, 'template-replace');
    await press(page, 'prescribe-submit');
    await toast(page, /complete/);
    expect(faults).toEqual([]);
  });

  test('the admin releases, and is offered the PDF when it is there', async () => {
    const page = await signedIn('admin');
    await openDialog(page, scan, 'approve');
    expect(await page.$eval('[role="dialog"] [data-testid="summary"]', (summary) => summary.textContent)).toMatch(
      /No focal consolidation[\s\S]*Cetirizine/,
    );
    expect(await barriers(page)).toEqual([]);
    await press(page, 'approve-submit');
    await toast(page, /is released/);
    await page.goto(`${server.url}/demo/mailbox`, { waitUntil: 'networkidle2' });
    await page.waitForSelector('[data-testid="mails"]');
    expect(await barriers(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});

describe('every page', () => {
  for (const role of ['doctor', 'pharmacist', 'admin', 'patient'] as const) {
    test(`of the ${role} has no serious barrier and fits 360 pixels`, async () => {
      const page = await signedIn(role);
      await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
      expect(await barriers(page)).toEqual([]);
      await page.setViewport({ width: 360, height: 780 });
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      await page.setViewport({ width: 1280, height: 800 });
      if (await page.$('[data-testid="scans"] a[href^="/study/"]')) {
        await click(page, '[data-testid="scans"] a[href^="/study/"]');
        await page.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
        await page.waitForSelector(`[data-testid="${role === 'patient' ? 'patient-panel' : 'ai-panel'}"]`);
        expect(await barriers(page)).toEqual([]);
        await page.setViewport({ width: 360, height: 780 });
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      }
      expect(faults).toEqual([]);
    });
  }

  test.each(['/', '/no-such-page'])('that is public has none either: %s', async (path) => {
    const { page } = await browser.person();
    opened.push(page);
    await page.goto(server.url + path, { waitUntil: 'networkidle2' });
    expect(await barriers(page)).toEqual([]);
    await page.setViewport({ width: 360, height: 780 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });
});

test('the viewport scrolls, zooms, inverts and resets by keyboard', async () => {
  const page = await signedIn('doctor');
  await openTab(page, 'tab-all');
  await page.waitForSelector(rowOf('DEMO-ACC-3'));
  await click(page, `${rowOf('DEMO-ACC-3')} a[href^="/study/"]`);
  await page.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
  const read = (id: string) => page.$eval(`[data-testid="${id}"]`, (shown) => shown.textContent?.trim());
  const until = (id: string, value: string) =>
    page.waitForFunction(
      (testId: string, wanted: string) =>
        document.querySelector(`[data-testid="${testId}"]`)?.textContent?.trim() === wanted,
      {},
      id,
      value,
    );
  await page.focus('[role="application"]');
  await page.keyboard.press('Home');
  const count = (await read('position'))!.split(' / ')[1]!;
  await until('position', `1 / ${count}`);
  await page.keyboard.press('ArrowDown');
  await until('position', `2 / ${count}`);
  const window = await read('window');
  await page.keyboard.press('+');
  await until('zoom', '125%');
  await page.keyboard.press('i');
  await page.waitForSelector('[data-testid="invert"][aria-pressed="true"]');
  await page.keyboard.press('r');
  await until('zoom', '100%');
  await page.waitForSelector('[data-testid="invert"][aria-pressed="false"]');
  expect(await read('window')).toBe(window);
  expect(faults).toEqual([]);
});

test('the DICOM header of the shown image opens by keyboard, narrows, closes with Escape and tells a failure', async () => {
  const page = await signedIn('doctor');
  await openTab(page, 'tab-all');
  await click(page, `${rowOf('DEMO-ACC-3')} a[href^="/study/"]`);
  await page.waitForSelector('[data-testid="viewport"][data-image="drawn"]');
  const rows = () =>
    page.$$eval('[data-testid="header-rows"] tbody tr', (found) => found.map(({ textContent }) => textContent));
  const picture = async (name: string, width: number) => {
    if (!process.env.SCREENSHOTS) return;
    await page.setViewport({ width, height: 800 });
    await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}.png` });
    await page.setViewport({ width: 1280, height: 800 });
  };
  await page.focus('[data-testid="file-header"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid="header-rows"]');
  const all = await rows();
  expect(all.find((row) => row?.includes('(0002,0010)'))).toMatch(/TransferSyntaxUID.*1\.2\.840\.10008\.1\.2/);
  expect(all.find((row) => row?.includes('(0010,0010)'))).toMatch(/PatientName.*\^/);
  expect(await barriers(page)).toEqual([]);
  await picture('header-wide', 1280);
  await picture('header-narrow', 390);
  await page.type('[role="dialog"] input', '00020010');
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="header-rows"] tbody tr').length === 1);
  expect((await rows())[0]).toMatch(/TransferSyntaxUID/);
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !document.querySelector('[role="dialog"]'));
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'file-header');
  expect(faults).toEqual([]);

  await page.setRequestInterception(true);
  let answer = { body: 'no parts', contentType: 'multipart/related; boundary=x', headers: {} };
  page.on('request', (request) => {
    if (/\/instances\/[\d.]+$/.test(request.url())) void request.respond({ status: 200, ...answer });
    else void request.continue();
  });
  for (const [body, sentence] of [
    ['no parts', /went wrong/],
    ['--x\r\n\r\nnot DICOM\r\n--x--', /damaged or is not DICOM/],
  ] as const) {
    answer = { ...answer, body };
    await page.keyboard.press('Enter');
    const told = await page.waitForSelector('[role="dialog"] [data-testid="refusal"]');
    expect(await told!.evaluate((note) => note.textContent)).toMatch(sentence);
    await page.keyboard.press('Escape');
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'file-header');
  }
});

test('a sign-in that cannot begin is told, on a page that is open and on one that could not be opened', async () => {
  const { page } = await browser.person();
  opened.push(page);
  await page.setBypassServiceWorker(true); // what passes it is not intercepted
  await page.setRequestInterception(true);
  page.on('request', (request) => {
    const answered = request.url().includes('openid-configuration') ? request.abort() : request.continue();
    answered.catch(() => undefined); // the page went on to another one meanwhile
  });
  await page.goto(server.url);
  await press(page, 'sign-in');
  await toast(page, /cannot be reached/);
  await page.goto(`${server.url}/doctor`);
  await toast(page, /cannot be reached/);
});

describe('a session', () => {
  /** Changes the stored tokens, as time or the server would. */
  const change = (page: Page, values: Record<string, unknown>) =>
    page.evaluate((changes) => {
      const key = Object.keys(sessionStorage).find((name) => name.includes('user:'))!;
      sessionStorage.setItem(
        key,
        JSON.stringify({ ...(JSON.parse(sessionStorage.getItem(key)!) as object), ...changes }),
      );
    }, values);
  const access = (page: Page) =>
    page.evaluate(() => {
      const key = Object.keys(sessionStorage).find((name) => name.includes('user:'))!;
      return (JSON.parse(sessionStorage.getItem(key)!) as { access_token: string }).access_token;
    });

  test('is renewed once when several requests are refused at the same time', async () => {
    const page = await signedIn('doctor');
    await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
    await page.waitForNetworkIdle({ idleTime: 1_000 }); // small pictures too: the next requests are the lists', all at once
    let renewals = 0;
    let refusals = 0;
    page.on('response', (response) => {
      if (response.status() === 401) refusals += 1;
      if (response.url().endsWith('/oidc/token')) renewals += 1;
    });
    const spoilt = `${(await access(page)).slice(0, -8)}AAAAAAAA`;
    await change(page, { access_token: spoilt });
    // A page that is opened asks for all its lists at once; one that is open asks when its turn comes.
    await Promise.all([
      page.waitForResponse((response) => response.url().endsWith('/oidc/token')),
      page.waitForResponse((response) => response.url().includes('/portal/work?') && response.ok()),
      page.reload(),
    ]);
    await sleep(1_000);
    expect([renewals, refusals > 1, (await access(page)) !== spoilt]).toEqual([1, true, true]);
    expect(await page.$('[role="dialog"]')).toBeNull();
  });

  test('that cannot be renewed says so, keeps the page, and comes back to it', async () => {
    const page = await signedIn('doctor');
    await page.waitForSelector('[data-testid="scans"], [data-testid="empty"]');
    await change(page, { access_token: `${(await access(page)).slice(0, -8)}AAAAAAAA`, refresh_token: 'not-one' });
    await page.reload();
    const dialog = await page.waitForSelector('[role="dialog"]');
    expect(await dialog!.evaluate((shown) => shown.textContent)).toMatch(/session has ended/);
    await click(page, '[role="dialog"] footer button');
    await page.waitForFunction(
      () => location.pathname === '/doctor' && document.querySelector('[role="dialog"]') === null,
    );
  });

  test('that is ended by its person leaves nothing behind and names nobody in an address', async () => {
    const page = await signedIn('patient');
    const addresses: string[] = [];
    page.on('request', (request) => void addresses.push(request.url()));
    await openTab(page, 'person');
    await press(page, 'sign-out');
    await page.waitForFunction(() => location.pathname === '/oidc/session/end');
    expect(addresses.filter((address) => address.includes('id_token'))).toEqual([]);
    await page.waitForSelector('button[name="logout"]');
    await Promise.all([page.waitForNavigation(), page.click('button[name="logout"]')]);
    await page.waitForFunction(() => location.pathname === '/');
    const left = await page.evaluate(() => ({
      session: Object.keys(sessionStorage).filter((name) => name.startsWith('csss.')),
      local: Object.keys(localStorage),
    }));
    expect(left).toEqual({ session: [], local: [] });
    await page.goto(`${server.url}/patient`);
    await page.waitForSelector('input[type="password"]');
  });
});

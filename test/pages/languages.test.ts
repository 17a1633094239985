import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { demoPeople } from '../../server/demo/people.ts';
import { caller } from '../harness/calls.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { barriers, overflow, point } from '../harness/page-acts.ts';
import { englishOn } from '../harness/page-words.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  server = await startTestServer({ demoData: true, workers: false, environment: { REGISTRATION: 'open' } });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

const pages: Record<string, string[]> = {
  patient: ['/patient', '/account', '/account?tab=password', '/account?tab=factors', '/account?tab=devices', '/account?tab=apps', '/account?tab=accesses', '/study/ID'],
  doctor: ['/doctor', '/studies', '/registrations', '/record/PID', '/study/ID', '/forbidden', '/nowhere'],
  pharmacist: ['/pharmacist'],
  admin: ['/admin', '/users', '/clients', '/clients/new', '/clients/csss-viewer', '/models', '/setup', '/audit', '/deliveries', '/demo/mailbox'],
};

test('explore', async () => {
  const tokens = await server.signIn('doctor');
  const { json } = caller(server, tokens.access_token);
  const studies = await json<{ entry: { resource: { id: string; subject: { reference: string } } }[] }>('/fhir/ImagingStudy');
  const study = studies.entry[0]!.resource;
  const all = new Map<string, Set<string>>();
  for (const [role, paths] of Object.entries(pages)) {
    const { page } = await browser.person();
    const t0 = performance.now();
    await signInByPage(page, server.url, role);
    console.log(role, 'sign-in', Math.round(performance.now() - t0));
    for (const raw of paths) {
      const path = raw.replace('PID', study.subject.reference.split('/')[1]!).replace('ID', study.id);
      for (const language of ['ta', 'hi']) {
        const t1 = performance.now();
        await page.setCookie({ name: 'csss-language', value: language, url: server.url });
        await page.goto(server.url + path, { waitUntil: 'networkidle2' });
        const t2 = performance.now();
        for (const text of await englishOn(page)) (all.get(text) ?? all.set(text, new Set()).get(text)!).add(`${raw} ${language}`);
        const t3 = performance.now();
        const b = language === 'ta' ? await barriers(page) : [];
        if (b.length) console.log('AXE', raw, b);
        await page.setViewport({ width: 360, height: 780 });
        const o = await overflow(page);
        if (o > 0) console.log('OVERFLOW', raw, language, o);
        if (process.env.CSSS_SCREENSHOTS) await page.screenshot({ path: `${process.env.CSSS_SCREENSHOTS}/${raw.replace(/\W+/g, '-')}-${language}-360.png` as never, fullPage: true });
        await page.setViewport({ width: 1280, height: 800 });
        if (process.env.CSSS_SCREENSHOTS) await page.screenshot({ path: `${process.env.CSSS_SCREENSHOTS}/${raw.replace(/\W+/g, '-')}-${language}-1280.png` as never, fullPage: true });
        console.log(raw, language, Math.round(t2 - t1), Math.round(t3 - t2), Math.round(performance.now() - t3));
      }
    }
    await page.close();
  }
  for (const [text, where] of all) console.log('EN', JSON.stringify(text), [...where].join(', '));
  expect(demoPeople.length).toBe(4);
  void point;
});

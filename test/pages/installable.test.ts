import type { Context } from 'koa';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { tell } from '../../server/core/notices/tell.ts';
import type { NewNotice } from '../../server/core/notices/notice-store.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { click, looksRight, openTab, press, says } from '../harness/page-acts.ts';
import { startPushService, type PushService } from '../harness/push-service.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

// What the browser keeps: the shell, and nothing of anybody.
let server: TestServer;
let browser: TestBrowser;
let page: Page;
let service: PushService;
const faults: string[] = [];

beforeAll(async () => {
  server = await startTestServer({ demoData: true });
  service = await startPushService();
  browser = await openBrowser();
  ({ page } = await browser.person());
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await standInForPushService(page);
  await signInByPage(page, server.url, 'doctor');
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
});
afterAll(async () => {
  await browser.close();
  await service.close();
  await server.stop();
  expect(faults).toEqual([]);
});

/** The maker's own service cannot be reached from here: the browser subscribes at ours. */
async function standInForPushService(where: Page): Promise<void> {
  await where.browserContext().overridePermissions(server.url, ['notifications']);
  await where.evaluateOnNewDocument((given: string) => {
    const { endpoint, keys } = JSON.parse(given) as PushService['subscription'];
    const key = 'test.push';
    const bytes = (text: string) =>
      Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
    const subscription = (applicationServerKey: string) => ({
      endpoint,
      options: { applicationServerKey: bytes(applicationServerKey).buffer },
      toJSON: () => ({ endpoint, expirationTime: null, keys }),
      unsubscribe: async () => (sessionStorage.removeItem(key), true),
    });
    Object.assign(PushManager.prototype, {
      async subscribe({ applicationServerKey }: { applicationServerKey: string }) {
        sessionStorage.setItem(key, applicationServerKey);
        return subscription(applicationServerKey);
      },
      getSubscription: async () => {
        const made = sessionStorage.getItem(key);
        return made === null ? null : subscription(made);
      },
    });
  }, JSON.stringify(service.subscription));
}

const happens = (notice: Omit<NewNotice, 'causedBy'>) =>
  inOneTransaction(server.system.world, { principal: systemPrincipal('test') }, (context) => tell(context, notice));

const cached = () =>
  page.evaluate(async () => {
    const found: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) found.push(`${name} ${new URL(url).pathname}`);
    return found;
  });

test('the application can be installed: manifest, icons of their sizes, a worker that browsers ask for anew', async () => {
  const link = await page.$eval('link[rel="manifest"]', (found) => (found as HTMLLinkElement).href);
  const answer = await fetch(link);
  expect(answer.headers.get('Content-Type')).toMatch(/^application\/manifest\+json/);
  const manifest = (await answer.json()) as { icons: { src: string; sizes: string; purpose: string }[]; start_url: string; display: string };
  expect(manifest).toMatchObject({ display: 'standalone', start_url: '/work' });
  expect(new Set(manifest.icons.map(({ purpose }) => purpose))).toEqual(new Set(['any', 'maskable']));
  for (const { src, sizes } of manifest.icons) {
    const bytes = Buffer.from(await (await fetch(server.url + src)).arrayBuffer());
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(sizes);
  }
  const worker = await fetch(`${server.url}/sw.js`);
  expect([worker.status, worker.headers.get('Cache-Control')]).toEqual([200, 'no-cache']);
  expect(worker.headers.get('Content-Security-Policy')).toContain("worker-src 'self'");
  expect(await worker.text()).not.toContain('__SHELL__');
}); // prettier-ignore

test('after a whole journey the caches hold files of the shell only, and the storages no word of a patient', async () => {
  for (const path of ['/doctor', '/account', '/registrations']) {
    await page.goto(server.url + path);
    await page.waitForSelector('h1');
  }
  await page.goto(`${server.url}/doctor`);
  await page.waitForSelector('[data-testid^="scan-"] a[href^="/study/"]');
  await page.$eval('[data-testid^="scan-"] a[href^="/study/"]', (link) => (link as HTMLElement).click());
  await page.waitForFunction(() => location.pathname.startsWith('/study/') && document.querySelector('canvas') !== null);
  const files = await cached();
  expect(files.length).toBeGreaterThan(8);
  const shell = /^csss-shell-[0-9a-f]{16} \/(assets\/[\w.-]+\.(js|css|woff2)|icons\/[\w-]+\.(png|svg)|offline\.(html|css|js)|favicon\.svg|theme\.js|manifest\.webmanifest)$/;
  expect(files.filter((file) => !shell.test(file))).toEqual([]);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept).not.toMatch(/Rao|Menon|Arjun|DEMO-1|"resourceType"/);
  const databases = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  expect(databases).toEqual([]);
}); // prettier-ignore

/** The page and its worker have a connection each. */
async function offline(): Promise<() => Promise<void>> {
  const worker = page.browser().targets().find((target) => target.type() === 'service_worker')!;
  const devtools = await worker.createCDPSession();
  const be = (isOffline: boolean) =>
    devtools.send('Network.emulateNetworkConditions', { offline: isOffline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await devtools.send('Network.enable');
  await be(true);
  await page.setOfflineMode(true);
  return async () => {
    await be(false);
    await devtools.detach();
    await page.setOfflineMode(false);
  };
} // prettier-ignore

test('without a connection there is a page that says so, in the language of the browser, and goes on by itself', async () => {
  await page.goto(`${server.url}/doctor`);
  await page.waitForSelector('[data-testid="person"]');
  const online = await offline();
  await page.reload();
  await says(page, 'h1', /No connection/);
  await looksRight(page, 'offline');
  expect(await page.evaluate(() => document.body.innerText)).not.toMatch(/Rao|Menon/);
  await online();
  await page.waitForSelector('[data-testid="person"]');
});

test('the bell says how much is new at once, its list is reached by the keyboard, and what was seen is not new any more', async () => {
  await page.waitForSelector('[data-testid="bell"][data-unseen]');
  const before = Number(await page.$eval('[data-testid="bell"]', (bell) => bell.getAttribute('data-unseen')));
  await happens({ kind: 'urgent-finding', to: { role: 'doctor' } });
  await page.waitForFunction((count: number) => Number(document.querySelector('[data-testid="bell"]')!.getAttribute('data-unseen')) === Math.min(count + 1, 99), {}, before);
  await page.focus('[data-testid="bell"]');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-testid="notices"]');
  await says(page, '[data-testid="notice-urgent-finding"]', /New:.*urgent finding/);
  await looksRight(page, 'notices');
  expect(await page.evaluate(() => document.activeElement?.closest('[role="dialog"]') !== null)).toBe(true);
  await page.waitForFunction(() => document.querySelector('[data-testid="bell"]')!.getAttribute('data-unseen') === '0');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'bell');
}); // prettier-ignore

test('a browser that wants it is told, by a message that says nothing, until its person signs out', async () => {
  await press(page, 'bell');
  await page.waitForSelector('[data-testid="push-switch"] [role="switch"]');
  await click(page, '[data-testid="push-switch"] [role="switch"]');
  await page.waitForSelector('[data-testid="push-switch"] [data-state="checked"]');
  await happens({ kind: 'to-verify', to: { role: 'doctor' } });
  await vi.waitFor(() => expect(service.taken.length).toBe(1), { timeout: 30_000 });
  // The browser gives it to the worker, which shows it.
  const devtools = await page.createCDPSession();
  await devtools.send('ServiceWorker.enable');
  const registration = new Promise<string>((done) =>
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => registrations[0] && done(registrations[0].registrationId)),
  );
  await devtools.send('ServiceWorker.disable');
  await devtools.send('ServiceWorker.enable');
  const registrationId = await registration;
  const shown = await vi.waitFor(
    async () => {
      // A worker that was just stopped takes the next one.
      await devtools.send('ServiceWorker.deliverPushMessage', { origin: server.url, registrationId, data: service.taken[0]!.text });
      await new Promise((done) => setTimeout(done, 2_000));
      const found = await page.evaluate(async () =>
        (await (await navigator.serviceWorker.ready).getNotifications()).map(({ title, body }) => `${title}: ${body}`),
      );
      expect(found).not.toEqual([]);
      return found;
    },
    { timeout: 40_000 },
  );
  expect(shown).toEqual(['CSSS: There is news in CSSS.']);
}); // prettier-ignore

test('signing out ends the messages, closes what was shown and empties the caches of all but the shell', async () => {
  await page.evaluate(async () => {
    const cache = await caches.open('left-by-somebody');
    await cache.put('/fhir/Patient/1', new Response('{"resourceType":"Patient"}'));
  });
  await page.keyboard.press('Escape');
  await (await page.waitForSelector('[data-testid="person"]'))!.click();
  await press(page, 'sign-out');
  await page.waitForSelector('button[name="logout"]');
  expect((await server.system.sql.query(`select from push_subscription`)).length).toBe(0);
  await page.click('button[name="logout"]');
  await page.waitForSelector('[data-testid="sign-in"]');
  await page.waitForFunction(async () => {
    const names = await caches.keys();
    return names.length === 1 && names[0]!.startsWith('csss-shell-');
  });
  expect((await cached()).filter((file) => /fhir|portal|dicomweb/.test(file))).toEqual([]);
  const left = await page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).length);
  expect(left).toBe(0);
});

test('a new build waits until the person takes it', async () => {
  await signInByPage(page, server.url, 'doctor');
  // As this server would give it after the next release.
  const next = (await (await fetch(`${server.url}/sw.js`)).text()).replace(
    /const version = "[0-9a-f]+"/,
    'const version = "0123456789abcdef"',
  );
  const { app } = server.system;
  type Handle = (ctx: Context, answer: (ctx: Context) => Promise<unknown>) => Promise<void>;
  const handle = (Reflect.get(app, 'handleRequest') as Handle).bind(app);
  const withNext: Handle = (ctx, answer) =>
    handle(
      ctx,
      ctx.path === '/sw.js' ? async () => Object.assign(ctx, { type: 'text/javascript', body: next }) : answer,
    );
  Object.assign(app, { handleRequest: withNext });
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await says(page, '[data-testid="toast-notice"]', /new version/);
  await Promise.all([
    page.waitForNavigation(),
    page.$$eval('[data-testid="toast-notice"] button', ([load]) => (load as HTMLElement).click()),
  ]);
  await page.waitForSelector('[data-testid="person"]');
  await page.waitForFunction(async () => (await caches.keys()).join() === 'csss-shell-0123456789abcdef');
});

test('what is typed a moment before the page is left is kept as well', async () => {
  const field = '[role="dialog"] form > div:last-child textarea';
  const drafts = async () => (await server.system.sql.query(`select from draft`)).length;
  const open = async () => {
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    await openTab(page, 'tab-toRead');
    await page.waitForSelector('[data-testid="verify"]');
    await page.$$eval('[data-testid="verify"]', ([first]) => (first as HTMLElement).click());
    await page.waitForSelector(field);
  };
  await page.goto(`${server.url}/doctor`);
  await open();
  expect(await drafts()).toBe(0);
  // What is lost with the page is lost often, not always.
  for (const [typed, all] of [
    ['Half', 'Half'],
    [' a', 'Half a'],
    [' reading', 'Half a reading'],
    ['.', 'Half a reading.'],
  ] as const) {
    await page.type(field, typed);
    await page.reload({ waitUntil: 'networkidle2' });
    await open();
    await page.waitForFunction(
      (where: string, text: string) => (document.querySelector(where) as HTMLTextAreaElement | null)?.value === text,
      { timeout: 5_000 },
      field,
      all,
    );
  }
  await press(page, 'draft-discard');
  await vi.waitFor(async () => expect(await drafts()).toBe(0), { timeout: 30_000 });
});

test('what was typed into a dialog is there again after a reload, and not any more when it was thrown away', async () => {
  const dialog = '[role="dialog"]';
  const field = `${dialog} form > div:last-child textarea`;
  const open = async () => {
    await page.goto(`${server.url}/doctor`);
    await openTab(page, 'tab-toRead');
    await page.waitForSelector('[data-testid="verify"]');
    await page.$$eval('[data-testid="verify"]', ([first]) => (first as HTMLElement).click());
    await page.waitForSelector(field);
  };
  await open();
  await page.type(field, 'Small effusion on the left.');
  await vi.waitFor(async () => expect((await server.system.sql.query(`select from draft`)).length).toBe(1), {
    timeout: 30_000,
  });
  await open(); // a page load
  await page.waitForFunction(
    (where: string) =>
      (document.querySelector(where) as HTMLTextAreaElement | null)?.value === 'Small effusion on the left.',
    {},
    field,
  );
  await says(page, '[data-testid="draft-note"]', /You typed this before/);
  await looksRight(page, 'draft');
  await press(page, 'draft-discard');
  await page.waitForFunction(
    (where: string) => (document.querySelector(where) as HTMLTextAreaElement).value === '',
    {},
    field,
  );
  await vi.waitFor(async () => expect((await server.system.sql.query(`select from draft`)).length).toBe(0), {
    timeout: 30_000,
  });
});

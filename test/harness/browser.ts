import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer';
import { demoPassword } from '../../server/demo/people.ts';
import { browsers } from '../../server/infrastructure/pdf/find-browser.ts';

export interface TestBrowser {
  /** A page with cookies of its own that collects what went wrong in it. */
  person(): Promise<{ page: Page; faults: string[] }>;
  close(): Promise<void>;
}

/** The only certificate outside the browser's own list that it takes, by its key. */
function trusting(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`;
}

/**
 * The same browser that prints reports: CHROMIUM_PATH, puppeteer's own, the system's, or the one from npm.
 *
 * @param trusted PEM of a certificate that counts as good, as in a hospital with an authority of its own.
 */
export async function openBrowser(trusted?: string): Promise<TestBrowser> {
  const folder = await mkdtemp(join(tmpdir(), 'csss-browser-'));
  const given = process.env.CHROMIUM_PATH;
  let browser: Browser | undefined;
  for await (const found of browsers({ cacheFolder: folder, ...(given ? { chromiumPath: given } : {}) })) {
    browser = await puppeteer
      .launch({
        executablePath: found.executable,
        headless: true,
        args: [
          '--no-sandbox',
          '--disable-quic',
          '--no-first-run',
          '--disable-background-networking',
          '--disable-component-update',
          '--disable-sync',
          ...(trusted === undefined ? [] : [trusting(trusted)]),
          ...(found.args ?? []),
        ],
        env: { ...process.env, ...(found.libraries ? { LD_LIBRARY_PATH: found.libraries } : {}) },
      })
      .catch(() => undefined);
    if (browser) break;
  }
  if (!browser) throw new Error('No browser was found; set CHROMIUM_PATH.');
  const opened = browser;
  return {
    async person() {
      const context = await opened.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport({ width: 1280, height: 800 });
      page.setDefaultTimeout(30_000);
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(`${message.text()} ${message.location().url ?? ''}`.trim());
      });
      return { page, faults };
    },
    async close() {
      await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Signs in on the real pages, from the landing page to the work list of the role. */
export async function signInByPage(page: Page, url: string, role: string): Promise<void> {
  await page.goto(url, { waitUntil: 'networkidle2' });
  await page.click('[data-testid="sign-in"]');
  await page.waitForSelector('input[type="password"]');
  await page.type('input[type="email"], input[name="email"]', `${role}@demo.csss.example`);
  await page.type('input[type="password"]', demoPassword);
  await Promise.all([page.waitForNavigation(), page.click('button[type="submit"]')]);
  await page.waitForFunction((path: string) => location.pathname === path, {}, `/${role}`);
}

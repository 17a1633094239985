import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { postgresAnalyses } from '../../server/infrastructure/postgres/models/analyses.ts';
import type { AnalysisRow } from '../../server/core/analysis/analysis-log.ts';
import type { Answer } from '../../server/core/analysis/analysis-log.ts';
import { openBrowser, signInByPage, type TestBrowser } from '../harness/browser.ts';
import { alteredCopy, makeModel, type MadeModel, shippedVersion } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { SHIPPED } from '../models/shipped.ts';

// Models start and a browser draws on a machine that may be busy: waiting long is no failure.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

// The page of the registry as an administrator uses it.
let folder: string;
let server: TestServer;
let browser: TestBrowser;
let page: Page;
let fit: MadeModel;
const faults: string[] = [];
const shipped = SHIPPED.manifest().model.sha256;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-models-page-'));
  fit = await makeModel(folder, { version: '2.0.0', temperature: 3 });
  await makeModel(folder, { version: '3.0.0', temperature: 1.5, evaluation: 'worse' });
  await alteredCopy(fit.folder, join(folder, 'damaged-copy'), 'model.onnx', (bytes) => bytes.subarray(0, 100));
  server = await startTestServer({ environment: { MODELS_DIR: folder }, workers: false });
  await pastAnalyses();
  browser = await openBrowser();
  const person = await browser.person();
  page = person.page;
  page.setDefaultTimeout(120_000);
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await signInByPage(page, server.url, 'admin');
  faults.push(...person.faults);
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
}, 240_000);
afterAll(async () => {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Ten weeks of two scanners; in the last three one of them sends what the model was not made for. */
async function pastAnalyses(): Promise<void> {
  const log = postgresAnalyses(server.system.sql);
  const answers: Answer[] = [
    'Normal',
    'Normal',
    'Normal',
    'COVID',
    'Lung_Opacity',
    'Viral_Pneumonia',
    'Uncertain',
    'Normal',
  ];
  for (let week = 38; week < 48; week++) {
    for (let n = 0; n < 8; n++) {
      const strange = week > 44 && n % 2 === 1;
      const answer = strange && n > 2 ? 'Unsupported' : answers[n]!;
      const best: AnalysisRow['best'] = answer === 'Uncertain' || answer === 'Unsupported' ? 'COVID' : answer;
      const row = {
        task: `task-${week}-${n}`, digest: shipped, at: new Date(Date.UTC(2026, 8, 14 + 7 * (week - 38))), week: `2026-W${week}`,
        scanner: n % 2 ? 'ACME DX-9' : 'Example XR 200', modality: 'DX', answer, best, probability: 0.7 + n / 40,
        probabilities: [0.1, 0.1, 0.1, 0.5, 0.1, 0.1], distance: [strange ? 12 : 7 + n / 4, 9 + n / 5], finding: `finding-${week}-${n}`,
      } satisfies AnalysisRow; // prettier-ignore
      await log.append(row);
      await log.appendShadow({
        ...row,
        digest: fit.digest,
        answer: n === 3 ? 'Normal' : row.answer,
        probabilities: [0.2, 0.1, 0.1, 0.4, 0.1, 0.1],
      });
      if (n < 4)
        await log.heard(
          row.finding,
          n === 3 && week > 44 ? { verdict: 'disagree', reading: 'Normal' } : { verdict: 'agree' },
        );
    }
  }
  // One week has as many images as an index of shift needs.
  for (let n = 0; n < 52; n++)
    await log.append({
      task: `busy-${n}`, digest: shipped, at: new Date(Date.UTC(2026, 9, 20)), week: '2026-W43', scanner: 'Example XR 200', modality: 'DX',
      answer: 'Normal', best: 'Normal', probability: 0.9, probabilities: [0, 0, 0, 1, 0, 0], distance: [7, 9],
    }); // prettier-ignore
}

/** WCAG 2.2 AA and best practice by axe-core; only what its authors call serious or critical counts. */
async function barriers(): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return page.evaluate(async () => {
    type Axe = {
      run(where: Document): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
    };
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run(document);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const press = async (selector: string) => {
  await page.waitForSelector(selector, { visible: true });
  await page.$eval(selector, (found) => (found as HTMLElement).click());
};
const stateOf = (version: string) =>
  page.$eval(`[data-testid="model-${version}"] [data-state]`, (badge) => badge.getAttribute('data-state'));
const stateBecomes = (version: string, state: string) =>
  page.waitForSelector(`[data-testid="model-${version}"] [data-state="${state}"]`);
const shot = async (name: string) => {
  const where = process.env.CSSS_SCREENSHOTS;
  if (where) await page.screenshot({ path: join(where, `${name}.png`) as `${string}.png`, fullPage: true });
};

/** Opens the dialog of an act, gives the reason, sends it. */
async function act(selector: string, reason: string): Promise<void> {
  await press(selector);
  await page.waitForSelector('[role="dialog"] textarea');
  await page.type('[role="dialog"] textarea', reason);
  await press('[data-testid="model-submit"]');
  await page
    .waitForFunction(() => document.querySelector('[role="dialog"]') === null)
    .catch(async (error: unknown) => {
      await shot('models-stuck');
      throw error;
    });
}

test('the way there, what is listed, and how it looks: no serious barrier, at any width', async () => {
  await (await page.waitForSelector('[data-testid="admin-menu"]'))!.click();
  await press('[data-testid="to-models"]');
  await page.waitForSelector('[data-testid="models"]');
  expect([await stateOf(shippedVersion), await stateOf('2.0.0')]).toEqual(['active', 'candidate']);
  expect(await page.$eval('[data-testid="refused"]', (shown) => shown.textContent)).toMatch(/damaged-copy.*altered/s);
  await page.waitForSelector('[data-testid="drift"] svg');
  await shot('models');
  expect(await barriers()).toEqual([]);
  await page.setViewport({ width: 360, height: 780 });
  expect(await overflow()).toBeLessThanOrEqual(0);
  await shot('models-small');
  await page.setViewport({ width: 1280, height: 800 });
});

test('drift is shown for all scanners and for one, as bars and as numbers', async () => {
  const read = () =>
    page.$$eval('[data-testid="drift"] figure', (all) => all.map((one) => one.textContent!.replace(/\s+/g, ' ')));
  expect((await read()).find((text) => text.includes('Unsupported'))).toMatch(/37[.,]5/);
  // A week of few images has no index, and says so in words; one of enough has both the index and what chance does.
  const psi = async () => (await read()).find((text) => text.includes('PSI'))!;
  expect(await psi()).toMatch(/–.*too few images \(5 of 50\)/);
  await page.$$eval('[data-testid="drift"] details', (all) => all.forEach((one) => (one.open = true)));
  expect(await psi()).toMatch(/2026-W43 ?[0-9.,]+ ?by chance up to 0[.,]1\d?.*2026-W44 ?too few images \(8 of 50\)/);
  const [, scanners] = await page.$$('[data-testid="drift"] select');
  await scanners!.select('ACME DX-9');
  await page.waitForFunction(() =>
    [...document.querySelectorAll('[data-testid="drift"] figure')].some((one) =>
      /Unsupported[\s\S]*75/.test(one.textContent ?? ''),
    ),
  );
  await page.$$eval('[data-testid="drift"] details', (all) => all.forEach((one) => (one.open = true)));
  expect((await read()).find((text) => text.includes('Unsupported'))).toMatch(/2026-W47 ?75/);
  expect(await barriers()).toEqual([]);
});

test('nothing changes without a reason; a model below the bar needs a second one', async () => {
  await press('[data-testid="model-3.0.0"] [data-testid="act-promote"]');
  await page.waitForSelector('[role="dialog"]');
  expect(await page.$eval('[role="dialog"]', (shown) => shown.textContent)).toMatch(/below the bar.*macro-F1/s);
  await press('[data-testid="model-submit"]');
  await page.waitForSelector('[role="dialog"] [aria-invalid="true"]');
  expect(await page.$$eval('[role="dialog"] [aria-invalid="true"]', (fields) => fields.length)).toBe(2);
  expect(await barriers()).toEqual([]);
  await shot('models-override');
  await page.keyboard.press('Escape');
  expect(await stateOf(shippedVersion)).toBe('active');
});

test('run in the shadow, compare, activate, roll back, switch off, switch on', async () => {
  await act('[data-testid="model-2.0.0"] [data-testid="act-shadow"]', 'Watch it for a month.');
  await stateBecomes('2.0.0', 'shadow');
  await page.waitForSelector('[data-testid="comparison"] table');
  expect(await page.$eval('[data-testid="comparison"]', (shown) => shown.textContent)).toMatch(/80[\s\S]*87[.,]5/);
  expect(await barriers()).toEqual([]);
  await shot('models-shadow');

  await act('[data-testid="model-2.0.0"] [data-testid="act-promote"]', 'Better for a month.');
  await stateBecomes('2.0.0', 'active');
  expect(await stateOf(shippedVersion)).toBe('retired');
  await act('[data-testid="rollback"]', 'Worse in practice.');
  await stateBecomes(shippedVersion, 'active');

  await act(`[data-testid="model-${shippedVersion}"] [data-testid="act-deactivate"]`, 'Misses lateral films.');
  const notice = await page.waitForSelector('[data-testid="not-serving"]');
  expect(await notice!.evaluate((shown) => shown.textContent)).toMatch(/switched off by .+: Misses lateral films\./);
  expect(await barriers()).toEqual([]);
  await shot('models-off');
  await act(`[data-testid="model-${shippedVersion}"] [data-testid="act-promote"]`, 'It was the positioning.');
  await page.waitForFunction(() => document.querySelector('[data-testid="not-serving"]') === null);
  expect(await page.$eval('[data-testid="history"]', (shown) => shown.textContent)).toMatch(
    /It was the positioning[\s\S]*Misses lateral films[\s\S]*Watch it/,
  );
  expect(faults).toEqual([]);
});

test('another role is sent away', async () => {
  const other = await browser.person();
  await signInByPage(other.page, server.url, 'doctor');
  expect(await other.page.$('[data-testid="to-models"]')).toBeNull();
  await other.page.goto(`${server.url}/models`);
  await other.page.waitForFunction(() => location.pathname === '/forbidden');
  await other.page.browserContext().close();
});

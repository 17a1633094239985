import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect } from 'vitest';

// What people do on the pages, and what is looked at there.

/** WCAG 2.2 AA and best practice by axe-core; only what its authors call serious or critical counts. */
export function barriers(page: Page): Promise<string[]> {
  return lasting(() => axe(page));
}

/** Of these, what the look of a page alone decides. */
export function contrasts(page: Page): Promise<string[]> {
  return lasting(() => axe(page, ['color-contrast']));
}

/** What fades in, or is dim while the next answer is awaited, has too little contrast for a moment: what is wrong stays wrong. */
async function lasting(ask: () => Promise<string[]>): Promise<string[]> {
  if ((await ask()).length === 0) return [];
  await new Promise((done) => setTimeout(done, 1_000));
  return ask();
}

async function axe(page: Page, only?: string[]): Promise<string[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis);
  if (!isThere)
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return page.evaluate(async (rules: string[] | undefined) => {
    type Axe = {
      run(where: Document, options: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
    };
    const options = rules ? { runOnly: rules, resultTypes: ['violations'] } : { resultTypes: ['violations'] };
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run(document, options);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  }, only);
} // prettier-ignore

export const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

/** At every width: no serious barrier, nothing beside the screen; a picture of each in the folder CSSS_SCREENSHOTS, if it is set. */
export async function looksRight(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [1280, 800],
    [360, 780],
  ] as const) {
    await page.setViewport({ width, height });
    expect(await barriers(page), `${name} at ${width}`).toEqual([]);
    expect(await overflow(page), `${name} at ${width}`).toBeLessThanOrEqual(0);
    const folder = process.env.CSSS_SCREENSHOTS;
    if (folder)
      await page.screenshot({ path: join(folder, `${name}-${width}.png`) as `${string}.png`, fullPage: true });
  }
  await page.setViewport({ width: 1280, height: 800 });
}

/** Clicks the element itself: lists refresh, so that a place on the screen may belong to another row a moment later. */
export async function click(page: Page, selector: string): Promise<void> {
  await page.waitForSelector(selector, { visible: true });
  await page.$eval(selector, (found) => (found as HTMLElement).click());
}

export const press = (page: Page, testId: string) => click(page, `[data-testid="${testId}"]`);

/** Tabs and menus answer to the pointer going down, as Reka UI makes them; they stay where they are. */
export async function point(page: Page, selector: string): Promise<void> {
  await (await page.waitForSelector(selector, { visible: true }))!.click();
}

export const openTab = (page: Page, testId: string) => point(page, `[data-testid="${testId}"]`);

export const rowOf = (scan: string) => `[data-testid="scan-${scan}"]`;

export async function openDialog(page: Page, scan: string, testId: string): Promise<void> {
  await click(page, `${rowOf(scan)} [data-testid="${testId}"]`);
  await page.waitForSelector('[role="dialog"]');
}

/** One of the rarer acts, behind the menu of a row or of a study page. */
export async function openRareAct(page: Page, within: string, act: string): Promise<void> {
  await point(page, `${within} [data-testid="more"]`);
  await point(page, `[data-testid="act-${act}"]`);
  await page.waitForSelector('[role="dialog"]');
}

export const toast = (page: Page, words: RegExp) =>
  page.waitForFunction(
    (source: string) =>
      [...document.querySelectorAll('[data-testid^="toast-"]')].some((each) =>
        new RegExp(source).test(each.textContent ?? ''),
      ),
    {},
    words.source,
  );

/** Waits until the text of an element is as it should be. */
export const says = (page: Page, selector: string, words: RegExp) =>
  page.waitForFunction(
    (where: string, source: string) => new RegExp(source).test(document.querySelector(where)?.textContent ?? ''),
    {},
    selector,
    words.source,
  );

/** A browser moves the focus to where a page wants it a moment after the page is there. */
export async function focusOn(page: Page, id: string): Promise<void> {
  await page.waitForFunction((wanted) => document.activeElement?.id === wanted, { timeout: 5_000 }, id);
}

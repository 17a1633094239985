import { authorizeUrl, pkce, type Browser } from '../harness/sign-in.ts';
import { lastMail, password, type SmallServer } from './small-server.ts';

// The page of the second factor, as a browser goes through it.
export interface Page {
  status: number;
  html: string;
  uid: string;
  headers: Headers;
}

export async function pageOf({ url, response }: { url: string; response: Response }): Promise<Page> {
  const html = await response.text();
  const uid = /\/interaction\/([\w-]+)/.exec(html)?.[1] ?? new URL(url).pathname.split('/')[2] ?? '';
  return { status: response.status, html, uid, headers: response.headers };
}

/** Gives the password on the sign-in page; what comes next is the page of the second factor. */
export async function afterPassword(
  browser: Browser,
  email: string,
  parameters: Record<string, string> = {},
): Promise<Page> {
  const first = await pageOf(await browser.open(authorizeUrl(browser.origin, pkce().challenge, { parameters })));
  return post(browser, first, 'sign-in', { email, password });
}

export async function post(
  browser: Browser,
  page: Page,
  action: string,
  fields: Record<string, string> = {},
): Promise<Page> {
  const proof = /name="proof" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
  return pageOf(await browser.post(`/interaction/${page.uid}/${action}`, new URLSearchParams({ proof, ...fields })));
}

export const isIn = (page: Page) => page.status === 303;

/** The code of the last mail to this address. */
export async function mailedCode(server: SmallServer, to: string): Promise<string> {
  return /Your code is (\d{6})/.exec((await lastMail(server, to)).text)![1]!;
}

export const wrongOf = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

/** Nobody has a factor, and nobody has tried anything. */
export async function forgetFactors({ database }: SmallServer): Promise<void> {
  for (const table of ['second_factor', 'recovery_code', 'mail_code', 'delivery', 'sign_in_attempt'])
    await database.sql.query(`delete from ${table}`);
  await database.sql.query(`update account set mail_factor = false, last_sign_in_at = null, verified_at = null`);
}

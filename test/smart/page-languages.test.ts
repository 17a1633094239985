import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizeUrl, Browser, pkce } from '../harness/sign-in.ts';
import { appRedirect, password, startSmallServer, type SmallServer } from './small-server.ts';

let server: SmallServer;
const siteLanguages: string[] = [];
beforeAll(async () => {
  server = await startSmallServer(undefined, { languages: siteLanguages });
});
afterAll(() => server.close());

const app = { clientId: 'demo-app', redirectUri: appRedirect, scope: 'openid launch/patient patient/*.rs' };
const signIn = { en: 'Sign in', ta: 'உள்நுழைவு', hi: 'साइन इन' };

interface Asking {
  /** `csss-language` and `csss-theme`, as the browser keeps them. */
  cookie?: string;
  accepts?: string;
  uiLocales?: string;
}

/** A browser in front of the sign-in form, which asks in this way. */
async function atSignIn({ cookie, accepts, uiLocales }: Asking) {
  const browser = new Browser(server.url);
  for (const pair of cookie?.split('; ') ?? []) browser.keep(pair);
  const headers = { 'Accept-Language': accepts ?? '*' };
  const parameters = uiLocales === undefined ? {} : { ui_locales: uiLocales };
  let url = authorizeUrl(server.url, pkce().challenge, { ...app, parameters }).toString();
  let response = await browser.request(url, { headers });
  while (response.headers.has('location')) {
    url = new URL(response.headers.get('location')!, url).toString();
    response = await browser.request(url, { headers });
  }
  const page = await response.text();
  const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
  const post = (address: string, fields: Record<string, string>) =>
    browser.request(address, { method: 'POST', headers, body: new URLSearchParams({ proof, ...fields }) });
  return { browser, url, page, post };
}

const languageOf = (page: string) => /<html lang="(\w+)"/.exec(page)?.[1];

test.each<[string, Asking, 'en' | 'ta' | 'hi', string[]?]>([
  ['what was chosen on the device comes first', { cookie: 'csss-language=ta', accepts: 'hi', uiLocales: 'en' }, 'ta', ['hi']],
  ['then what the app asks for', { accepts: 'hi', uiLocales: 'de ta-IN' }, 'ta', ['en']],
  ['then the browser', { accepts: 'de, hi-IN;q=0.7, ta;q=0.5', uiLocales: 'fr' }, 'hi', ['ta']],
  ['then the site', { accepts: 'de' }, 'ta', ['de', 'ta-IN']],
  ['and else English', { accepts: 'de' }, 'en', ['de']],
  ['nothing that is no language of ours counts', { cookie: 'csss-language=xx', accepts: '*', uiLocales: '"><script>' }, 'en'],
])('%s', async (_rule, asking, language, site = []) => {
  siteLanguages.splice(0, Infinity, ...site);
  const { page } = await atSignIn(asking);
  expect(languageOf(page)).toBe(language);
  expect(page).toContain(`<h1>${signIn[language]}</h1>`);
  expect(page).not.toContain('<script>');
}); // prettier-ignore

test.each([
  [undefined, 'dark', 'dark'],
  ['csss-theme=light', 'light', 'light'],
  ['csss-theme=system', 'system', 'dark light'],
  ['csss-theme=pink', 'dark', 'dark'],
])('with the cookie %s the page has the look %s', async (cookie, theme, scheme) => {
  const { page } = await atSignIn({ ...(cookie && { cookie }) });
  expect(page).toContain(`data-theme="${theme}"`);
  expect(page).toContain(`<meta name="color-scheme" content="${scheme}" />`);
});

test('a refusal is in the language of the page, whatever rule it comes from', async () => {
  const { url, post } = await atSignIn({ cookie: 'csss-language=hi' });
  const wrong = await (await post(`${url}/sign-in`, { email: 'nobody@test.example', password: 'wrong' })).text();
  expect(wrong).toContain('ई-मेल पता या पासवर्ड सही नहीं है।');
  expect(wrong).toContain('<title>गलती: साइन इन - CSSS</title>');
  expect(wrong).not.toContain('E-mail address');
});

test('consent is asked for in the language of the page, with what the app may do in words', async () => {
  const { url, post, browser } = await atSignIn({ cookie: 'csss-language=ta' });
  let response = await post(`${url}/sign-in`, { email: 'patient@test.example', password });
  while (response.headers.has('location')) response = await browser.request(response.headers.get('location')!);
  const page = await response.text();
  expect(page).toContain('செயலியை அனுமதிக்கவா?');
  expect(page).toContain('நோயாளியின் எல்லாப் பதிவுகள்: பார்த்தல்');
  expect(page).not.toContain('All records');
});

test('the switch at the foot keeps the language on the device and comes back to the step, with its form', async () => {
  const { url, post, browser, page } = await atSignIn({ accepts: 'en' });
  expect(page).toMatch(/value="hi"\s+lang="hi"/);
  const answer = await post('/smart/language', { language: 'hi', step: new URL(url).pathname });
  expect([answer.status, answer.headers.get('location')]).toEqual([303, new URL(url).pathname]);
  expect(answer.headers.get('set-cookie')).toMatch(/^csss-language=hi; Path=\/; Max-Age=31536000; SameSite=Lax/);
  const again = await (await browser.request(answer.headers.get('location')!)).text();
  expect(languageOf(again)).toBe('hi');
  expect(again).toContain('name="password"');
});

test.each([
  { language: 'xx', step: '/account/forgotten' },
  { language: 'ta', step: 'https://evil.example/' },
  { language: 'ta', step: '//evil.example/interaction/x' },
  { language: 'ta', step: '/interaction/x/../../oidc/session/end' },
  { language: 'ta', step: '/fhir/Patient' },
  { language: 'ta' },
])('the switch leads nowhere but to a page of ours: %j', async (fields) => {
  const body = new URLSearchParams(fields as Record<string, string>);
  const answer = await fetch(`${server.url}/smart/language`, { method: 'POST', body, redirect: 'manual' });
  expect([answer.status, answer.headers.get('location'), answer.headers.get('set-cookie')]).toEqual([400, null, null]);
});

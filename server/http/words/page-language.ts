/** In which language and look a page is shown to somebody whom the server may not know yet. */
import type { ParameterizedContext } from 'koa';
import { themes, type Theme } from '../../core/accounts/people/themes.ts';
import { ourLanguage, type Language } from '../../core/language.ts';
import { words, type Words } from './words.ts';

/** Of the pages: what was chosen on this device, here or in the web application. Neither says anything about a person. */
export const languageCookie = 'csss-language';
const themeCookie = 'csss-theme';

export interface LanguageHints {
  /** BCP 47 tag in the account of whom the page is about. */
  account?: string | undefined;
  /** `ui_locales` of an OpenID Connect request: tags, best first. */
  asked?: unknown;
  /** Tags of the site, the usual one first. */
  site?: readonly string[] | undefined;
}

type Asking = Pick<ParameterizedContext, 'cookies' | 'get' | 'state'>;

/**
 * Settles the language of this answer. The device comes first: the web application keeps there what the profile says, and a
 * choice that somebody makes on a page has to count on the next one. Then the account, the app, the browser, the site.
 */
export function speak(ctx: Asking, { account, asked, site }: LanguageHints): Words {
  const language =
    ourLanguage(ctx.cookies.get(languageCookie, { signed: false })) ??
    ourLanguage(account) ??
    firstOf(typeof asked === 'string' ? asked.split(' ') : []) ??
    askedLanguage(ctx) ??
    firstOf(site ?? []) ??
    'en';
  ctx.state.language = language;
  return words(language);
}

/** The words of the language that was settled for this answer, or is now. */
export function wordsOf(ctx: Asking): Words {
  const settled = ctx.state.language as Language | undefined;
  return settled ? words(settled) : speak(ctx, {});
}

/** The best language of Accept-Language that we speak; undefined where none is named, or any will do (RFC 9110 12.5.4). */
export function askedLanguage(ctx: Pick<Asking, 'get'>): Language | undefined {
  const ranges = ctx.get('Accept-Language').split(',').slice(0, 50).map((part) => {
    const [tag = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { tag, weight: weight === undefined ? 1 : Number(weight) };
  }); // prettier-ignore
  const wanted = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  return firstOf(wanted.map(({ tag }) => tag));
}

/** As the web application shows itself on this device. */
export function themeOf(ctx: Pick<Asking, 'cookies'>): Theme {
  const chosen = ctx.cookies.get(themeCookie, { signed: false });
  return themes.find((theme) => theme === chosen) ?? 'dark';
}

function firstOf(tags: readonly string[]): Language | undefined {
  for (const tag of tags) {
    const language = ourLanguage(tag);
    if (language) return language;
  }
  return undefined;
}

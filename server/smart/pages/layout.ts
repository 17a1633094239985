import type { ParameterizedContext } from 'koa';
import { languages } from '../../core/language.ts';
import { themeOf, wordsOf } from '../../http/words/page-language.ts';
import { words, type Words } from '../../http/words/words.ts';
import { html, type Html } from './html.ts';

export interface Page {
  title: string;
  body: Html;
  status?: number;
  /**
   * Origins or schemes that a form may end up at: browsers apply `form-action` to the redirects after a form as well,
   * and the last of those is the app.
   */
  formTargets?: string[];
}

/** What of an answer a page needs. */
export type Showing = Pick<
  ParameterizedContext,
  'set' | 'type' | 'status' | 'body' | 'get' | 'cookies' | 'state' | 'path'
>;

/**
 * Answers with one of our pages, in the language that was settled for this answer. No inline script or style, nothing
 * from elsewhere, never cached, never framed.
 */
export function showPage(ctx: Showing, page: Page): void {
  ctx.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
      "font-src 'self'",
      `form-action 'self' ${(page.formTargets ?? []).join(' ')}`.trim(),
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // With `no-referrer` browsers send `Origin: null` from our own forms, and their origin could not be checked.
    'Referrer-Policy': 'same-origin',
  });
  ctx.status = page.status ?? 200;
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = layout(ctx, page).text;
}

function layout(ctx: Showing, { title, body }: Page): Html {
  const t = wordsOf(ctx);
  const theme = themeOf(ctx);
  const schemes = theme === 'system' ? 'dark light' : theme;
  return html`<!doctype html>
    <html lang="${t.language}" data-theme="${theme}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="${schemes}" />
        <title>${title} - CSSS</title>
        <link rel="icon" href="/favicon.svg" />
        <link rel="stylesheet" href="/smart/fonts.css" />
        <link rel="stylesheet" href="/smart/page.css" />
        <script src="/smart/page.js" defer></script>
      </head>
      <body>
        <main>
          <p class="brand">${t('brand')}</p>
          ${body}
        </main>
        ${languageSwitch(ctx, t)}
      </body>
    </html> `;
}

/**
 * The page of a step is its address, whatever form of it was sent: there the other language is shown. Pages of other
 * addresses hang on what they were asked with, and have no switch.
 */
const steps =
  /^\/(?:interaction\/[\w-]+|account\/(?:link|verify|reset-password|confirm-address)\/[\w-]+|account\/(?:register|forgotten)|connected-apps)(?=\/|$)/;

export function stepOf(path: string): string | undefined {
  return steps.exec(path)?.[0];
}

function languageSwitch(ctx: Showing, t: Words): Html | undefined {
  const step = stepOf(ctx.path);
  if (step === undefined) return undefined;
  return html`<footer>
    <form class="languages" method="post" action="/smart/language" aria-label="${t('language')}">
      <input type="hidden" name="step" value="${step}" />
      ${languages.map(
        (language) =>
          html`<button
            type="submit"
            name="language"
            value="${language}"
            lang="${language}"
            ${language === t.language && html`aria-current="true"`}
          >
            ${words(language)('languageName')}
          </button>`,
      )}
    </form>
  </footer>`;
}

/** An address that a form may be redirected to, as a CSP source: an origin, or the scheme of a native app. */
export function formTarget(redirectUri: unknown): string[] {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null;
  if (!url) return [];
  return [/^https?:$/.test(url.protocol) ? url.origin : url.protocol];
}

/** A page that says what went wrong and what to do. @param detail what a program says of it, in English. */
export function errorPage(t: Words, message: string, detail?: string | Html): Page {
  return {
    title: t('wrong.title'),
    body: html`<h1>${t('wrong.title')}</h1>
      <p class="error" role="alert" tabindex="-1" autofocus>${message}</p>
      ${detail !== undefined && html`<p class="quiet">${detail}</p>`}
      <p><a class="button" href="/">${t('wrong.start')}</a></p>`,
  };
}

/** The title of a page with a form that was not accepted: screen readers say it first. */
export function titled(t: Words, title: string, isWrong: boolean): string {
  return isWrong ? t('errorTitle', { title }) : title;
}

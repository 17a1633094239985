import type { Context, ParameterizedContext } from 'koa';
import { html, type Html } from './html.ts';

/**
 * Answers with one of our pages. No inline script or style, nothing from elsewhere, never cached, never framed.
 *
 * @param formTargets origins or schemes that a form may end up at: browsers apply `form-action` to the redirects
 * after a form as well, and the last of those is the app.
 */
export function showPage(
  ctx: Pick<Context | ParameterizedContext, 'set' | 'type' | 'status' | 'body'>,
  page: { title: string; body: Html; status?: number; formTargets?: string[] },
): void {
  ctx.set({
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "img-src 'self'",
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
  ctx.body = layout(page.title, page.body).text;
}

function layout(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="dark" />
        <title>${title} - CSSS</title>
        <link rel="icon" href="/favicon.svg" />
        <link rel="stylesheet" href="/smart/page.css" />
        <script src="/smart/page.js" defer></script>
      </head>
      <body>
        <main>
          <p class="brand">Clinical Scan Support System</p>
          ${body}
        </main>
      </body>
    </html> `;
}

/** An address that a form may be redirected to, as a CSP source: an origin, or the scheme of a native app. */
export function formTarget(redirectUri: unknown): string[] {
  const url = typeof redirectUri === 'string' ? URL.parse(redirectUri) : null;
  if (!url) return [];
  return [/^https?:$/.test(url.protocol) ? url.origin : url.protocol];
}

/** A page that says what went wrong and what to do. */
export function errorPage(message: string, detail?: string): { title: string; body: Html } {
  return {
    title: 'Something went wrong',
    body: html`<h1>Something went wrong</h1>
      <p class="error" role="alert" tabindex="-1" autofocus>${message}</p>
      ${detail !== undefined && html`<p class="quiet">${detail}</p>`}
      <p><a class="button" href="/">Go to the start page</a></p>`,
  };
}

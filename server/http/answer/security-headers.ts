import type { Middleware } from 'koa';

const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'", // image codecs are WebAssembly
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-src 'self' blob:", // a PDF that the page has fetched with its token, in the browser's own viewer
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers for every answer; a route may tighten them. `form-action` is left to the sign-in pages, which know their target. */
export function securityHeaders(secure: boolean): Middleware {
  return async (ctx, next) => {
    ctx.set({
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
      ...(secure ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
    });
    await next();
  };
}

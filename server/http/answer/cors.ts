import type { Middleware } from 'koa';

const exposed = [
  'Content-Type', 'Content-Location', 'Content-Range', 'Content-Length', 'ETag', 'Last-Modified', 'Location', 'Link', 'Warning', 'WWW-Authenticate',
  'X-Total-Count', 'X-Request-Id', 'Retry-After',
].join(', '); // prettier-ignore

/** Discovery documents hold nothing but addresses: any page may read them (SMART App Launch 2.2, "CORS"). */
const open = /^\/(fhir\/metadata|(fhir\/)?\.well-known\/|smart\/brands\.json$)/;
/** oidc-provider answers for its own endpoints, client by client. */
const elsewhere = /^\/oidc(\/|$)/;

/** Files that anybody may have, and health: they need no database, and must not wait for one. */
const unasked = /^\/(assets\/|healthz$|readyz$)/;

/**
 * Cross-origin requests by an allow-list, on errors too. Tokens travel in the Authorization header, never in
 * cookies, so credentials are not allowed.
 *
 * @param own origin of our pages: nothing of theirs is cross-origin.
 * @param isAllowed origins of registered apps and of configuration.
 */
export function cors(own: string, isAllowed: (origin: string) => boolean | Promise<boolean>): Middleware {
  return async (ctx, next) => {
    const origin = ctx.get('Origin');
    if (origin === '' || origin === own || elsewhere.test(ctx.path) || unasked.test(ctx.path)) return next();
    ctx.vary('Origin');
    const anyone = open.test(ctx.path);
    if (!anyone && !(await isAllowed(origin))) {
      if (ctx.method === 'OPTIONS') ctx.status = 204;
      else await next();
      return;
    }
    ctx.set('Access-Control-Allow-Origin', anyone ? '*' : origin);
    ctx.set('Access-Control-Expose-Headers', exposed);
    if (ctx.method !== 'OPTIONS' || ctx.get('Access-Control-Request-Method') === '') return next();
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'Access-Control-Allow-Headers':
        'Accept, Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, If-None-Exist, Prefer, Range, X-Request-Id',
      'Access-Control-Max-Age': '600',
    });
    ctx.status = 204;
  };
}

import type { Middleware } from 'koa';

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Refuses requests for another host than ours (421, RFC 9110 15.5.20): nothing here is built from the Host
 * header, but a browser tricked by DNS rebinding, or a cache in front, must not get an answer either.
 * Only names are compared: some clients leave the port out.
 */
export function ownHost(publicUrl: string): Middleware {
  const own = new URL(publicUrl).hostname;
  return async (ctx, next) => {
    const name = ctx.get('Host').replace(/:\d+$/, '').toLowerCase();
    if (name !== own && !(loopback.has(own) && loopback.has(name)) && !isProbe(ctx.path)) {
      ctx.status = 421;
      ctx.body = { error: `This server answers for ${own} only.` };
      return;
    }
    // Sign-in is registered for one origin, and cookies belong to one name: pages opened by an alias go there.
    if (name !== own && ctx.method === 'GET' && ctx.get('Sec-Fetch-Mode') === 'navigate' && !isProbe(ctx.path)) {
      ctx.redirect(publicUrl + ctx.url);
      return;
    }
    await next();
  };
}

/** Load balancers ask by address. */
function isProbe(path: string): boolean {
  return path === '/healthz' || path === '/readyz';
}

import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import type { Middleware } from 'koa';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** The page addresses of the web application's router; a test holds the two together. */
const pages =
  /^\/($|(signed-in|work|doctor|pharmacist|admin|models|patient|forbidden|demo\/mailbox|study\/[A-Za-z0-9-]{1,64})\/?$)/;

/** Whether the router of the web application has a page at this path. */
export function isPage(path: string): boolean {
  return pages.test(path);
}

/**
 * The built web application: files by name, and index.html for every page address of its router. Any other address is
 * 404, for a probe that is answered by a page takes it for what it looked for; a person gets the router's own page
 * about that. Names under /assets carry a content hash, so browsers may keep those for ever.
 */
export function webApplication(folder: string): Middleware {
  return async (ctx, next) => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      if (!isPage(ctx.path)) return next();
      ctx.status = 405;
      ctx.set('Allow', 'GET, HEAD');
      return;
    }
    const path = normalize(decode(ctx.path));
    const hidden = path.includes('\0') || path.split(sep).some((part) => part.startsWith('.'));
    const file = hidden ? undefined : await fileAt(join(folder, path));
    if (file) {
      ctx.type = types[extname(file.name)] ?? 'application/octet-stream';
      ctx.set(
        'Cache-Control',
        path.startsWith(`${sep}assets${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      ctx.length = file.size;
      ctx.body = createReadStream(file.name);
    } else if (isPage(ctx.path) || /\btext\/html\b/.test(ctx.get('Accept'))) {
      ctx.status = isPage(ctx.path) ? 200 : 404;
      ctx.type = types['.html']!;
      ctx.set('Cache-Control', 'no-cache');
      ctx.body = await readFile(join(folder, 'index.html'));
    } else {
      await next();
    }
  };
}

async function fileAt(name: string): Promise<{ name: string; size: number } | undefined> {
  const found = await stat(name).catch(() => undefined);
  return found?.isFile() ? { name, size: found.size } : undefined;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '/\0';
  }
}

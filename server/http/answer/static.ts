import { readFile, stat } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import type { Context, Middleware } from 'koa';
import { own } from '../../core/table.ts';
import { notModified, tagOfContent } from './conditional.ts';
import { negotiate } from './negotiate.ts';

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
  /^\/($|(signed-in|work|doctor|pharmacist|admin|models|setup|users|users\/[A-Za-z0-9-]{1,64}|registrations|ae-titles|clients|clients\/new|clients\/[A-Za-z0-9._~-]{1,128}|patient|account|audit|deliveries|system|studies|templates|help|record\/[A-Za-z0-9.-]{1,64}|forbidden|demo\/mailbox|study\/[A-Za-z0-9-]{1,64})\/?$)/;

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
  /** A few megabytes, kept: so no reader, however slow, holds a file open, and no stream can fail on its way. */
  const kept = new Map<string, { changed: number; content: Promise<Content> }>();
  const contentOf = ({ name, changed }: Found): Promise<Content> => {
    const known = kept.get(name);
    if (known?.changed === changed) return known.content;
    const content = readFile(name).then((bytes) => ({ bytes, etag: tagOfContent(bytes) }));
    kept.set(name, { changed, content });
    content.catch(() => kept.delete(name));
    return content;
  };
  const give = async (ctx: Context, file: Found): Promise<void> => {
    const { bytes, etag } = await contentOf(file);
    if (ctx.status === 404 || !notModified(ctx, { etag })) ctx.body = bytes;
  };
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
      ctx.status = 200;
      ctx.type = own(types, extname(file.name)) ?? 'application/octet-stream';
      ctx.set(
        'Cache-Control',
        path.startsWith(`${sep}assets${sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache',
      );
      await give(ctx, file);
    } else if (isPage(ctx.path) || wantsPage(ctx)) {
      const index = await fileAt(join(folder, 'index.html'));
      if (!index) return next();
      ctx.status = isPage(ctx.path) ? 200 : 404;
      ctx.type = types['.html']!;
      ctx.set('Cache-Control', 'no-cache');
      await give(ctx, index);
    } else {
      await next();
    }
  };
}

/** Whether it is rather a person who asks: programs take JSON, or anything. */
function wantsPage(ctx: Pick<Context, 'get' | 'vary'>): boolean {
  ctx.vary('Accept');
  const [best] = negotiate(ctx.get('Accept'), undefined, [
    { name: 'json', media: 'application/json' },
    { name: 'page', media: 'text/html' },
  ]);
  return best?.name === 'page';
}

interface Found {
  name: string;
  changed: number;
}

interface Content {
  bytes: Buffer;
  etag: string;
}

async function fileAt(name: string): Promise<Found | undefined> {
  const found = await stat(name).catch(() => undefined);
  return found?.isFile() ? { name, changed: found.mtimeMs } : undefined;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '/\0';
  }
}

/** Conditional reads (RFC 9110 13): a client that has the current representation is told so instead of sent it. */
import type { Context } from 'koa';

/**
 * Sets the validators and decides whether the answer is 304. If-None-Match beats If-Modified-Since.
 * @returns true when the answer is complete: the caller sends no body.
 */
export function notModified(
  ctx: Pick<Context, 'get' | 'set' | 'status' | 'method'>,
  current: { etag: string; lastModified?: Date },
): boolean {
  ctx.set('ETag', current.etag);
  if (current.lastModified) ctx.set('Last-Modified', current.lastModified.toUTCString());
  const known = ctx.get('If-None-Match');
  const isCurrent =
    known === '' ? isOlder(current.lastModified, ctx.get('If-Modified-Since')) : listsTag(known, current.etag);
  if (isCurrent) ctx.status = 304;
  return isCurrent;
}

/** Weak comparison (RFC 9110 8.8.3.2): compression on the way may have weakened a tag. */
export function listsTag(header: string, etag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => tag.replace(/^W\//, '') === opaque);
}

/** Seconds are all that the header can say. */
function isOlder(lastModified: Date | undefined, since: string): boolean {
  const known = Date.parse(since);
  return (
    lastModified !== undefined && !Number.isNaN(known) && Math.floor(lastModified.getTime() / 1000) * 1000 <= known
  );
}

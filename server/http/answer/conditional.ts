/** Conditional reads (RFC 9110 13), for every face: a client that has the current representation is told so instead of sent it. */
import { createHash } from 'node:crypto';
import type { Context } from 'koa';

/** What tells one representation from the next. */
export interface Validators {
  etag: string;
  lastModified?: Date;
}

/** The conditions of a read, as headers write them; those of a Bundle's entry come without a request. */
export interface Conditions {
  ifNoneMatch?: string;
  ifModifiedSince?: string;
}

export function conditionsOf(ctx: Pick<Context, 'get'>): Conditions {
  const [ifNoneMatch, ifModifiedSince] = [ctx.get('If-None-Match'), ctx.get('If-Modified-Since')];
  return { ...(ifNoneMatch !== '' && { ifNoneMatch }), ...(ifModifiedSince !== '' && { ifModifiedSince }) };
}

/** Whether the caller's copy is the current one (RFC 9110 13.2.2): If-None-Match beats If-Modified-Since. */
export function isCurrent({ ifNoneMatch, ifModifiedSince }: Conditions, { etag, lastModified }: Validators): boolean {
  if (ifNoneMatch !== undefined) return listsTag(ifNoneMatch, etag);
  const known = Date.parse(ifModifiedSince ?? '');
  // Seconds are all that the header can say.
  return (
    lastModified !== undefined && !Number.isNaN(known) && Math.floor(lastModified.getTime() / 1000) * 1000 <= known
  );
}

/**
 * Sets the validators and decides whether the answer is 304.
 * @returns true when the answer is complete: the caller sends no body.
 */
export function notModified(ctx: Pick<Context, 'get' | 'set' | 'status'>, current: Validators): boolean {
  ctx.set('ETag', current.etag);
  if (current.lastModified) ctx.set('Last-Modified', current.lastModified.toUTCString());
  if (!isCurrent(conditionsOf(ctx), current)) return false;
  ctx.status = 304;
  return true;
}

/** The tag of content as such: the same in all processes; weak, because the answer may be compressed on its way, or not. */
export function tagOfContent(bytes: Uint8Array): string {
  return `W/"${createHash('sha256').update(bytes).digest('base64url')}"`;
}

/** Weak comparison (RFC 9110 8.8.3.2): compression on the way may have weakened a tag. */
export function listsTag(header: string, etag: string): boolean {
  if (header.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  return (header.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => tag.replace(/^W\//, '') === opaque);
}

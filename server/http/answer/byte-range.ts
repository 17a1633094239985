/** Range requests (RFC 9110 14), for every face that gives parts of something. */
import type { Context } from 'koa';

export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * The one range of a Range header.
 * @returns undefined when the whole representation is to be sent: no header, another unit, several ranges
 * (RFC 9110 14.2 lets a server ignore those), or not well formed; `unsatisfiable` for a 416.
 */
export function byteRange(header: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=\s*([0-9]*)-([0-9]*)\s*$/i.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length > 0 ? { offset: size - length, length } : 'unsatisfiable';
  }
  const offset = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < offset) return undefined;
  return offset < size ? { offset, length: end - offset + 1 } : 'unsatisfiable';
}

/** How much of a representation goes out, and what the answer says about it. */
export interface Portion {
  status: 200 | 206 | 416;
  headers: Record<string, string>;
  /** All of it for 200, nothing for 416. */
  range: ByteRange;
}

/**
 * What a request wants of a representation of `size` bytes. Range counts for GET only (RFC 9110 14.2), and with If-Range
 * only while the client's copy is this very one: compared strongly, so that a weak tag or a date always gets the whole
 * (RFC 9110 13.1.5).
 *
 * @param etag of the representation, if it has one
 */
export function portionOf(ctx: Pick<Context, 'get' | 'method'>, size: number, etag?: string): Portion {
  const condition = ctx.get('If-Range').trim();
  const isSame = condition === '' || (condition === etag && condition.startsWith('"'));
  const asked = ctx.method === 'GET' && isSame ? byteRange(ctx.get('Range'), size) : undefined;
  const headers = { 'Accept-Ranges': 'bytes' };
  if (asked === undefined) return { status: 200, headers, range: { offset: 0, length: size } };
  if (asked === 'unsatisfiable') {
    const range = { offset: 0, length: 0 };
    return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${size}` }, range };
  }
  const last = asked.offset + asked.length - 1;
  return {
    status: 206,
    headers: { ...headers, 'Content-Range': `bytes ${asked.offset}-${last}/${size}` },
    range: asked,
  };
}

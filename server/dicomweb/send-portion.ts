import { portionOf, type ByteRange } from '../http/answer/byte-range.ts';
import { send, type Exchange } from './exchange.ts';

/**
 * Sends a representation whose bytes can be had from anywhere in it, or the part of it that Range asks for (RFC 9110 14).
 * @param etag of it, if it has one
 */
export async function sendPortion(
  ctx: Exchange,
  {
    type,
    length,
    etag,
    open,
  }: { type: string; length: number; etag?: string; open(range: ByteRange): AsyncIterable<Uint8Array> },
): Promise<void> {
  const { status, headers, range } = portionOf(ctx, length, etag);
  ctx.status = status;
  ctx.set(headers);
  if (status !== 416) await send(ctx, type, open(range), range.length);
}

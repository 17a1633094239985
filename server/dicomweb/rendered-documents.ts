/** What has another rendered form than a picture: videos, documents and reports (PS3.18 8.7.4). */
import { everything } from '../core/access/narrowing.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import { transferSyntax } from '../core/dicom/transfer-syntax.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';
import type { ByteRange } from '../http/answer/byte-range.ts';
import { notModified } from '../http/answer/conditional.ts';
import { sendValue } from './bulkdata.ts';
import { accepted, send, type Exchange } from './exchange.ts';
import { isReport, reportPage } from './report-page.ts';
import { sendPortion } from './send-portion.ts';

/** @returns false for what is rendered as pictures. */
export async function sendDocument(ctx: Exchange, world: World, instance: InstanceRow): Promise<boolean> {
  if (isPdf(instance)) await sendValue(ctx, world, instance, '00420011');
  else if (transferSyntax(instance.TransferSyntaxUID)?.video && instance.frames) await sendVideo(ctx, world, instance);
  else if (isReport(instance.attributes) && !instance.frames) await sendReport(ctx, world, instance);
  else return false;
  return true;
}

function isPdf(instance: InstanceRow): boolean {
  return (
    instance.bulk['00420011'] !== undefined &&
    String(instance.attributes['00420012']?.Value?.[0]).toLowerCase() === 'application/pdf'
  );
}

async function sendReport(ctx: Exchange, world: World, located: InstanceRow): Promise<void> {
  accepted(ctx, [{ name: 'page', media: 'text/html' }]);
  ctx.set('Cache-Control', 'no-store');
  if (notModified(ctx, { etag: `W/"${located.blob}-page"` })) return;
  // Of a long header only what pictures need was read.
  const instance = await world.read(({ studies }) => studies.instance(located, everything));
  if (!instance) throw new Problem('not-found', 'There is nothing stored under these UIDs');
  const page = Buffer.from(reportPage(instance.attributes));
  // A stranger's words are shown, and nothing in them acts.
  ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
  await send(ctx, 'text/html; charset=utf-8', once(page), page.length);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** A video as the stream that is stored, from any place of it: what players ask for. */
async function sendVideo(ctx: Exchange, world: World, instance: InstanceRow): Promise<void> {
  const ranges = instance.frames?.encapsulated ? instance.frames.frames.flat() : [];
  const [first] = ranges;
  if (!first) throw new Problem('not-acceptable', 'There is no video in it');
  const head = await world.blobs.read(instance.blob, { offset: first[0], length: Math.min(12, first[1]) });
  const type = videoType(head);
  accepted(ctx, [{ name: 'video', media: type }]);
  ctx.set('Cache-Control', 'no-store');
  const etag = `"${instance.blob}-video"`;
  if (notModified(ctx, { etag })) return;
  const length = ranges.reduce((sum, [, size]) => sum + size, 0);
  const open = (range: ByteRange) => joined(world, instance.blob, ranges, range);
  await sendPortion(ctx, { type, length, etag, open });
}

/** The bytes `range` of fragments that follow each other. */
async function* joined(
  { blobs }: Pick<World, 'blobs'>,
  blob: string,
  fragments: readonly [offset: number, length: number][],
  range: ByteRange,
): AsyncGenerator<Uint8Array> {
  let { offset: skip, length: left } = range;
  for (const [offset, size] of fragments) {
    const length = Math.min(size - skip, left);
    if (length > 0) yield* blobs.open(blob, { offset: offset + skip, length });
    if (length > 0) left -= length;
    skip = Math.max(0, skip - size);
    if (left <= 0) return;
  }
}

/** By its first bytes: the transfer syntax names the codec and not what holds the stream (PS3.5 8.2.5 to 8.2.8). */
function videoType(head: Uint8Array): string {
  const text = Buffer.from(head).toString('latin1');
  if (text.slice(4, 8) === 'ftyp') return 'video/mp4';
  if (head[0] === 0x47) return 'video/mp2t';
  const isMpeg2 = head[0] === 0 && head[1] === 0 && head[2] === 1 && (head[3] === 0xb3 || head[3] === 0xba);
  // A bare stream of H.264 or H.265, which some players take for MP4 nonetheless.
  return isMpeg2 ? 'video/mpeg' : 'video/mp4';
}

import { everything } from '../core/access/narrowing.ts';
import { frameCount } from '../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import type { RenderedLook } from '../core/studies/pixel-decoder.ts';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';
import type { World } from '../core/world.ts';
import { notModified } from '../http/answer/conditional.ts';
import { negotiate } from '../http/answer/negotiate.ts';
import { errandOf, send, single, type Exchange } from './exchange.ts';

const pictures = ['image/jpeg', 'image/png', 'image/gif'].map((media) => ({ name: media, media }));
const several = ['image/jpeg', 'image/png'].map((part) => ({
  name: `parts ${part}`,
  media: 'multipart/related',
  part,
}));

/**
 * Several frames as one moving picture, where that is what the caller accepts best (PS3.18 8.7.4, Table 8.7.4-1).
 *
 * @param numbers of the frames, from 1; all of them by default
 * @returns false where another form is asked for
 */
export async function sendAnimation(
  ctx: Exchange,
  world: World,
  located: InstanceRow,
  look: Omit<RenderedLook, 'format'>,
  numbers?: readonly number[],
): Promise<boolean> {
  const [best] = negotiate(ctx.get('Accept'), single(ctx.query['accept']), [...pictures, ...several]);
  const count = frameCount(located.frames);
  const frames = (numbers ?? Array.from({ length: count }, (_, i) => i + 1)).map((number) => number - 1);
  if (best?.name !== 'image/gif' || frames.length < 2) return false;
  if (frames.some((frame) => frame >= count)) throw new Problem('not-found', 'The instance has no such frame');
  ctx.vary('Accept');
  ctx.set('Cache-Control', 'no-store');
  const tag = Buffer.from(JSON.stringify([look, numbers ?? 'all'])).toString('base64url');
  if (tag.length < 2000 && notModified(ctx, { etag: `W/"${located.blob}-moving-${tag}"` })) return true;
  // Of a long header only what the first frame needs was read.
  const instance = await world.read(({ studies }) => studies.instance(located, everything));
  if (!instance) throw new Problem('not-found', 'There is nothing stored under these UIDs');
  const delays = frames.map((frame) => delayOf(instance, frame));
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield await world.pixels.animate(instance!, frames, delays, look, errandOf(ctx));
  }
  await send(ctx, 'image/gif', bytes());
  return true;
}

/** Milliseconds for which a frame stands (PS3.3 C.7.6.5): Frame Time, Frame Time Vector, or a rate; 10 a second where nothing says. */
function delayOf({ attributes }: InstanceRow, frame: number): number {
  const number = (tag: string, at = 0) => Number(own(attributes, tag)?.Value?.[at]);
  const rate = [number('00082144'), number('00180040')].find((one) => one > 0);
  const times = [number('00181065', frame), number('00181063'), rate === undefined ? NaN : 1000 / rate];
  const time = times.find((one) => one > 0) ?? 100;
  // Browsers take less than two hundredths of a second for no time at all, and show the frame for a tenth.
  return Math.min(60_000, Math.max(20, Math.round(time)));
}

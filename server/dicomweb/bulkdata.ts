import { frameCount } from '../core/dicom/frame-ranges.ts';
import { swappedWords, wordWidthAt } from '../core/dicom/word-order.ts';
import { entityOf, locateInstance } from '../core/studies/locate.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { notModified } from '../http/answer/conditional.ts';
import type { Offer } from '../http/answer/negotiate.ts';
import { accepted, reading, partOf, send, type Exchange } from './exchange.ts';
import { sendFrames } from './frames.ts';
import { sendPortion } from './send-portion.ts';
import { multipart } from './write-multipart.ts';
import { own } from '../core/table.ts';

const octets = 'application/octet-stream';
const document = '00420011';

/** One value that metadata left out, at its address there (PS3.18 10.4.1.1.5); Range is honoured on the single-part form. */
export function bulkdata(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const path = bulkPath(ctx.params['path'] ?? '');
    const purpose = { event: 'dicomweb:retrieve', detail: `bulkdata/${path}` };
    const instance = await locateInstance(world, reading(ctx), partOf(ctx), purpose, []);
    const place = own(instance.bulk, path);
    if (!place) throw new Problem('not-found', 'The instance has no bulk data at this path');
    if (path === '7FE00010' && instance.frames?.encapsulated) {
      const all = Array.from({ length: frameCount(instance.frames) }, (_, i) => i + 1);
      return sendFrames(ctx, world, instance, all);
    }
    await sendValue(ctx, world, instance, path);
  };
}

/** `00082112/1/00420011` as the dotted path of the index. @throws Problem `value` for anything else. */
function bulkPath(text: string): string {
  if (!/^[0-9A-Fa-f]{8}(\/[1-9][0-9]{0,5}\/[0-9A-Fa-f]{8})*$/.test(text))
    throw new Problem('value', 'This is not a path of bulk data');
  return text.toUpperCase().replaceAll('/', '.');
}

export async function sendValue(ctx: Exchange, world: World, instance: InstanceRow, path: string): Promise<void> {
  const { offset, length } = own(instance.bulk, path)!;
  const media = mediaTypeOf(instance, path);
  const choices = accepted(ctx, offersFor(media));
  const blob = instance.inflated ?? instance.blob;
  ctx.set('Cache-Control', 'no-store');
  const etag = `W/"${instance.blob}-${path}"`;
  if (notModified(ctx, { etag })) return;
  const width = wordWidthAt(instance, path);
  const bytes = (from: number, size: number) => world.blobs.lend(blob, { offset: offset + from, length: size });
  if (choices[0]!.name === 'multipart') {
    const location = `${world.settings.dicomwebBaseUrl}/${entityOf(instance)}/bulkdata/${path.replaceAll('.', '/')}`;
    const body = () => swappedWords(bytes(0, length), width);
    const answer = multipart(octets, [{ type: octets, location, length, body }]);
    return send(ctx, answer.type, answer.chunks, answer.length);
  }
  const type = choices[0]!.name === 'own' ? media! : octets;
  // A stranger's document is saved and not shown as a page of this server.
  ctx.set('Content-Disposition', 'attachment');
  ctx.set('Content-Security-Policy', "default-src 'none'; sandbox");
  // Words are swapped on their way, so a range of them would begin inside of one.
  if (width !== 1) {
    ctx.set('Accept-Ranges', 'none');
    return send(ctx, type, swappedWords(bytes(0, length), width), length);
  }
  await sendPortion(ctx, { type, length, etag, open: (range) => bytes(range.offset, range.length) });
}

function offersFor(media: string | undefined): Offer<'multipart' | 'single' | 'own'>[] {
  return [
    { name: 'multipart', media: 'multipart/related', part: octets },
    { name: 'single', media: octets },
    ...(media === undefined ? [] : [{ name: 'own' as const, media }]),
  ];
}

/** Documents say what they are (0042,0012). Only types that no browser runs scripts of are repeated. */
function mediaTypeOf(instance: InstanceRow, path: string): string | undefined {
  const named = path === document ? instance.attributes['00420012']?.Value?.[0] : undefined;
  return typeof named === 'string' && /^(application\/pdf|model\/(stl|obj|mtl))$/i.test(named)
    ? named.toLowerCase()
    : undefined;
}

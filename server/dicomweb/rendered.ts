import { isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { frameCount } from '../core/dicom/frame-ranges.ts';
import { entityOf, locatePictures } from '../core/studies/locate.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import type { PixelErrand, RenderedLook } from '../core/studies/pixel-decoder.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { notModified } from '../http/conditional.ts';
import type { Offer } from '../http/negotiate.ts';
import { sendValue } from './bulkdata.ts';
import { accepted, asking, contentTag, errandOf, partOf, send, type Exchange } from './exchange.ts';
import { frameNumbers } from './frames.ts';
import { lookOf, warnOfIgnored } from './look.ts';
import { multipart, type Part } from './write-multipart.ts';

type Form = RenderedLook['format'] | 'parts-jpeg' | 'parts-png';

const pictures: Offer<Form>[] = [
  { name: 'jpeg', media: 'image/jpeg' },
  { name: 'png', media: 'image/png' },
];
const multiparts: Offer<Form>[] = [
  { name: 'parts-jpeg', media: 'multipart/related', part: 'image/jpeg' },
  { name: 'parts-png', media: 'multipart/related', part: 'image/png' },
];

/** One picture to make: a frame (from 0) of an instance. */
interface Picture {
  instance: InstanceRow;
  frame: number;
}

/**
 * An instance or frames as consumer pictures (PS3.18 10.4.1.1.3). The rendered form of a multi-frame instance is
 * its first frame; several frames, or all instances of a series or study, come as one part each.
 */
export function rendered(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const { list } = ctx.params;
    const numbers = list === undefined ? undefined : frameNumbers(list);
    const { instances } = await locatePictures(
      world,
      asking(ctx),
      partOf(ctx),
      'dicomweb:retrieve',
      `${list === undefined ? '' : `frames/${list}/`}rendered`,
      numbers?.map((number) => number - 1) ?? [0],
    );
    const [only] = instances as [InstanceRow];
    if (ctx.params['instance'] !== undefined && isPdf(only)) return sendValue(ctx, world, only, '00420011');
    const chosen = numbers
      ? numbers.map((number) => ({ instance: only, frame: number - 1 }))
      : firstFrames(instances, ctx.params['instance'] !== undefined);
    await sendPictures(ctx, world, chosen, lookOf(ctx.query), contentTag(instances));
  };
}

/** A small picture that stands for a study, series, instance or frame (PS3.18 10.4.1.1.4). */
export function thumbnail(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const { list } = ctx.params;
    const [number] = list === undefined ? [1] : frameNumbers(list);
    const { instances } = await locatePictures(
      world,
      asking(ctx),
      partOf(ctx),
      'dicomweb:retrieve',
      `${list === undefined ? '' : `frames/${list}/`}thumbnail`,
      [number! - 1],
    );
    const images = firstFrames(instances, list !== undefined);
    const { instance, frame } = images[Math.floor(images.length / 2)]!;
    const look = lookOf(ctx.query);
    look.viewport ??= { width: 128, height: 128 };
    await sendPictures(
      ctx,
      world,
      [{ instance, frame: list === undefined ? frame : number! - 1 }],
      look,
      instance.blob,
    );
  };
}

/** What can be shown of these instances; of a single one all that is asked for, so that it is refused with its own reason. */
function firstFrames(instances: InstanceRow[], explicitly: boolean): Picture[] {
  const images = instances.filter(
    (instance) => frameCount(instance.frames) > 0 && (explicitly || isDecoded(instance.TransferSyntaxUID)),
  );
  if (images.length === 0) throw new Problem('not-acceptable', 'There is no image in it that could be rendered');
  return images.map((instance) => ({ instance, frame: 0 }));
}

async function sendPictures(
  ctx: Exchange,
  world: World,
  chosen: Picture[],
  look: Omit<RenderedLook, 'format'>,
  content: string,
): Promise<void> {
  if (chosen.some(({ instance, frame }) => frame >= frameCount(instance.frames)))
    throw new Problem('not-found', 'The instance has no such frame');
  const [choice] = accepted(ctx, chosen.length === 1 ? [...pictures, ...multiparts] : multiparts);
  const format = choice!.name.endsWith('png') ? 'png' : 'jpeg';
  warnOfIgnored(ctx);
  ctx.set('Cache-Control', 'no-store');
  const shown = chosen.map(({ frame }) => frame + 1).join('.');
  if (notModified(ctx, { etag: `W/"${content}-${choice!.name}-${shown}-${tagOf(look)}"` })) return;
  const parts = chosen.map((picture) => picturePart(world, picture, { ...look, format }, errandOf(ctx)));
  if (!choice!.name.startsWith('parts')) return send(ctx, parts[0]!.type, parts[0]!.body());
  const { type, chunks } = multipart(`image/${format}`, parts);
  return send(ctx, type, chunks);
}

function picturePart(world: World, { instance, frame }: Picture, look: RenderedLook, errand: PixelErrand): Part {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield await world.pixels.render(instance, frame, look, errand);
  }
  const location = `${world.settings.dicomwebBaseUrl}/${entityOf(instance)}/frames/${frame + 1}/rendered`;
  return { type: `image/${look.format}`, location, body };
}

function tagOf(look: Omit<RenderedLook, 'format'>): string {
  return Buffer.from(JSON.stringify(look)).toString('base64url');
}

function isPdf(instance: InstanceRow): boolean {
  return (
    instance.bulk['00420011'] !== undefined &&
    String(instance.attributes['00420012']?.Value?.[0]).toLowerCase() === 'application/pdf'
  );
}

import { isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { frameCount } from '../core/dicom/frame-ranges.ts';
import { entityOf, locate, locateInstance, locateMiddleImage, type Purpose } from '../core/studies/locate.ts';
import type { InstanceAddress, StudyPart } from '../core/studies/study-store.ts';
import { everything } from '../core/access/narrowing.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import type { PixelErrand, RenderedLook } from '../core/studies/pixel-decoder.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import { notModified } from '../http/answer/conditional.ts';
import type { Offer } from '../http/answer/negotiate.ts';
import { sendAnimation } from './animation.ts';
import { accepted, reading, contentTag, errandOf, partOf, send, type Exchange } from './exchange.ts';
import { frameNumbers } from './frames.ts';
import { lookOf, warnOfIgnored } from './look.ts';
import { sendDocument } from './rendered-documents.ts';
import { multipart, type Part } from './write-multipart.ts';

type Form = RenderedLook['format'] | `parts-${RenderedLook['format']}`;

export const pictures: Offer<Form>[] = [
  { name: 'jpeg', media: 'image/jpeg' },
  { name: 'png', media: 'image/png' },
  { name: 'gif', media: 'image/gif' },
];
export const multiparts: Offer<Form>[] = [
  { name: 'parts-jpeg', media: 'multipart/related', part: 'image/jpeg' },
  { name: 'parts-png', media: 'multipart/related', part: 'image/png' },
  { name: 'parts-gif', media: 'multipart/related', part: 'image/gif' },
];

/** One picture to make: a frame (from 0) of an instance. */
interface Picture extends Required<StudyPart> {
  frame: number;
  load(): Promise<InstanceRow | undefined>;
}

type Look = Omit<RenderedLook, 'format'>;

/**
 * An instance or frames as consumer pictures (PS3.18 10.4.1.1.3). The rendered form of a multi-frame instance is
 * its first frame, or all of them as a moving picture where GIF is asked for; several frames, or all instances of a series or
 * study, come as one part each. Videos, documents and reports have forms of their own.
 */
export function rendered(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const { list } = ctx.params;
    const part = partOf(ctx);
    const numbers = list === undefined ? [1] : frameNumbers(list);
    const purpose = purposeOf(ctx, 'rendered');
    if (part.SOPInstanceUID === undefined)
      return sendFirstFrames(ctx, world, await locate(world, reading(ctx), part, purpose));
    const frames = numbers.map((number) => number - 1);
    const instance = await locateInstance(world, reading(ctx), part, purpose, frames);
    if (list === undefined && (await sendDocument(ctx, world, instance))) return;
    const look = lookOf(ctx.query);
    if (await sendAnimation(ctx, world, instance, look, list === undefined ? undefined : numbers)) return;
    await sendFrames(ctx, world, instance, frames, look);
  };
}

/** A small picture that stands for a study, series, instance or frame (PS3.18 10.4.1.1.4). */
export function thumbnail(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const { list } = ctx.params;
    const part = partOf(ctx);
    const frame = list === undefined ? 0 : frameNumbers(list)[0]! - 1;
    const purpose = purposeOf(ctx, 'thumbnail');
    const instance =
      list === undefined
        ? await locateMiddleImage(world, reading(ctx), part, purpose)
        : await locateInstance(world, reading(ctx), part, purpose, [frame]);
    const look = lookOf(ctx.query);
    look.viewport ??= { width: 128, height: 128 };
    await sendFrames(ctx, world, instance, [frame], look);
  };
}

function purposeOf(ctx: Exchange, what: string): Purpose {
  const { list } = ctx.params;
  return { event: 'dicomweb:retrieve', detail: `${list === undefined ? '' : `frames/${list}/`}${what}` };
}

/** Frames of one instance; it is refused with its own reason when there is no picture in it. */
export async function sendFrames(
  ctx: Exchange,
  world: World,
  instance: InstanceRow,
  frames: number[],
  look: Look,
): Promise<void> {
  const count = frameCount(instance.frames);
  if (count === 0 && ctx.params['list'] === undefined) throw noImage();
  if (frames.some((frame) => frame >= count)) throw new Problem('not-found', 'The instance has no such frame');
  const pictures = frames.map((frame) => ({ ...nameOf(instance), frame, load: () => Promise.resolve(instance) }));
  await sendPictures(ctx, world, pictures, look, instance.blob);
}

/** The first frame of each image that can be drawn, each read when its turn comes. */
async function sendFirstFrames(ctx: Exchange, world: World, instances: InstanceAddress[]): Promise<void> {
  const images = instances.filter(({ isImage, TransferSyntaxUID }) => isImage && isDecoded(TransferSyntaxUID));
  if (images.length === 0) throw noImage();
  const pictures = images.map((image): Picture => {
    const load = () => world.read(({ studies }) => studies.instance(image, everything, [0]));
    return { ...nameOf(image), frame: 0, load };
  });
  await sendPictures(ctx, world, pictures, lookOf(ctx.query), contentTag(instances));
}

const noImage = (): Problem => new Problem('not-acceptable', 'There is no image in it that could be rendered');

async function sendPictures(
  ctx: Exchange,
  world: World,
  chosen: Picture[],
  look: Look,
  content: string,
): Promise<void> {
  const [choice] = accepted(ctx, chosen.length === 1 ? [...pictures, ...multiparts] : multiparts);
  const format = choice!.name.replace('parts-', '') as RenderedLook['format'];
  warnOfIgnored(ctx);
  ctx.set('Cache-Control', 'no-store');
  const shown = chosen.map(({ frame }) => frame + 1).join('.');
  if (notModified(ctx, { etag: `W/"${content}-${choice!.name}-${shown}-${tagOf(look)}"` })) return;
  const parts = chosen.map((picture) => picturePart(world, picture, { ...look, format }, errandOf(ctx)));
  if (!choice!.name.startsWith('parts')) return send(ctx, parts[0]!.type, parts[0]!.body());
  const { type, chunks } = multipart(`image/${format}`, parts);
  return send(ctx, type, chunks);
}

function picturePart(world: World, picture: Picture, look: RenderedLook, errand: PixelErrand): Part {
  const { frame, load } = picture;
  async function* body(): AsyncGenerator<Uint8Array> {
    const instance = await load();
    if (!instance) throw new Error('an instance was removed while its picture was asked for');
    yield await world.pixels.render(instance, frame, look, errand);
  }
  const location = `${world.settings.dicomwebBaseUrl}/${entityOf(picture)}/frames/${frame + 1}/rendered`;
  return { type: `image/${look.format}`, location, body };
}

function nameOf({ StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID }: Required<StudyPart>): Required<StudyPart> {
  return { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID };
}

function tagOf(look: Look): string {
  return Buffer.from(JSON.stringify(look)).toString('base64url');
}

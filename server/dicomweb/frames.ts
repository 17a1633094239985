import {
  canBeEncoded,
  defaultSyntaxOf,
  encodedMediaTypes,
  frameMediaTypes,
  isDecoded,
} from '../core/dicom/encapsulated-syntaxes.ts';
import { alignBits, frameCount, frameRanges, nativeBytes } from '../core/dicom/frame-ranges.ts';
import { swappedWords, wordWidth } from '../core/dicom/word-order.ts';
import { entityOf, locateInstance } from '../core/studies/locate.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import type { PixelErrand } from '../core/studies/pixel-decoder.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { ByteRange } from '../http/answer/byte-range.ts';
import { notModified } from '../http/answer/conditional.ts';
import type { Choice, Offer } from '../http/answer/negotiate.ts';
import { accepted, reading, errandOf, partOf, send, type Exchange } from './exchange.ts';
import { sendPortion } from './send-portion.ts';
import { multipart, type Part } from './write-multipart.ts';

const explicit = '1.2.840.10008.1.2.1';
const octets = 'application/octet-stream';
const framesLimit = 10_000;

/** How frames go out: in one part each or as the only one; as samples, or as an image, which is encoded if none such is stored. */
type Form = 'samples' | 'image' | 'single-samples' | 'single-image';

/** Frames by their numbers (PS3.18 10.4.1.1.6), read from the file by stored offsets. */
export function frames(world: World) {
  return async (ctx: Exchange): Promise<void> => {
    const numbers = frameNumbers(ctx.params['list'] ?? '');
    const purpose = { event: 'dicomweb:retrieve', detail: `frames/${numbers.join(',')}` };
    await sendFrames(ctx, world, await locateInstance(world, reading(ctx), partOf(ctx), purpose, []), numbers);
  };
}

/** @param numbers from 1, in the order in which they are wanted */
export async function sendFrames(ctx: Exchange, world: World, instance: InstanceRow, numbers: number[]): Promise<void> {
  if (numbers.some((number) => number > frameCount(instance.frames)))
    throw new Problem('not-found', 'The instance has no such frame');
  const choices = accepted(ctx, offersFor(instance, numbers.length));
  const choice = choices.find((candidate) => canGive(instance, candidate));
  if (!choice)
    throw new Problem(
      'not-acceptable',
      'Frames of this instance are not available in this form; as they are stored they are: application/octet-stream; transfer-syntax=*',
    );
  ctx.set('Cache-Control', 'no-store');
  if (
    notModified(ctx, {
      etag: `W/"${instance.blob}-${choice.name}-${syntaxOf(instance, choice)}-${numbers.join('.')}"`,
    })
  )
    return;
  const { media } = choice;
  const parts = numbers.map((number) =>
    framePart(world, instance, number - 1, media, syntaxOf(instance, choice), errandOf(ctx)),
  );
  if (choice.name.startsWith('single')) return sendOne(ctx, world, instance, numbers[0]! - 1, parts[0]!);
  const { type, length, chunks } = multipart(media, parts);
  return send(ctx, type, chunks, length);
}

/** The only frame; a part of it where its bytes lie together as they go out. */
async function sendOne(ctx: Exchange, world: World, instance: InstanceRow, frame: number, part: Part): Promise<void> {
  const { type, length, body } = part;
  const { ranges, bits } = frameRanges(instance, frame);
  const width = instance.frames?.encapsulated ? 1 : wordWidth(instance);
  const [[offset, size] = [0, 0], second] = ranges;
  if (second || bits !== undefined || width !== 1 || length !== size) {
    ctx.set('Accept-Ranges', 'none');
    return send(ctx, type, body(), length);
  }
  const blob = instance.inflated ?? instance.blob;
  const open = (range: ByteRange) => world.blobs.lend(blob, { ...range, offset: offset + range.offset });
  await sendPortion(ctx, { type, length, open });
}

/** @throws Problem `value` for what is not a list of frame numbers. */
export function frameNumbers(list: string): number[] {
  const items = list.split(',');
  if (items.length > framesLimit || !items.every((item) => /^[1-9][0-9]{0,8}$/.test(item)))
    throw new Problem('value', 'Frames are given by their numbers from 1, with commas between them');
  return items.map(Number);
}

function offersFor(instance: InstanceRow, count: number): Offer<Form>[] {
  const images = new Set([...frameMediaTypes(instance.TransferSyntaxUID), ...encodedMediaTypes]);
  const offers: Offer<Form>[] = [{ name: 'samples', media: 'multipart/related', part: octets }];
  for (const part of images) offers.push({ name: 'image', media: 'multipart/related', part });
  if (count > 1) return offers;
  offers.push({ name: 'single-samples', media: octets });
  for (const media of images) offers.push({ name: 'single-image', media });
  return offers;
}

/** Samples come in any form that the file has, or decoded; an image as it is stored, or encoded if its media type is that of the syntax. */
function canGive(instance: InstanceRow, choice: Choice<Form>): boolean {
  const syntax = syntaxOf(instance, choice);
  if (syntax === instance.TransferSyntaxUID) return instance.frames !== null;
  if (choice.name.endsWith('samples')) return syntax === explicit && isDecoded(instance.TransferSyntaxUID);
  return (
    instance.frames !== null &&
    frameMediaTypes(syntax).includes(choice.media) &&
    canBeEncoded(instance.TransferSyntaxUID, syntax)
  );
}

/** Native samples are always given little endian, so that of the file does not matter for them. */
function syntaxOf(instance: InstanceRow, { name, media, transferSyntax }: Choice<Form>): string {
  const asked = transferSyntax === '*' ? undefined : transferSyntax;
  if (name.endsWith('image') && !frameMediaTypes(instance.TransferSyntaxUID).includes(media))
    return asked ?? defaultSyntaxOf(media) ?? instance.TransferSyntaxUID;
  const native = instance.frames !== null && !instance.frames.encapsulated;
  if (transferSyntax === '*') return native ? explicit : instance.TransferSyntaxUID;
  if (transferSyntax === undefined) return name.endsWith('samples') ? explicit : instance.TransferSyntaxUID;
  return native && transferSyntax === instance.TransferSyntaxUID ? explicit : transferSyntax;
}

export function framePart(
  world: World,
  instance: InstanceRow,
  frame: number,
  media: string,
  syntax: string,
  errand: PixelErrand,
): Part {
  const type = `${media}; transfer-syntax=${syntax}`;
  const location = `${world.settings.dicomwebBaseUrl}/${entityOf(instance)}/frames/${frame + 1}`;
  if (instance.frames?.encapsulated && syntax === explicit && instance.TransferSyntaxUID !== explicit)
    return { type, location, body: () => decoded(world, instance, frame, errand) };
  if (syntax !== instance.TransferSyntaxUID && canBeEncoded(instance.TransferSyntaxUID, syntax))
    return { type, location, body: () => encoded(world, instance, frame, syntax, errand) };
  const { ranges, bits } = frameRanges(instance, frame);
  const length = bits === undefined ? ranges.reduce((sum, [, size]) => sum + size, 0) : Math.ceil(bits / 8);
  return { type, location, length, body: () => stored(world, instance, frame) };
}

/** In pieces: hundreds of megabytes in one would hold up everybody while they are handed to the connection. */
const pieceLength = 1 << 20;

async function* decoded(
  world: World,
  instance: InstanceRow,
  frame: number,
  errand: PixelErrand,
): AsyncGenerator<Uint8Array> {
  const bytes = nativeBytes(
    await world.pixels.decode(instance, frame, errand),
    instance.attributes['00280100']?.Value?.[0],
  );
  for (let at = 0; at < bytes.length; at += pieceLength) yield bytes.subarray(at, at + pieceLength);
}

async function* encoded(
  world: World,
  instance: InstanceRow,
  frame: number,
  syntax: string,
  errand: PixelErrand,
): AsyncGenerator<Uint8Array> {
  yield await world.pixels.encode(instance, frame, syntax, errand);
}

async function* stored(world: World, instance: InstanceRow, frame: number): AsyncGenerator<Uint8Array> {
  const { ranges, firstBit, bits } = frameRanges(instance, frame);
  const blob = instance.inflated ?? instance.blob;
  const width = instance.frames?.encapsulated ? 1 : wordWidth(instance);
  for (const [offset, length] of ranges) {
    const bytes = world.blobs.lend(blob, { offset, length });
    if (bits === undefined) yield* width === 1 ? bytes : swappedWords(bytes, width);
    else yield alignBits(await world.blobs.read(blob, { offset, length }), firstBit, bits);
  }
}

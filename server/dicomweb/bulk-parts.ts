import { everything } from '../core/access/narrowing.ts';
import { frameMediaTypes, isDecoded } from '../core/dicom/encapsulated-syntaxes.ts';
import { frameCount } from '../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import { swappedWords, wordWidthAt } from '../core/dicom/word-order.ts';
import { Problem } from '../core/problem.ts';
import { own } from '../core/table.ts';
import { entityOf, locate } from '../core/studies/locate.ts';
import type { InstanceAddress } from '../core/studies/study-store.ts';
import type { World } from '../core/world.ts';
import { notModified } from '../http/answer/conditional.ts';
import { accepted, asking, contentTag, errandOf, partOf, send, type Exchange } from './exchange.ts';
import { framePart } from './frames.ts';
import { multipartStream, type Part } from './write-multipart.ts';

const octets = 'application/octet-stream';
const explicit = '1.2.840.10008.1.2.1';
const pixels = '7FE00010';
const pixelPaths = new Set([pixels, '7FE00008', '7FE00009']);
const images = ['image/jpeg', 'image/jls', 'image/jp2', 'image/jphc', 'image/jxl', 'image/dicom-rle', 'video/mp4', 'video/mpeg']; // prettier-ignore

export const bulkOffers = [octets, ...images].map((part) => ({ name: part, media: 'multipart/related', part }));

/**
 * All bulk data of a study, series or instance, or all of its pixel data (PS3.18 10.4.1.1.5, 10.4.1.1.7): a part for each
 * value with the address that metadata gives it, and for each frame of compressed pixel data. Octets are samples, where
 * they can be had; an image type gives the frames that are stored so, and of the rest the octets.
 */
export function bulkParts(world: World, what: 'bulkdata' | 'pixeldata') {
  return async (ctx: Exchange): Promise<void> => {
    const [choice] = accepted(ctx, bulkOffers);
    const instances = await locate(world, asking(ctx), partOf(ctx), { event: 'dicomweb:retrieve', detail: what });
    ctx.set('Cache-Control', 'no-store');
    const asStored = choice!.transferSyntax === '*';
    const etag = `W/"${contentTag(instances)}-${what}-${choice!.name}${asStored ? '-stored' : ''}"`;
    if (notModified(ctx, { etag })) return;
    const wanted = { what, media: choice!.media, asStored };
    const parts = allParts(ctx, world, instances, wanted);
    const first = await parts.next();
    if (first.done) throw new Problem('not-found', `There is no ${what === 'bulkdata' ? 'bulk' : 'pixel'} data in it`);
    const { type, chunks } = multipartStream(choice!.media, resumed(first.value, parts));
    await send(ctx, type, chunks);
  };
}

async function* resumed(first: Part, rest: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield first;
  yield* rest;
}

interface Wanted {
  what: 'bulkdata' | 'pixeldata';
  media: string;
  asStored: boolean;
}

/** Headers are read one after another, when their turn comes: those of a whole study may not fit into memory. */
async function* allParts(
  ctx: Exchange,
  world: World,
  instances: InstanceAddress[],
  wanted: Wanted,
): AsyncGenerator<Part, undefined> {
  // prettier-ignore
  for (const address of instances) {
    if (wanted.what === 'pixeldata' && !address.isImage) continue;
    const instance = await world.read(({ studies }) => studies.instance(address, everything));
    if (!instance) throw new Problem('transient', 'Instances were removed in this moment; ask again', { retryAfter: 1 });
    for (const path of Object.keys(instance.bulk)) {
      if (wanted.what === 'pixeldata' && !pixelPaths.has(path)) continue;
      if (path === pixels && instance.frames?.encapsulated) yield* frameParts(ctx, world, instance, wanted);
      else yield valuePart(world, instance, path);
    }
  }
  return undefined;
}

function* frameParts(ctx: Exchange, world: World, instance: InstanceRow, { media, asStored }: Wanted): Generator<Part> {
  const { TransferSyntaxUID } = instance;
  const medias = frameMediaTypes(TransferSyntaxUID);
  const isGivenStored = asStored || medias.includes(media) || !isDecoded(TransferSyntaxUID);
  const type = isGivenStored ? (medias.includes(media) ? media : (medias[0] ?? octets)) : octets;
  const syntax = isGivenStored ? TransferSyntaxUID : explicit;
  for (let frame = 0; frame < frameCount(instance.frames); frame++)
    yield framePart(world, instance, frame, type, syntax, errandOf(ctx));
}

function valuePart(world: World, instance: InstanceRow, path: string): Part {
  const { offset, length } = own(instance.bulk, path)!;
  const blob = instance.inflated ?? instance.blob;
  const body = () => swappedWords(world.blobs.open(blob, { offset, length }), wordWidthAt(instance, path));
  const location = `${world.settings.dicomwebBaseUrl}/${entityOf(instance)}/bulkdata/${path.replaceAll('.', '/')}`;
  return { type: octets, location, length, body };
}

/** Images behind a shared link: as pictures for a look, and as the DICOM files for whoever makes a diagnosis. */
import { narrow } from '../../core/access/policy.ts';
import { isDecoded } from '../../core/dicom/encapsulated-syntaxes.ts';
import { frameCount } from '../../core/dicom/frame-ranges.ts';
import type { Shown } from '../../core/patient/open-share.ts';
import { callerOf } from '../../core/principal.ts';
import { Problem } from '../../core/problem.ts';
import { locate, locateInstance } from '../../core/studies/locate.ts';
import type { InstanceAddress } from '../../core/studies/study-store.ts';
import { studyUidOf } from '../../core/studies/study-uid.ts';
import type { World } from '../../core/world.ts';
import { streamOf } from '../../http/answer/stream-of.ts';
import { zipStream } from '../../http/answer/zip-stream.ts';
import { clientGone } from '../../http/request/client-gone.ts';
import { traceOfRequest, type Ctx } from '../account/account-step.ts';
import type { Place } from './shared-page.ts';

/** Files of instances, begun when they are read. */
export type StudyFiles = (instances: readonly InstanceAddress[]) => Promise<(() => AsyncIterable<Uint8Array>)[]>;

/** Screens are seldom larger; the files have every pixel. */
const largest = 2048;

/** How many images can be looked at. */
export async function countImages(world: World, shown: Shown): Promise<number> {
  return (await imagesOf(world, shown)).length;
}

/** Those that can be drawn, in the order of the study, as far as the link reaches. What is shown of them leaves its row. */
async function imagesOf(world: World, { principal, study }: Shown): Promise<InstanceAddress[]> {
  const StudyInstanceUID = studyUidOf(study);
  if (StudyInstanceUID === undefined) return [];
  const narrowing = narrow(principal, 'ImagingStudy', 'read');
  const all = await world.read(({ studies }) => studies.addresses({ StudyInstanceUID }, narrowing));
  return all.filter(({ isImage, TransferSyntaxUID }) => isImage && isDecoded(TransferSyntaxUID));
}

/** Which image and frame the address names. @throws Problem `not-found` for one that is not there. */
export async function placeIn(world: World, shown: Shown, ctx: Ctx): Promise<Place> {
  const images = await imagesOf(world, shown);
  const image = numberIn(ctx.params['image']);
  const address = images[image - 1];
  if (!address) throw new Problem('not-found', 'There is no such image.');
  const narrowing = narrow(shown.principal, 'ImagingStudy', 'read');
  const instance = await world.read(({ studies }) => studies.instance(address, narrowing, [0]));
  const frames = Math.max(1, frameCount(instance?.frames ?? null));
  const wanted = ctx.query['frame'];
  const frame = Math.min(frames, numberIn(typeof wanted === 'string' ? wanted : undefined) || 1);
  return { image, images: images.length, frame, frames };
}

export async function sendPicture(world: World, shown: Shown, ctx: Ctx): Promise<void> {
  const address = (await imagesOf(world, shown))[numberIn(ctx.params['image']) - 1];
  const frame = numberIn(ctx.params['frame']) - 1;
  if (!address || frame < 0) throw new Problem('not-found', 'There is no such image.');
  const asking = { principal: shown.principal, ...traceOfRequest(ctx) };
  const purpose = { event: 'dicomweb:retrieve', detail: `frames/${frame + 1}/rendered` };
  const { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID } = address;
  const part = { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID };
  const instance = await locateInstance(world, asking, part, purpose, [frame]);
  if (frame >= frameCount(instance.frames)) throw new Problem('not-found', 'There is no such image.');
  const look = { format: 'jpeg' as const, quality: 90, viewport: { width: largest, height: largest } };
  const errand = { caller: callerOf(shown.principal), signal: clientGone(ctx.res) };
  const picture = await world.pixels.render(instance, frame, look, errand);
  ctx.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
  ctx.type = 'image/jpeg';
  ctx.body = Buffer.from(picture);
}

/** All files of the study. Names are numbers: what a file is called travels further than what is in it. */
export async function sendZip(
  { world, studyFiles }: { world: World; studyFiles: StudyFiles },
  shown: Shown,
  ctx: Ctx,
): Promise<void> {
  const StudyInstanceUID = studyUidOf(shown.study);
  if (StudyInstanceUID === undefined) throw new Problem('not-found', 'There are no images.');
  const asking = { principal: shown.principal, ...traceOfRequest(ctx) };
  const instances = await locate(world, asking, { StudyInstanceUID }, { event: 'dicomweb:retrieve', detail: 'zip' });
  const files = await studyFiles(instances);
  const named = files.map((chunks, at) => ({ name: `images/${String(at + 1).padStart(6, '0')}.dcm`, chunks }));
  const iterator = zipStream(named);
  ctx.set({ 'Cache-Control': 'no-store', 'Content-Disposition': 'attachment; filename="images.zip"' });
  ctx.type = 'application/zip';
  if (ctx.method === 'HEAD') {
    ctx.status = 200;
    return;
  }
  ctx.body = streamOf(await iterator.next(), iterator);
  ctx.type = 'application/zip';
}

/** 0 for what is no number from 1. */
function numberIn(text: string | undefined): number {
  return /^[1-9]\d{0,5}$/.test(text ?? '') ? Number(text) : 0;
}

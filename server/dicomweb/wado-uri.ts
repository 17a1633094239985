/** WADO-URI (PS3.18 chapter 9): one instance by the parameters of an address, as older viewers and documents link to it. */
import { frameCount } from '../core/dicom/frame-ranges.ts';
import type { InstanceRow } from '../core/dicom/instance.ts';
import { isUid } from '../core/dicom/uid.ts';
import type { RenderedLook } from '../core/studies/pixel-decoder.ts';
import { Problem } from '../core/problem.ts';
import { locateInstance } from '../core/studies/locate.ts';
import { own } from '../core/table.ts';
import type { World } from '../core/world.ts';
import { negotiate } from '../http/answer/negotiate.ts';
import { sendAnimation } from './animation.ts';
import { asking, partOf, type Exchange } from './exchange.ts';
import { isReport } from './report-page.ts';
import { sendDocument } from './rendered-documents.ts';
import { sendFrames } from './rendered.ts';
import { retrieve } from './retrieve.ts';

const pictures = ['image/jpeg', 'image/png', 'image/gif'];
const documents = ['text/html', 'application/pdf', 'video/mp4', 'video/mpeg', 'video/mp2t'];
const offers = ['application/dicom', ...pictures, ...documents].map((media) => ({ name: media, media }));
/** What a library sends when nobody asked for anything: the default. */
const unsaid = { name: '*/*', media: '*/*' };
const dicom = 'application/dicom';
/** Parameters of chapter 9 that have no effect here; the caller is told. */
const withoutEffect = ['annotation', 'charset', 'iccprofile', 'presentationuid', 'presentationseriesuid'];
/** Those of pictures, which say nothing to a file. */
const ofPictures = ['rows', 'columns', 'region', 'windowcenter', 'windowwidth', 'framenumber', 'imagequality'];
const longestSide = 8192;

/** Media types and parameters, for what the service says of itself. */
export const uriTypes: readonly string[] = offers.map(({ media }) => media);
export const uriParameters: readonly string[] = [
  ...[
    'requestType',
    'studyUID',
    'seriesUID',
    'objectUID',
    'contentType',
    'transferSyntax',
    'frameNumber',
    'rows',
    'columns',
  ],
  ...['region', 'windowCenter', 'windowWidth', 'imageQuality'],
];

/**
 * The same instances under the same right and audit as RS: the parameters are put into its words.
 *
 * @throws Problem `value` for parameters that are missing or not of the form of chapter 9, `not-acceptable` for what is
 * not available, de-identification among it.
 */
export function wadoUri(world: World) {
  const retrieveFile = retrieve(world);
  return async (ctx: Exchange): Promise<void> => {
    const parameters = parametersOf(ctx);
    ctx.params = pathOf(parameters);
    if ((parameters.get('anonymize') ?? 'no') !== 'no')
      throw new Problem('not-acceptable', 'anonymize: de-identification (PS3.15 Annex E) includes what is burnt into pixels, which this server does not find; it gives no file that only looks de-identified'); // prettier-ignore
    warn(
      ctx,
      withoutEffect.filter((name) => parameters.has(name)),
    );
    const types = parameters.get('contenttype');
    const [choice] = negotiate(ctx.get('Accept'), types, [unsaid, ...offers]);
    if (!choice) throw new Problem('not-acceptable', `An instance is available as ${uriTypes.join(', ')}`);
    const best = choice.name === unsaid.name ? undefined : choice;
    if (best?.name === dicom) return sendFile(ctx, parameters, retrieveFile);
    const frame = parameters.get('framenumber') === undefined ? undefined : whole(parameters, 'framenumber')!;
    const purpose = {
      event: 'dicomweb:retrieve',
      detail: frame === undefined ? 'rendered' : `frames/${frame}/rendered`,
    };
    const instance = await locateInstance(world, asking(ctx), partOf(ctx), purpose, [(frame ?? 1) - 1]);
    if (!best && !isPictureByDefault(instance, frame)) return sendFile(ctx, parameters, retrieveFile);
    ctx.query = types === undefined ? {} : { accept: types };
    if (frame === undefined && (await sendDocument(ctx, world, instance))) return;
    const look = lookOf(parameters, instance);
    if (frame === undefined && best && (await sendAnimation(ctx, world, instance, look))) return;
    await sendFrames(ctx, world, instance, [(frame ?? 1) - 1], look);
  };
}

/** Names in lower case: clients write them in many ways. */
function parametersOf(ctx: Exchange): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    const key = name.toLowerCase();
    if (parameters.has(key)) throw new Problem('value', 'A parameter is given twice');
    // An unescaped plus sign of a media type arrives as a space.
    if (value.trim() !== '') parameters.set(key, value.trim());
  }
  if (parameters.get('requesttype')?.toUpperCase() !== 'WADO')
    throw new Problem('value', 'requestType is WADO (PS3.18 9.4.1.1)');
  return parameters;
}

function pathOf(parameters: ReadonlyMap<string, string>): Record<string, string> {
  const [study, series, instance] = ['studyUID', 'seriesUID', 'objectUID'].map((name) => {
    const uid = parameters.get(name.toLowerCase());
    if (uid === undefined || !isUid(uid)) throw new Problem('value', `${name} is the UID of what is asked for`);
    return uid;
  });
  return { study: study!, series: series!, instance: instance! };
}

function warn(ctx: Exchange, names: readonly string[]): void {
  if (names.length > 0) ctx.set('Warning', `299 csss "These parameters have no effect: ${names.join(', ')}"`);
}

async function sendFile(
  ctx: Exchange,
  parameters: ReadonlyMap<string, string>,
  send: (ctx: Exchange) => Promise<void>,
): Promise<void> {
  // prettier-ignore
  const unused = [...withoutEffect, ...ofPictures].filter((name) => parameters.has(name));
  warn(ctx, unused);
  const syntax = parameters.get('transfersyntax');
  if (syntax !== undefined && syntax !== '*' && !isUid(syntax))
    throw new Problem('value', 'transferSyntax is the UID of a transfer syntax');
  ctx.query = { accept: syntax === undefined ? dicom : `${dicom}; transfer-syntax=${syntax}` };
  await send(ctx);
}

/** Where nothing is said: a picture of one frame as JPEG, a report as a page, everything else as the file (PS3.18 9.4.1.1.1). */
function isPictureByDefault(instance: InstanceRow, frame: number | undefined): boolean {
  return frame !== undefined || frameCount(instance.frames) === 1 || isReport(instance.attributes);
}

function lookOf(parameters: ReadonlyMap<string, string>, instance: InstanceRow): Omit<RenderedLook, 'format'> {
  const quality = whole(parameters, 'imagequality');
  if (quality !== undefined && quality > 100) throw new Problem('value', 'imageQuality is an integer from 1 to 100');
  const [center, width] = ['windowcenter', 'windowwidth'].map((name) => decimal(parameters, name));
  if ((center === undefined) !== (width === undefined) || (width !== undefined && width < 1))
    throw new Problem('value', 'windowCenter and windowWidth come together, the width at least 1');
  const viewport = viewportOf(parameters, instance);
  return {
    ...(quality !== undefined && { quality }),
    ...(center !== undefined && { window: { center, width: width!, shape: 'linear' as const } }),
    ...(viewport && { viewport }),
  };
}

/** `rows` and `columns` bound the picture, which keeps its shape; `region` is a part of the image in fractions of its sides. */
function viewportOf(parameters: ReadonlyMap<string, string>, { attributes }: InstanceRow): RenderedLook['viewport'] {
  const [rows, columns] = [whole(parameters, 'rows'), whole(parameters, 'columns')];
  const text = parameters.get('region');
  if (rows === undefined && columns === undefined && text === undefined) return undefined;
  if ([rows, columns].some((side) => side !== undefined && side > longestSide))
    throw new Problem('value', `rows and columns are ${longestSide} at most`);
  const [height = 1, width = 1] = ['00280010', '00280011'].map((tag) => Number(own(attributes, tag)?.Value?.[0] ?? 1));
  if (text === undefined) return { width: columns ?? longestSide, height: rows ?? longestSide };
  const [left = -1, top = -1, right = -1, bottom = -1, ...rest] = text.split(',').map((part) => (/^([01]?\.[0-9]{1,9}|[01])$/.test(part.trim()) ? Number(part) : -1)); // prettier-ignore
  if (rest.length > 0 || left < 0 || top < 0 || right > 1 || bottom > 1 || right <= left || bottom <= top)
    throw new Problem('value', 'region is xmin,ymin,xmax,ymax, each from 0.0 to 1.0');
  const region = { x: left * width, y: top * height, width: (right - left) * width, height: (bottom - top) * height };
  const natural = { width: Math.ceil(region.width), height: Math.ceil(region.height) };
  if (rows === undefined && columns === undefined) return { ...natural, region };
  return { width: columns ?? longestSide, height: rows ?? longestSide, region };
}

function whole(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Problem('value', `${name} is an integer from 1`);
  return Number(text);
}

function decimal(parameters: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = parameters.get(name);
  if (text === undefined) return undefined;
  if (!/^[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})$/.test(text)) throw new Problem('value', `${name} is a number`);
  return Number(text);
}

/** `/wado` at the root, where older viewers look for it, is that of the service at `base`. */
export function wadoAtRoot(base: string) {
  return async (ctx: { path: string }, next: () => Promise<unknown>): Promise<void> => {
    if (ctx.path === '/wado') ctx.path = `${base}/wado`;
    await next();
  };
}

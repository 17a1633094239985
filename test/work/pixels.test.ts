import type { Observation, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Codecs from 'dcmjs-codecs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { classifyInstance } from '../../server/core/analysis/analyze-study.ts';
import { mostTelling } from '../../server/core/analysis/images-to-read.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import type { Element, Fragments, ImageOptions } from '../harness/dicom-file.ts';
import { change, open, read, reviewWorld, steps, type ReviewWorld } from './review-world.ts';

// The whole way of pixels: a DICOM file of each kind that says the same picture must get the same answer.
const { Context, NativeCodecs } = createRequire(import.meta.url)('dcmjs-codecs') as typeof Codecs;
const side = 256;
let place: ReviewWorld;
let grey: Uint8Array;
let known: number[];

beforeAll(async () => {
  const jpeg = join(import.meta.dirname, '../../server/demo/images/film-1.jpg');
  const { data } = await sharp(jpeg)
    .greyscale()
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  grey = new Uint8Array(data);
  place = await reviewWorld();
  await NativeCodecs.initializeAsync();
  known = await answerTo(film({}));
});
afterAll(() => place.stop());

let patients = 0;
const film = (options: ImageOptions): ImageOptions => ({
  modality: 'DX', rows: side, columns: side, bits: 8, pixels: grey, patientId: `PIXELS-${++patients}`, ...options,
}); // prettier-ignore

async function answerTo(options: ImageOptions): Promise<number[]> {
  const { study } = await place.image(options);
  const uid = study.identifier!.find(({ system }) => system === systems.studyUid)!.value!.replace('urn:oid:', '');
  const image = await place.world.read(({ studies }) => mostTelling(studies, uid));
  return (await classifyInstance(place.world, image!, place.world.classifier)).classification.probabilities;
}

const words = (value: (grey: number) => number) => Buffer.from(Uint16Array.from(grey, value).buffer);
const signedWords = (value: (grey: number) => number) => Buffer.from(Int16Array.from(grey, value).buffer);
const stored = (bits: number): Element[] => [['00280101', 'US', bits], ['00280102', 'US', bits - 1]]; // prettier-ignore
const exactly = (center: string, width: string): Element[] => [['00281050', 'DS', center], ['00281051', 'DS', width], ['00281056', 'CS', 'LINEAR_EXACT']]; // prettier-ignore
const turning: Element[][] = [[['00283002', 'US', [256, 0, 8]], ['00283004', 'LO', 'MGML'], ['00283006', 'US', Array.from({ length: 256 }, (_, i) => 255 - i)]]]; // prettier-ignore
const rescale = (slope: string, intercept: string): Element[] => [['00281052', 'DS', intercept], ['00281053', 'DS', slope]]; // prettier-ignore

/** The film in the middle of a page of one value. */
function bordered(left: number, top: number, value: number): Partial<ImageOptions> {
  const [columns, rows] = [side + 2 * left, side + 2 * top];
  const pixels = new Uint8Array(columns * rows).fill(value);
  for (let y = 0; y < side; y++) pixels.set(grey.subarray(y * side, (y + 1) * side), (y + top) * columns + left);
  return { rows, columns, pixels };
}

function encoded(
  codec: 'encodeJpeg' | 'encodeJpegLs' | 'encodeJpeg2000' | 'encodeHtJpeg2000',
  parameters = {},
): Fragments {
  const context = new Context({
    width: side, height: side, bitsAllocated: 8, bitsStored: 8, samplesPerPixel: 1, pixelRepresentation: 0, planarConfiguration: 0,
    photometricInterpretation: 'MONOCHROME2', decodedBuffer: grey.slice(),
  }); // prettier-ignore
  return fragment(NativeCodecs[codec](context, parameters).getEncodedBuffer()!);
}

const fragment = (bytes: Uint8Array): Fragments => ({
  fragments: [bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])],
});
const jpegSyntax = (last: number) => `1.2.840.10008.1.2.4.${last}`;

/** PackBits of literal runs (PS3.5 G.3.1). */
function runLength(): Fragments {
  const head = Buffer.alloc(64);
  head.writeUInt32LE(1, 0);
  head.writeUInt32LE(64, 4);
  const runs = Array.from({ length: grey.length / 128 }, (_, i) =>
    Buffer.concat([Buffer.of(127), grey.subarray(i * 128, (i + 1) * 128)]),
  );
  return fragment(Buffer.concat([head, ...runs]));
}

describe('the same picture gets the same answer', () => {
  test.each<[string, () => Partial<ImageOptions>]>([
    ['MONOCHROME1', () => ({ pixels: grey.map((value) => 255 - value), with: [['00280004', 'CS', 'MONOCHROME1']] })],
    [
      '12 bits and a window',
      () => ({ bits: 16, pixels: words((value) => value * 16), with: [...stored(12), ...exactly('2040', '4080')] }),
    ],
    [
      '16 bits and rescale',
      () => ({
        bits: 16,
        pixels: words((value) => value * 100 + 500),
        with: [...rescale('0.01', '-5'), ...exactly('127.5', '255')],
      }),
    ],
    [
      '16 bits signed and rescale',
      () => ({
        bits: 16,
        pixels: signedWords((value) => value * 100 - 12_750),
        with: [['00280103', 'US', 1], ...rescale('0.01', '127.5'), ...exactly('127.5', '255')],
      }),
    ],
    ['a VOI lookup table', () => ({ pixels: grey.map((value) => 255 - value), with: [['00283010', 'SQ', turning]] })],
    [
      'a modality lookup table',
      () => ({ pixels: grey.map((value) => 255 - value), with: [['00283000', 'SQ', turning]] }),
    ],
    [
      'the middle of three frames',
      () => ({
        frames: 3,
        pixels: Buffer.concat([grey.map((value) => value >> 1), grey, grey.map((value) => 255 - value)]),
      }),
    ],
    ['wide black borders', () => bordered(60, 0, 0)],
    ['wide black borders all around', () => bordered(100, 40, 0)],
    [
      'wide white borders of a MONOCHROME1 film',
      () => ({
        ...bordered(80, 30, 0),
        pixels: Uint8Array.from(bordered(80, 30, 0).pixels as Uint8Array, (value) => 255 - value),
        with: [['00280004', 'CS', 'MONOCHROME1']],
      }),
    ],
    ['RLE', () => ({ transferSyntax: '1.2.840.10008.1.2.5', pixels: runLength() })],
    [
      'JPEG Lossless',
      () => ({ transferSyntax: jpegSyntax(70), pixels: encoded('encodeJpeg', { lossy: false, predictor: 1 }) }),
    ],
    ['JPEG-LS', () => ({ transferSyntax: jpegSyntax(80), pixels: encoded('encodeJpegLs') })],
    ['JPEG 2000', () => ({ transferSyntax: jpegSyntax(90), pixels: encoded('encodeJpeg2000') })],
    ['HTJ2K', () => ({ transferSyntax: jpegSyntax(201), pixels: encoded('encodeHtJpeg2000') })],
  ])('%s', async (_name, options) => {
    const found = await answerTo(film(options()));
    found.forEach((value, i) => expect(Math.abs(value - known[i]!)).toBeLessThan(1e-4));
  });

  test('an MR slice keeps its black surroundings: the training had them', async () => {
    const options = bordered(60, 0, 0);
    const slice = await answerTo(film({ ...options, modality: 'MR' }));
    expect(Math.max(...slice.map((value, i) => Math.abs(value - known[i]!)))).toBeGreaterThan(1e-3);
  });

  test('JPEG baseline, within what its losses change', async () => {
    const jpeg = await sharp(grey, { raw: { width: side, height: side, channels: 1 } })
      .toColourspace('b-w')
      .jpeg({ quality: 95 })
      .toBuffer();
    const found = await answerTo(film({ transferSyntax: jpegSyntax(50), pixels: fragment(jpeg) }));
    found.forEach((value, i) => expect(Math.abs(value - known[i]!)).toBeLessThan(0.15));
  });

  test('RGB with equal channels, as a grey film', async () => {
    const pixels = Uint8Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)]!);
    const found = await answerTo(film({ modality: 'SC', pixels, with: [['00280002', 'US', 3], ['00280004', 'CS', 'RGB'], ['00280006', 'US', 0]] })); // prettier-ignore
    found.forEach((value, i) => expect(Math.abs(value - known[i]!)).toBeLessThan(0.05));
  });

  test('a palette whose table ends before the values do: those beyond are its last entry', async () => {
    const table = Buffer.from(Uint16Array.from({ length: 200 }, (_, i) => i * 257).buffer);
    const colours = ['1', '2', '3'].flatMap((n): Element[] => [[`0028110${n}`, 'US', [200, 0, 16]], [`0028120${n}`, 'OW', table]]); // prettier-ignore
    const found = await answerTo(film({ with: [['00280004', 'CS', 'PALETTE COLOR'], ...colours] }));
    const clipped = await answerTo(film({ pixels: grey.map((value) => Math.min(value, 199)) }));
    found.forEach((value, i) => expect(Math.abs(value - clipped[i]!)).toBeLessThan(0.05));
  });

  test('a deep film without a window is spread over its content, not over its borders', async () => {
    const wide = bordered(60, 20, 0);
    const deep = (pixels: Uint8Array) =>
      Buffer.from(Uint16Array.from(pixels, (value) => (value === 0 ? 0 : 1000 + value * 4)).buffer);
    const content = await answerTo(
      film({ bits: 16, pixels: deep(grey.map((value) => Math.max(1, value))), with: stored(12) }),
    );
    const pixels = wide.pixels as Uint8Array;
    const inside = pixels.map((value, i) => {
      const [x, y] = [i % wide.columns!, Math.floor(i / wide.columns!)];
      return x >= 60 && x < 60 + side && y >= 20 && y < 20 + side ? Math.max(1, value) : 0;
    });
    const found = await answerTo(film({ ...wide, bits: 16, pixels: deep(inside), with: stored(12) }));
    found.forEach((value, i) => expect(Math.abs(value - content[i]!)).toBeLessThan(1e-4));
  });
});

/** What becomes of a file: refused when stored, not for the AI, a Task that failed, or a result. */
async function fateOf(options: ImageOptions): Promise<string> {
  const review = await place.image(options).catch((error: Error) => error);
  if (review instanceof Error) return `not stored: ${(JSON.parse(review.message) as { reason: string }[])[0]!.reason}`;
  const [first] = await steps(place.world, review.coordinationId);
  if (first!.status === 'cancelled') return first!.statusReason!.coding!.map(({ code }) => code).join(': ');
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  const ended = await read<Task>(place.world, 'Task', step.id);
  if (ended.status === 'failed') return `failed: ${ended.statusReason!.coding![0]!.code}`;
  const id = outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'ai-finding')!.reference.split(
    '/',
  )[1]!;
  const finding = await read<Observation>(place.world, 'Observation', id);
  const refusal = finding.component!.find(({ code }) => code.coding![0]!.code === 'refusal')?.valueCodeableConcept!
    .coding![0]!.code;
  return refusal
    ? `${finding.valueCodeableConcept!.coding![0]!.code}: ${refusal}`
    : finding.valueCodeableConcept!.coding![0]!.code!;
}

/** White lungs on black: what a segmentation is often stored as. */
const mask = () =>
  Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    const inside = (cx: number) => ((x - cx) / 42) ** 2 + ((y - 128) / 82) ** 2 < 1;
    return inside(80) || inside(176) ? 255 : 0;
  });

async function screen(): Promise<Partial<ImageOptions>> {
  const photo = join(import.meta.dirname, '../../docs/images', 'admin.png');
  const { data } = await sharp(photo)
    .removeAlpha()
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { modality: 'SC', pixels: new Uint8Array(data), with: [['00280002', 'US', 3], ['00280004', 'CS', 'RGB'], ['00280006', 'US', 0]], without: ['00180015'] }; // prettier-ignore
}

describe('what cannot be classified ends with a reason, and the next film is answered', () => {
  test.each<[string, () => Partial<ImageOptions> | Promise<Partial<ImageOptions>>, RegExp]>([
    ['pixel data cut short', () => ({ pixels: grey.subarray(0, 1000) }), /^(not stored|failed): /],
    ['65535 x 65535 pixels of a few bytes', () => ({ rows: 65_535, columns: 65_535, pixels: grey.subarray(0, 256) }), /^(not stored|failed): /],
    ['no rows', () => ({ rows: 0 }), /^not-eligible$/],
    ['a photometric interpretation of another kind', () => ({ with: [['00280004', 'CS', 'HSV']] }), /^failed: unsupported-transfer-syntax$/],
    ['a broken JPEG 2000 stream', () => ({ transferSyntax: jpegSyntax(90), pixels: fragment(Buffer.concat([encoded('encodeJpeg2000').fragments[0]!.subarray(0, 400), Buffer.alloc(200, 0x55)])) }), /^failed: broken-pixel-data$/],
    ['JPEG 2000 that says another size', () => ({ transferSyntax: jpegSyntax(90), rows: side * 2, pixels: encoded('encodeJpeg2000') }), /^failed: broken-pixel-data$/],
    ['a hand', () => ({ with: [['00180015', 'CS', 'HAND']] }), /^not-eligible: unsupported-body-part$/],
    ['a lateral view', () => ({ with: [['00185101', 'CS', 'LL']] }), /^not-eligible: unsupported-view$/],
    ['a mask of lungs', () => ({ pixels: mask() }), /^Unsupported: /],
    ['a colour screen as secondary capture', screen, /^Unsupported: /],
    ['one grey value', () => ({ pixels: new Uint8Array(side * side).fill(128) }), /^Unsupported: /],
    ['noise', () => ({ pixels: Uint8Array.from({ length: side * side }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 24) & 255) }), /^Unsupported: /],
    ['a film with light and dark turned', () => ({ pixels: grey.map((value) => 255 - value) }), /^(Unsupported: |Uncertain$)/],
  ])('%s', async (_name, options, fate) => {
    expect(await fateOf(film(await options()))).toMatch(fate);
    const found = await answerTo(film({}));
    expect(found).toEqual(known);
  });
}); // prettier-ignore

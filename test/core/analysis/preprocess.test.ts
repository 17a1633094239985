import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readModelDescription } from '../../../server/core/analysis/model-description.ts';
import { whole } from '../../../server/core/analysis/content.ts';
import { modelInput, type ScaleToGrey } from '../../../server/core/analysis/preprocess.ts';
import type { Presentation } from '../../../server/core/dicom/presentation.ts';
import type { DecodedFrame } from '../../../server/core/dicom/instance.ts';

const manifest = () =>
  JSON.parse(readFileSync(new URL('../../../models/chest-mobilenet-v2/model.json', import.meta.url), 'utf8')) as Record<
    string,
    unknown
  >;
const model = readModelDescription(manifest());
const plain: Presentation = { slope: 1, intercept: 0, inverse: false };

/** Nearest pixel, first channel: the arithmetic before the scaling is what is looked at here. */
const pick: ScaleToGrey = async ({ width, height, channels, data }, to) =>
  Uint8Array.from({ length: to.width * to.height }, (_, i) => {
    const x = Math.floor(((i % to.width) * width) / to.width);
    const y = Math.floor((Math.floor(i / to.width) * height) / to.height);
    return data[(y * width + x) * channels]!;
  });

const frame = (over: Partial<DecodedFrame>): DecodedFrame => ({
  rows: 2, columns: 2, samplesPerPixel: 1, bitsStored: 8, signed: false, photometricInterpretation: 'MONOCHROME2',
  pixels: Uint8Array.of(0, 50, 200, 255), ...over,
}); // prettier-ignore

/** The four quarters of the 224 x 224 input. */
async function quarters(over: Partial<DecodedFrame>, presentation: Partial<Presentation> = {}): Promise<number[]> {
  const { image } = await modelInput(frame(over), { ...plain, ...presentation }, model, pick);
  expect(image).toHaveLength(224 * 224 * 3);
  return [0, 112, 112 * 224, 112 * 224 + 112].map((place) => {
    const three = image.slice(place * 3, place * 3 + 3);
    expect(new Set(three).size).toBe(1);
    return three[0]!;
  });
}

test('8-bit grey stays as it is', async () => expect(await quarters({})).toEqual([0, 50, 200, 255]));

test('MONOCHROME1 is turned: air is dark in the model’s eyes', async () =>
  expect(await quarters({ photometricInterpretation: 'MONOCHROME1' }, { inverse: true })).toEqual([255, 205, 55, 0]));

test('12 bits in 16 with a window', async () =>
  expect(
    await quarters(
      { bitsStored: 12, pixels: Uint16Array.of(0, 1000, 2000, 4095) },
      { window: { center: 1000.5, width: 1001, shape: 'linear' } },
    ),
  ).toEqual([0, 128, 255, 255]));

test('16 bits signed with rescale', async () =>
  expect(
    await quarters(
      { bitsStored: 16, signed: true, pixels: Int16Array.of(-1024, 0, 476, 2000) },
      { slope: 1, intercept: -1024, window: { center: -774, width: 500, shape: 'linear-exact' } },
    ),
  ).toEqual([0, 0, 243, 255]));

test('without a window a deep image is spread over its own range', async () =>
  expect(await quarters({ bitsStored: 16, pixels: Uint16Array.of(1000, 1000, 3000, 3000) })).toEqual([0, 0, 255, 255]));

test('the preview keeps the aspect and never grows', async () => {
  const pixels = new Uint8Array(1024 * 512);
  const { preview } = await modelInput(frame({ rows: 512, columns: 1024, pixels }), plain, model, pick);
  expect([preview.width, preview.height]).toEqual([384, 192]);
  expect((await modelInput(frame({}), plain, model, pick)).preview).toMatchObject({ width: 2, height: 2 });
});

/** 40 x 20, the content in the middle of a frame of one value. */
const page = (border: (x: number, y: number) => number, left: number, top: number) => ({
  rows: 20, columns: 40,
  pixels: Uint8Array.from({ length: 800 }, (_, i) => {
    const [x, y] = [i % 40, Math.floor(i / 40)];
    return x >= left && x < 40 - left && y >= top && y < 20 - top ? 10 + ((x * 7 + y * 13) % 90) : border(x, y);
  }),
}); // prettier-ignore

test.each([
  ['wide borders of one value', page(() => 0, 8, 4), { left: 0.2, top: 0.2, width: 0.6, height: 0.6 }],
  ['bright ones', page(() => 255, 8, 0), { left: 0.2, top: 0, width: 0.6, height: 1 }],
  ['a thin border', page(() => 0, 2, 1), whole],
  ['a border with noise', page((x, y) => (x + y) % 2, 8, 4), whole],
  ['one value everywhere', page(() => 0, 20, 10), whole],
  ['a dot on an empty page', page(() => 0, 18, 9), whole],
])('of a page with %s the content is found', async (_name, over, content) => {
  const input = await modelInput(frame(over), plain, model, pick);
  for (const key of ['left', 'top', 'width', 'height'] as const)
    expect(input.content[key]).toBeCloseTo(content[key], 5);
  expect(input.preview).toMatchObject({ width: 40, height: 20 });
  expect((await modelInput(frame(over), plain, model, pick, true)).content).toEqual(whole);
});

test('colour borders are found in all three channels', async () => {
  const pixels = Uint8Array.from({ length: 2400 }, (_, i) =>
    Math.floor(i / 3) % 40 < 8 ? [9, 8, 7][i % 3]! : (i * 11) % 251,
  );
  const over = { rows: 20, columns: 40, samplesPerPixel: 3, photometricInterpretation: 'RGB', pixels } as const;
  expect((await modelInput(frame(over), plain, model, pick)).content).toEqual({
    left: 0.2,
    top: 0,
    width: 0.8,
    height: 1,
  });
});

test.each([
  [{ rows: 0 }, 'structure'],
  [{ rows: 65535, columns: 65535 }, 'structure'],
  [{ pixels: Uint8Array.of(1, 2) }, 'structure'],
  [{ photometricInterpretation: 'HSV' }, 'not-supported'],
  [{ photometricInterpretation: 'PALETTE COLOR' }, 'not-supported'],
] as const)('%j is refused as %s', async (over, code) => {
  await expect(modelInput(frame(over), plain, model, pick)).rejects.toMatchObject({ code });
});

test.each([
  ['schema', 'csss-model/9', /schema/],
  ['labels', [], /labels/],
  ['input', { name: 'image', type: 'uint8', shape: ['N', 224, 224, 1] }, /shape/],
  ['input', { name: 'image', type: 'uint8', shape: ['N', 299, 299, 3] }, /shape/],
  ['model', { file: '../../etc/passwd', sha256: 'x', bytes: 1 }, /model\.file.*model\.sha256/],
])('a description with another %s is refused by name', (element, value, message) => {
  expect(() => readModelDescription({ ...manifest(), [element]: value })).toThrow(message);
});

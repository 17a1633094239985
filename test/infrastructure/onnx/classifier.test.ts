import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Classifier } from '../../../server/core/analysis/classifier.ts';
import type { DecodedFrame } from '../../../server/core/dicom/instance.ts';
import { startClassifier } from '../../../server/infrastructure/onnx/classifier.ts';
import { goldenImage } from '../../../server/infrastructure/onnx/self-test.ts';

const shipped = join(import.meta.dirname, '../../../models/chest-mobilenet-v2');
const plain = { slope: 1, intercept: 0, inverse: false };
let classifier: Classifier & { close(): Promise<void> };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-model-'));
  classifier = await startClassifier({ folder: shipped, providers: ['cuda', 'webgpu', 'cpu'], workers: 2 });
});
afterAll(async () => {
  await classifier.close();
  await rm(folder, { recursive: true, force: true });
});

/** The known image of the self-test as an 8-bit frame of the model's own size: nothing is scaled on the way. */
function goldenFrame(k: number): DecodedFrame {
  const pixels = goldenImage(k, 224).filter((_, i) => i % 3 === 0);
  return {
    rows: 224,
    columns: 224,
    samplesPerPixel: 1,
    bitsStored: 8,
    signed: false,
    photometricInterpretation: 'MONOCHROME2',
    pixels,
  };
}

/** A copy of the shipped model with one file changed. */
async function altered(file: string, change: (bytes: Buffer) => Buffer | string): Promise<string> {
  const copy = await mkdtemp(join(folder, 'copy-'));
  await cp(shipped, copy, { recursive: true });
  await writeFile(join(copy, file), change(await readFile(join(shipped, file))));
  return copy;
}

test('it is ready, and says on what', () => {
  const state = classifier.state();
  expect(state.ready && ['cuda', 'webgpu', 'cpu'].includes(state.provider)).toBe(true);
});

test('an image through decoding, window, scaling and model gives the known answer', async () => {
  const golden = JSON.parse(await readFile(join(shipped, 'golden.json'), 'utf8')) as {
    images: { probabilities: number[]; gradcam: number[] }[];
  };
  for (const k of [0, 1]) {
    const found = await classifier.classify(goldenFrame(k), plain);
    const known = golden.images[k]!;
    found.probabilities.forEach((value, i) => expect(Math.abs(value - known.probabilities[i]!)).toBeLessThan(1e-3));
    const top = known.probabilities.indexOf(Math.max(...known.probabilities));
    const scale = Math.max(...known.gradcam);
    found.heatMaps[top]!.forEach((value, i) => expect(Math.abs(value - known.gradcam[i]!)).toBeLessThan(1e-3 * scale));
    expect(found).toMatchObject({ heatMapSize: 7, heatMap: { width: 224, height: 224 } });
  }
});

test('many images at once are all answered, and alike', async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => classifier.classify(goldenFrame(1), plain)));
  for (const { probabilities } of answers) expect(probabilities).toEqual(answers[0]!.probabilities);
});

test('a colour image is taken as grey', async () => {
  const pixels = goldenImage(1, 224);
  const colour = await classifier.classify(
    { ...goldenFrame(1), samplesPerPixel: 3, photometricInterpretation: 'RGB', pixels },
    plain,
  );
  const grey = await classifier.classify(goldenFrame(1), plain);
  colour.probabilities.forEach((value, i) => expect(Math.abs(value - grey.probabilities[i]!)).toBeLessThan(0.01));
});

test('broken pixels are refused and the next image is answered', async () => {
  await expect(classifier.classify({ ...goldenFrame(0), rows: 65535, columns: 65535 }, plain)).rejects.toMatchObject({
    code: 'structure',
  });
  await expect(
    classifier.classify({ ...goldenFrame(0), photometricInterpretation: 'HSV' }, plain),
  ).rejects.toMatchObject({ code: 'not-supported' });
  expect((await classifier.classify(goldenFrame(0), plain)).probabilities).toHaveLength(6);
});

test('the event loop goes on while the model runs', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await Promise.all(Array.from({ length: 6 }, () => classifier.classify(goldenFrame(0), plain)));
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(3);
});

test('a full queue refuses, for another try', async () => {
  const small = await startClassifier({ folder: shipped, providers: ['cpu'], workers: 1, waiting: 1 });
  const all = await Promise.allSettled(Array.from({ length: 4 }, () => small.classify(goldenFrame(0), plain)));
  const refused = all.filter((one) => one.status === 'rejected').map(({ reason }) => (reason as { code: string }).code);
  expect(refused).toEqual(['transient', 'transient']);
  await small.close();
});

test('a run past its time is ended, and a new process answers the next', async () => {
  const hasty = await startClassifier({ folder: shipped, providers: ['cpu'], workers: 1, timeoutMs: 1 });
  const film = (): DecodedFrame => ({
    ...goldenFrame(0),
    rows: 4000,
    columns: 4000,
    pixels: new Uint8Array(16_000_000),
  });
  await expect(hasty.classify(film(), plain)).rejects.toMatchObject({ code: 'timeout' });
  await expect(hasty.classify(film(), plain)).rejects.toMatchObject({ code: 'timeout' });
  expect(hasty.state().ready).toBe(true);
  await hasty.close();
});

test.each([
  [
    'an altered model file',
    'model.onnx',
    (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])]),
    /SHA-256/,
  ],
  ['a truncated model file', 'model.onnx', (bytes: Buffer) => bytes.subarray(0, 1000), /SHA-256/],
  ['a description of another shape', 'model.json', (bytes: Buffer) => bytes.toString().replaceAll('224', '299'), /./],
  ['a description that is no JSON', 'model.json', () => '{', /not JSON/],
  [
    'known answers that differ',
    'golden.json',
    (bytes: Buffer) => bytes.toString().replace(/("probabilities":\s*\[\s*)[\d.e-]+/, '$10.99999'),
    /self-test/,
  ],
])('%s: not ready, and the reason is said', async (_name, file, change, reason) => {
  const sick = await startClassifier({ folder: await altered(file, change), providers: ['cpu'], workers: 1 });
  const state = sick.state();
  expect(state.ready).toBe(false);
  expect(!state.ready && state.reason).toMatch(reason);
  await expect(sick.classify(goldenFrame(0), plain)).rejects.toMatchObject({ code: 'transient' });
  await sick.close();
});

test('no model folder: not ready, and the reason is said', async () => {
  const none = await startClassifier({ folder: join(folder, 'nowhere'), providers: ['cpu'] });
  expect(none.state()).toEqual({
    ready: false,
    reason: 'the model folder has no readable model.json',
    code: 'missing-file',
  });
  await none.close();
});

test('a provider that is not there is named, not fallen back from silently', async () => {
  const state = (
    await startClassifier({ folder: shipped, providers: ['no-such-provider', 'cuda'], workers: 1 })
  ).state();
  if (state.ready) expect(state.provider).toBe('cuda');
  else expect(state.reason).toMatch(/cuda/);
});

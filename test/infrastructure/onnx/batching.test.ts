import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import type { Classification } from '../../../server/core/analysis/classifier.ts';
import type { DecodedFrame } from '../../../server/core/dicom/instance.ts';
import { type ClassifierOptions, startClassifier } from '../../../server/infrastructure/onnx/classifier.ts';
import type { BatchAnswer, Opened } from '../../../server/infrastructure/onnx/inference-messages.ts';
import { openSession } from '../../../server/infrastructure/onnx/inference-session.ts';
import { loadModel } from '../../../server/infrastructure/onnx/model-file.ts';
import { goldenImage } from '../../../server/infrastructure/onnx/self-test.ts';
import { serveSession } from '../../../server/infrastructure/onnx/serve-session.ts';

const folder = join(import.meta.dirname, '../../../models/chest-mobilenet-v2');
const sessionScript = new URL('../../harness/scripted-session.ts', import.meta.url);
const plain = { slope: 1, intercept: 0, inverse: false };
const started: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of started.splice(0)) await one.close();
});

async function start(options: Partial<ClassifierOptions>) {
  const classifier = await startClassifier({
    folder,
    providers: ['cuda', 'cpu'],
    workers: 2,
    waiting: 1000,
    ...options,
  });
  started.push(classifier);
  return classifier;
}

/** A frame of the model's own size whose first byte is `mark`: a scripted session sees it. */
function marked(mark: number): DecodedFrame {
  const pixels = goldenImage(1, 224).filter((_, i) => i % 3 === 0);
  pixels[0] = mark;
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

/** Which run it was, and how many images shared it. */
const runOf = ({ distance }: Classification) => ({ run: distance[0]!, shared: distance[1]! });

test('a batch gives the answers of single runs, image by image, in order', async () => {
  const [alone, together] = [await start({ providers: ['cpu'] }), await start({ providers: ['cpu'], workers: 1, batch: { size: 8, delayMs: 200, onCpu: true } })];
  const frames = () => Array.from({ length: 8 }, (_, i) => ({ ...marked(i), pixels: marked(i).pixels.map((value) => (value * (i + 3)) & 255) }));
  const single = await Promise.all(frames().map((frame) => alone.classify(frame, plain)));
  const batched = await Promise.all(frames().map((frame) => together.classify(frame, plain)));
  const state = together.state();
  expect(state.ready && state.load.meanBatch).toBeGreaterThan(1);
  expect(new Set(single.map(({ probabilities }) => probabilities.join())).size).toBe(8);
  single.forEach((known, i) => {
    const found = batched[i]!;
    for (const [one, other] of [[known.probabilities, found.probabilities], [known.gate, found.gate]] as const) {
      one.forEach((value, k) => expect(Math.abs(value - other[k]!)).toBeLessThan(1e-5));
    }
    const top = Math.max(...known.heatMaps.flat());
    known.heatMaps.flat().forEach((value, k) => expect(Math.abs(value - found.heatMaps.flat()[k]!)).toBeLessThan(1e-5 * Math.max(1, top)));
  });
}); // prettier-ignore

test('on the CPU a run has one image, on an accelerator up to the maximum, at once when it is full', async () => {
  const classifier = await start({ sessionScript, batch: { size: 4, delayMs: 10_000 } });
  const found = await Promise.all(Array.from({ length: 8 }, () => classifier.classify(marked(0), plain)));
  expect(found.map((one) => runOf(one).shared)).toEqual([4, 4, 4, 4, 4, 4, 4, 4]);
  const plainly = await start({ sessionScript, providers: ['cpu'], workers: 1 });
  const apart = await Promise.all(Array.from({ length: 3 }, () => plainly.classify(marked(0), plain)));
  expect(apart.map((one) => runOf(one).shared)).toEqual([1, 1, 1]);
});

test('an image that finds no company runs after the longest delay', async () => {
  const classifier = await start({ sessionScript, batch: { size: 16, delayMs: 150 } });
  await classifier.classify(marked(0), plain); // sessions are there now
  const begun = performance.now();
  await classifier.classify(marked(0), plain);
  const took = performance.now() - begun;
  expect(took).toBeGreaterThan(150);
  expect(took).toBeLessThan(1_500); // 150 + 40 and a busy machine
});

test('a broken image is refused by itself; the others of its batch are answered', async () => {
  const classifier = await start({ sessionScript, batch: { size: 3, delayMs: 20_000 } });
  const broken = classifier.classify({ ...marked(0), rows: 9 }, plain);
  const sound = [1, 2, 3].map((mark) => classifier.classify(marked(mark), plain));
  await expect(broken).rejects.toMatchObject({ code: 'structure' });
  const found = await Promise.all(sound);
  expect(found.map(({ gate }) => gate[2])).toEqual([1, 2, 3]);
  expect(found.map((one) => runOf(one).shared)).toEqual([3, 3, 3]);
});

test('an input of another size has no part in the run of the others', async () => {
  const { bytes, description, golden } = await loadModel(folder);
  const { port1, port2 } = new MessageChannel();
  const next = <T>() => new Promise<T>((resolve) => port2.once('message', resolve));
  const opened = next<Opened>();
  await serveSession(port1, { bytes, description, golden, providers: ['cpu'], batch: 4, batchOnCpu: true }, (setup) =>
    openSession(setup.bytes, setup.description, setup.golden, setup.providers),
  );
  expect(await opened).toEqual({ ready: true, provider: 'cpu', refused: [] });
  const answered = next<BatchAnswer>();
  port2.postMessage({ images: [goldenImage(0, 224), new Uint8Array(5), goldenImage(1, 224)] });
  const answer = (await answered) as { answers: object[] };
  expect(answer.answers.map((one) => Object.keys(one)[0])).toEqual(['outputs', 'problem', 'outputs']);
  const second = (answer.answers[2] as { outputs: { probabilities: Float32Array } }).outputs.probabilities;
  golden.images[1]!.probabilities.forEach((value, i) => expect(Math.abs(value - second[i]!)).toBeLessThan(1e-3));
  port1.close();
  port2.close();
});

test('urgent images overtake those that wait, equals keep their order', async () => {
  const classifier = await start({ sessionScript, providers: ['cpu'], workers: 1 });
  await classifier.classify(marked(0), plain);
  const routine = Array.from({ length: 8 }, () => classifier.classify(marked(0), plain));
  const stat = classifier.classify(marked(0), plain, { priority: 10 });
  const order = (await Promise.all(routine)).map((one) => runOf(one).run);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  const place = runOf(await stat).run - order[0]!;
  expect(place).toBeLessThanOrEqual(3); // one runs, one is ready, one is being prepared
});

test('an image that is given up leaves its batch, and its line', async () => {
  const classifier = await start({ sessionScript, batch: { size: 16, delayMs: 2_000 } });
  const given = new AbortController();
  const all = [1, 2, 3].map((mark) =>
    classifier.classify(marked(mark), plain, mark === 2 ? { signal: given.signal } : {}),
  );
  await sleep(100); // ready, waiting for company
  given.abort();
  await expect(all[1]).rejects.toMatchObject({ code: 'conflict' });
  expect(runOf((await all[0])!)).toMatchObject({ shared: 2 });
  expect(runOf((await all[2])!)).toMatchObject({ shared: 2 });
  const aborted = classifier.classify(marked(0), plain, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ code: 'conflict' });
  const state = classifier.state();
  expect(state.ready && state.load).toMatchObject({ waiting: 0, running: 0 });
});

test('a process that dies or hangs over a batch: the image to blame is refused, the others are answered', async () => {
  const classifier = await start({ sessionScript, batch: { size: 3, delayMs: 2_000 }, timeoutMs: 2_000 });
  const dying = [1, 13, 3].map((mark) => classifier.classify(marked(mark), plain));
  await expect(dying[1]).rejects.toMatchObject({ code: 'exception' });
  expect((await Promise.all([dying[0], dying[2]])).map((one) => runOf(one!).shared)).toEqual([1, 1]);
  const hanging = [1, 66, 3].map((mark) => classifier.classify(marked(mark), plain));
  await expect(hanging[1]).rejects.toMatchObject({ code: 'timeout' });
  expect(runOf((await hanging[0])!).shared).toBe(1);
  expect((await classifier.classify(marked(0), plain)).provider).toBe('cuda');
});

test('an accelerator that fails at work is left for the next provider, nothing is lost, and it is said', async () => {
  const classifier = await start({ sessionScript, batch: { size: 3, delayMs: 20_000 } });
  expect(classifier.state()).toMatchObject({ ready: true, provider: 'cuda' });
  const found = await Promise.all([1, 99, 3].map((mark) => classifier.classify(marked(mark), plain)));
  expect(found.map(({ provider }) => provider)).toEqual(['cpu', 'cpu', 'cpu']);
  expect(found.map(({ gate }) => gate[2])).toEqual([1, 99, 3]);
  expect(classifier.state()).toMatchObject({
    ready: true,
    provider: 'cpu',
    workers: 2,
    lost: [expect.stringMatching(/^cuda: CUDA failure 700/)],
  });
});

test('the last provider fails: not ready, with the reason, and images are refused for another try', async () => {
  const classifier = await start({ sessionScript, providers: ['cuda'], batch: { size: 1 } });
  await expect(classifier.classify(marked(99), plain)).rejects.toMatchObject({ code: 'transient' });
  expect(classifier.state()).toMatchObject({ ready: false });
});

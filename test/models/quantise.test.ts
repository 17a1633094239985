import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployedGraph } from '../../models/training/deployed-graph.ts';
import { readBase } from '../../models/training/import-base.ts';
import { infer } from '../../models/training/infer.ts';
import { LABELS } from '../../models/training/labels.ts';
import { topClasses } from '../../models/training/metrics.ts';
import { readInitializers } from '../../models/training/onnx-graph.ts';
import type { PixelStore } from '../../models/training/pixels.ts';
import { silentProgress } from '../../models/training/progress.ts';
import { roundedRows, withRanges } from '../../models/training/quantise.ts';
import { channelMaxima, correctBiases, equalise, measureRanges } from '../../models/training/quantisation-fit.ts';
import { named, tensor, type Weights } from '../../models/training/tensor.ts';
import { madeImage } from './made-images.ts';
import { SHIPPED } from './shipped.ts';

const IMAGES = Array.from({ length: 24 }, (_, at) => madeImage(at % LABELS.length, at));
/** The first are fitted to, the others are asked about. */
const FITTED = 12;
const store = { file: '', count: IMAGES.length, image: (index: number) => IMAGES[index]! } as PixelStore;

let float: Weights;
let stretched: Weights;
let uncorrected: Weights;
let file: Uint8Array;

const ask = async (graph: Uint8Array): Promise<Record<string, Float32Array>> =>
  infer(
    graph,
    { count: IMAGES.length - FITTED, image: (row) => IMAGES[FITTED + row]! },
    ['probabilities', 'logits', 'embedding', 'gradcam'],
    silentProgress,
    'asked',
  );
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanDistance = (one: Float32Array, other: Float32Array): number =>
  mean(Array.from(one, (value, at) => Math.abs(value - (other[at] ?? Number.NaN))));

beforeAll(async () => {
  float = readInitializers(SHIPPED.bytes());
  const sample = { store, indices: Array.from({ length: FITTED }, (_, at) => at) };
  stretched = equalise(float, await channelMaxima(float, sample, silentProgress));
  uncorrected = withRanges(stretched, await measureRanges(stretched, sample, silentProgress));
  file = deployedGraph(await correctBiases(stretched, uncorrected, sample, silentProgress));
}, 240_000);

describe('rows of weights', () => {
  it('are rounded to whole steps of their own, seven bits, nearest', () => {
    const { steps, rows } = roundedRows(tensor([2, 3], Float32Array.of(0.63, -0.1, 0.004, 100, -190, 0)));
    expect([...rows]).toEqual([63, -10, 0, 33, -63, 0]);
    expect(steps[0]).toBeCloseTo(0.01);
    expect(steps[1]).toBeCloseTo(190 / 63);
  });

  it('of zeros stay zeros', () => {
    expect([...roundedRows(tensor([1, 2], new Float32Array(2))).rows]).toEqual([0, 0]);
  });
});

describe('a network in 8 bits', () => {
  it('computes in float32 what it did when its channels are stretched', async () => {
    const [before, after] = [await ask(deployedGraph(float)), await ask(deployedGraph(stretched))];
    // Images that were not measured may be louder in a channel than the room that was left; ReLU6 cuts them.
    expect(meanDistance(before['probabilities']!, after['probabilities']!)).toBeLessThan(0.005);
  });

  it('has channels stretched by what was measured, up to near the ceiling, and readers that take it back', () => {
    const most = Float32Array.from({ length: 144 }, (_, at) => [0, 2.75, 5.9][at % 3]!);
    const one = equalise(float, new Map([['block2.expand', most]]));
    const ratio = (name: string, at: number): number => named(one, name).data[at]! / named(float, name).data[at]!;
    expect([0, 1, 2].map((at) => ratio('block2.expand.bias', at))).toEqual([1000, 2, 1].map((each) => expect.closeTo(each, 3)));
    expect([0, 9, 18].map((at) => ratio('block2.depthwise.weight', at))).toEqual([0.001, 0.5, 1].map((each) => expect.closeTo(each, 5)));
  }); // prettier-ignore

  it('answers as in float32, in less than half the bytes', async () => {
    const [exact, found] = [await ask(deployedGraph(float)), await ask(file)];
    expect(meanDistance(exact['probabilities']!, found['probabilities']!)).toBeLessThan(0.04);
    const tops = [topClasses(exact['logits']!), topClasses(found['logits']!)] as const;
    const same = mean(Array.from(tops[0], (top, at) => (top === tops[1][at] ? 1 : 0)));
    expect(same).toBeGreaterThanOrEqual(10 / 12);
    expect(file.length).toBeLessThan(deployedGraph(float).length / 2);
  });

  it('is nearer to float32 with corrected biases than without', async () => {
    const exact = (await ask(deployedGraph(float)))['embedding']!;
    const [with_, without] = [(await ask(file))['embedding']!, (await ask(deployedGraph(uncorrected)))['embedding']!];
    expect(meanDistance(exact, with_)).toBeLessThan(0.8 * meanDistance(exact, without));
  });

  it('holds no float32 convolution, so it is refused as the start of a training', () => {
    const folder = mkdtempSync(join(tmpdir(), 'csss-int8-'));
    afterAll(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'model.onnx'), file);
    expect(() => readBase(join(folder, 'model.onnx'))).toThrow(/rounded to 8 bits: start from the float32 model/);
  });
});

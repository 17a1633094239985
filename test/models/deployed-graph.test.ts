import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HIDDEN } from '../../models/training/deployed-graph.ts';
import { goldenAnswers, goldenImages, type Golden } from '../../models/training/golden.ts';
import { LABELS } from '../../models/training/labels.ts';
import { EMBEDDING, MAP_AREA, blocks, scaleImage, topMap } from '../../models/training/mobilenet.ts';
import { OnnxGraph, readInitializers } from '../../models/training/onnx-graph.ts';
import { imageTensor, openGraph, type Runner } from '../../models/training/session.ts';
import { named, type Weights } from '../../models/training/tensor.ts';
import { SHIPPED } from './shipped.ts';

const IMAGE = 224 * 224 * 3;
let runner: Runner;
let weights: Weights;

beforeAll(async () => {
  runner = await openGraph(SHIPPED.bytes());
  weights = readInitializers(SHIPPED.bytes());
});
afterAll(() => runner.close());

const difference = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
  Array.from(one).reduce((most, value, at) => Math.max(most, Math.abs(value - (other[at] ?? Number.NaN))), 0);

/** The last feature map, by a graph that has no head. */
async function lastMap(image: Uint8Array): Promise<Float32Array> {
  const graph = new OnnxGraph('map');
  const scaled = scaleImage(graph, graph.input('image', 'uint8', ['N', 224, 224, 3]));
  graph.output(topMap(graph, weights, blocks(graph, weights, scaled, 0, 16)), 'map', 'float32', ['N', EMBEDDING, 7, 7]);
  const own = await openGraph(graph.finish());
  const { map = new Float32Array() } = await own.run({ image: imageTensor(image, 1) });
  await own.close();
  return map;
}

/** Logit of a class from the pooled map, in plain loops; `shift` moves unit `k` of the embedding. */
function logit(hiddenOfMean: Float64Array, label: number, k: number, shift: number): number {
  const hidden = named(weights, 'head.hidden.weight').data;
  const classes = named(weights, 'head.classes.weight').data;
  let sum = named(weights, 'head.classes.bias').data[label] ?? 0;
  for (let unit = 0; unit < HIDDEN; unit++) {
    const before = (hiddenOfMean[unit] ?? 0) + shift * (hidden[unit * EMBEDDING + k] ?? 0);
    if (before > 0) sum += before * (classes[label * HIDDEN + unit] ?? 0);
  }
  return sum;
}

/** Grad-CAM with the gradient taken as a difference quotient: shares no formula with the graph. */
function numericCam(map: Float32Array, label: number): Float32Array {
  const mean = Float64Array.from(
    { length: EMBEDDING },
    (_, k) => map.subarray(k * MAP_AREA, (k + 1) * MAP_AREA).reduce((sum, value) => sum + value, 0) / MAP_AREA,
  );
  const weight = named(weights, 'head.hidden.weight').data;
  const bias = named(weights, 'head.hidden.bias').data;
  const hidden = Float64Array.from({ length: HIDDEN }, (_, unit) =>
    mean.reduce((sum, value, k) => sum + value * (weight[unit * EMBEDDING + k] ?? 0), bias[unit] ?? 0),
  );
  const step = 1e-6;
  const cam = new Float64Array(MAP_AREA);
  for (let k = 0; k < EMBEDDING; k++) {
    const slope = (logit(hidden, label, k, step) - logit(hidden, label, k, -step)) / (2 * step);
    for (let place = 0; place < MAP_AREA; place++)
      cam[place] = (cam[place] ?? 0) + (slope / MAP_AREA) * (map[k * MAP_AREA + place] ?? 0);
  }
  return Float32Array.from(cam, (value) => Math.max(0, value));
}

describe('the shipped graph', () => {
  it('answers the golden images as it did when it was exported', async () => {
    const golden = SHIPPED.json<Golden>('golden.json');
    const now = await goldenAnswers(runner);
    now.images.forEach((image, index) => {
      const then = golden.images[index];
      expect(difference(image.probabilities, then?.probabilities ?? [])).toBeLessThan(golden.tolerance);
      expect(difference(image.gate, then?.gate ?? [])).toBeLessThan(golden.tolerance);
      expect(difference(image.gradcam, then?.gradcam ?? [])).toBeLessThan(
        golden.tolerance * Math.max(1, ...image.gradcam),
      );
      expect(difference(image.distance, then?.distance ?? [])).toBeLessThan(
        golden.tolerance * Math.max(...image.distance),
      );
    });
  });

  it('answers a batch exactly as single images', async () => {
    const pixels = goldenImages();
    const together = await runner.run({ image: imageTensor(pixels, 2) });
    for (let index = 0; index < 2; index++) {
      const alone = await runner.run({ image: imageTensor(pixels.slice(index * IMAGE, (index + 1) * IMAGE), 1) });
      for (const [name, values] of Object.entries(alone)) {
        const row = together[name]?.subarray(index * values.length, (index + 1) * values.length) ?? [];
        expect(difference(values, row), name).toBeLessThan(1e-4 * Math.max(1, ...values.map(Math.abs)));
      }
    }
  });

  it('gives probabilities that sum to one and shapes as model.json says', async () => {
    const results = await runner.run({ image: imageTensor(goldenImages(), 2) });
    const { outputs } = SHIPPED.manifest();
    expect(Object.keys(results).sort()).toEqual(Object.keys(outputs).sort());
    for (const [name, { shape }] of Object.entries(outputs)) {
      expect(results[name]?.length, name).toBe(
        shape.reduce<number>((product, dim) => product * (dim === 'N' ? 2 : dim), 1),
      );
    }
    for (const name of ['probabilities', 'gate']) {
      const values = results[name] ?? new Float32Array();
      expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(2, 4);
    }
  });

  it('explains with a Grad-CAM that equals an independent computation within 1e-3', async () => {
    const image = goldenImages().slice(0, IMAGE);
    const { gradcam = new Float32Array() } = await runner.run({ image: imageTensor(image, 1) });
    const map = await lastMap(image);
    for (let label = 0; label < LABELS.length; label++) {
      const own = gradcam.subarray(label * MAP_AREA, (label + 1) * MAP_AREA);
      expect(difference(own, numericCam(map, label)), LABELS[label]).toBeLessThan(1e-3 * Math.max(1, ...own));
    }
  });

  it('explains every class differently', async () => {
    const { gradcam = new Float32Array() } = await runner.run({
      image: imageTensor(goldenImages().slice(0, IMAGE), 1),
    });
    const maps = LABELS.map((_, label) => gradcam.subarray(label * MAP_AREA, (label + 1) * MAP_AREA).join());
    expect(new Set(maps.filter((map) => !/^[0,]+$/.test(map))).size).toBe(
      maps.filter((map) => !/^[0,]+$/.test(map)).length,
    );
  });

  it('refuses an image of another size or type', async () => {
    await expect(runner.run({ image: imageTensor(new Uint8Array(0), 0) }, ['logits'])).resolves.toBeDefined();
    const { Tensor } = await import('onnxruntime-node');
    await expect(
      runner.run({ image: new Tensor('uint8', new Uint8Array(100 * 100 * 3), [1, 100, 100, 3]) }),
    ).rejects.toThrow();
    await expect(
      runner.run({ image: new Tensor('float32', new Float32Array(IMAGE), [1, 224, 224, 3]) }),
    ).rejects.toThrow();
  });
});

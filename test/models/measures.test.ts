import { describe, expect, it } from 'vitest';
import { clusterBootstrap } from '../../models/training/bootstrap.ts';
import { fitTemperature, percentile, refusal } from '../../models/training/calibrate.ts';
import { fitDistance } from '../../models/training/distance-fit.ts';
import { fitGate } from '../../models/training/gate-fit.ts';
import { eigenSymmetric, product } from '../../models/training/linear-algebra.ts';
import {
  areaUnderCurve,
  calibration,
  classScores,
  confusion,
  softmaxRows,
  summarise,
  topClasses,
} from '../../models/training/metrics.ts';
import { gaussian, seededRandom } from '../../models/training/random.ts';
import { named } from '../../models/training/tensor.ts';

const oneHot = (...tops: [number, number][]): Float32Array =>
  Float32Array.from(
    tops.flatMap(([top, value]) => Array.from({ length: 6 }, (_, at) => (at === top ? value : (1 - value) / 5))),
  );

describe('the measures', () => {
  it('count precision, recall and F1 by class', () => {
    const scores = classScores(confusion([0, 0, 0, 1], [0, 0, 1, 1]));
    expect(scores[0]).toEqual({ count: 3, precision: 1, recall: 2 / 3, f1: 0.8 });
    expect(scores[1]).toMatchObject({ count: 1, precision: 0.5, recall: 1 });
    expect(summarise(confusion([0, 0, 0, 1], [0, 0, 1, 1]))).toMatchObject({
      accuracy: 0.75,
      balancedAccuracy: (2 / 3 + 1) / 2,
    });
  });

  it('give the area under the curve with ties as half', () => {
    expect(areaUnderCurve([0.1, 0.4, 0.35, 0.8], [false, false, true, true])).toBe(0.75);
    expect(areaUnderCurve([1, 1], [true, false])).toBe(0.5);
    expect(areaUnderCurve([1], [true])).toBeNaN();
  });

  it('take the first of equal classes', () => {
    expect(topClasses(Float32Array.of(0.2, 0.2, 0.2, 0.2, 0.1, 0.1))).toEqual([0]);
  });

  it('find no calibration error where confidence equals accuracy', () => {
    const sure = oneHot([0, 0.8], [0, 0.8], [0, 0.8], [0, 0.8], [0, 0.8]);
    expect(calibration(sure, [0, 0, 0, 0, 1]).error).toBeCloseTo(0);
    expect(calibration(sure, [1, 1, 1, 1, 1]).error).toBeCloseTo(0.8);
  });

  it('find the temperature that made the logits too sure', () => {
    const random = seededRandom(5);
    const logits = Float32Array.from({ length: 6 * 3000 }, () => 2 * gaussian(random));
    const truth = Array.from({ length: 3000 }, (_, row) => {
      let left = random();
      const row6 = softmaxRows(logits.subarray(6 * row, 6 * row + 6));
      return row6.findIndex((value) => (left -= value) <= 0);
    }).map((label) => Math.max(0, label));
    expect(
      fitTemperature(
        logits.map((value) => value * 2.5),
        truth,
      ),
    ).toBeCloseTo(2.5, 0);
  });

  it('draw whole clusters, so that repeated films do not narrow the interval', () => {
    const measure = (rows: readonly number[]): Record<string, number> => ({
      mean: rows.reduce((sum, row) => sum + (row % 2), 0) / rows.length,
    });
    const alone = clusterBootstrap(
      Array.from({ length: 100 }, (_, row) => row),
      measure,
      1,
    )['mean'];
    const paired = clusterBootstrap(
      Array.from({ length: 100 }, (_, row) => row % 10),
      measure,
      1,
    )['mean'];
    expect(alone?.value).toBe(0.5);
    expect((paired?.high ?? 0) - (paired?.low ?? 0)).toBeGreaterThan((alone?.high ?? 0) - (alone?.low ?? 0));
    expect(clusterBootstrap([1, 2, 3], measure, 1)).toEqual(clusterBootstrap([1, 2, 3], measure, 1));
  });

  it('take percentiles by nearest rank', () => {
    expect(percentile([5, 1, 4, 2, 3], 0.5)).toBe(3);
    expect(percentile([5, 1, 4, 2, 3], 1)).toBe(5);
  });
});

describe('the checks', () => {
  it('decompose a symmetric matrix', () => {
    const matrix = Float64Array.of(4, 1, 0, 1, 3, 1, 0, 1, 2);
    const { values, vectors } = eigenSymmetric(matrix, 3);
    const back = product(
      product(vectors, Float64Array.of(values[0] ?? 0, 0, 0, 0, values[1] ?? 0, 0, 0, 0, values[2] ?? 0), 3, 3, 3),
      Float64Array.from({ length: 9 }, (_, at) => vectors[(at % 3) * 3 + Math.floor(at / 3)] ?? 0),
      3,
      3,
      3,
    );
    matrix.forEach((value, at) => expect(back[at]).toBeCloseTo(value, 8));
  });

  it('measure how far a point is from the nearest centre and from the plane of the data', async () => {
    const random = seededRandom(2);
    const width = 6;
    // Two clusters that vary in the first two columns only.
    const groups = Array.from({ length: 400 }, (_, row) => row % 2);
    const data = Float32Array.from(
      groups.flatMap((group) => [10 * group + gaussian(random), 2 * gaussian(random), 0, 0, 0, 0]),
    );
    const fitted = await fitDistance({ rows: 400, width, data }, groups, 2);
    const away = (point: number[]): [number, number] => {
      const centred = point.map((value, at) => value - (named(fitted, 'distance.mean').data[at] ?? 0));
      const scores = [0, 1].map((k) =>
        centred.reduce(
          (sum, value, at) => sum + value * (named(fitted, 'distance.components').data[at * 2 + k] ?? 0),
          0,
        ),
      );
      const white = scores.map((value, k) => value / (named(fitted, 'distance.deviations').data[k] ?? 1));
      const centres = named(fitted, 'distance.centres').data;
      const nearest = Math.min(
        ...[0, 1].map((row) => Math.hypot(...white.map((value, k) => value - (centres[row * 2 + k] ?? 0)))),
      );
      return [
        nearest,
        Math.sqrt(
          Math.max(
            0,
            centred.reduce((sum, value) => sum + value * value, 0) -
              scores.reduce((sum, value) => sum + value * value, 0),
          ),
        ),
      ];
    };
    expect(away([10, 0, 0, 0, 0, 0])[0]).toBeLessThan(0.5);
    expect(away([5, 0, 0, 0, 0, 0])[0]).toBeCloseTo(5, 0);
    expect(away([0, 4, 0, 0, 0, 0])[0]).toBeCloseTo(2, 0);
    expect(away([0, 0, 3, 0, 0, 0])[1]).toBeCloseTo(3, 1);
  });

  it('learn a gate that separates three kinds', () => {
    const random = seededRandom(9);
    const modality = Array.from({ length: 300 }, (_, row) => row % 3);
    const data = Float32Array.from(
      modality.flatMap((kind) => [0, 1, 2].map((column) => (column === kind ? 4 : 0) + 0.5 * gaussian(random))),
    );
    const fitted = fitGate({ rows: 300, width: 3, data }, modality);
    const scores = (point: number[]): number[] =>
      [0, 1, 2].map((kind) =>
        point.reduce(
          (sum, value, at) => sum + value * (named(fitted, 'gate.weight').data[at * 3 + kind] ?? 0),
          named(fitted, 'gate.bias').data[kind] ?? 0,
        ),
      );
    for (const kind of [0, 1, 2]) {
      const all = scores([0, 1, 2].map((column) => (column === kind ? 4 : 0)));
      expect(all.indexOf(Math.max(...all))).toBe(kind);
    }
  });

  it('refuse by gate first, then by distance, and let the limit itself pass', () => {
    const limits = { gateMinimum: 0.9, distanceLimits: [10, 20] as [number, number] };
    expect(refusal([0.05, 0.05, 0.9], [1, 1], limits)).toBe('gate');
    expect(refusal([0.8, 0.1, 0.1], [1, 1], limits)).toBe('gate');
    expect(refusal([0.95, 0.03, 0.02], [10.1, 1], limits)).toBe('distance');
    expect(refusal([0.95, 0.03, 0.02], [1, 20.1], limits)).toBe('distance');
    expect(refusal([0.9, 0.05, 0.05], [10, 20], limits)).toBeUndefined();
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { shortcomings } from '../../../server/core/analysis/registry/activation-bar.ts';
import { scannerOf } from '../../../server/core/analysis/analysis-row.ts';
import { answers, compare } from '../../../server/core/analysis/comparison.ts';
import type { ComparedCell } from '../../../server/core/analysis/analysis-log.ts';
import type { DriftCell } from '../../../server/core/analysis/analysis-log.ts';
import {
  driftPoints,
  type DriftReference,
  fewestImages,
  firstWeeks,
  stabilityIndex,
} from '../../../server/core/analysis/drift.ts';
import { isoWeek } from '../../../server/core/analysis/iso-week.ts';
import { type ModelEvaluation, readModelEvaluation } from '../../../server/core/analysis/registry/model-evaluation.ts';
import { scanClasses } from '../../../server/core/vocabulary/scan-findings.ts';
import { seededRandom } from '../../../models/training/random.ts';

const shipped = join(import.meta.dirname, '../../../models/chest-mobilenet-v2');
const json = (name: string): unknown => JSON.parse(readFileSync(join(shipped, name), 'utf8'));
const { model } = json('model.json') as { model: { sha256: string } };
const each = <T>(value: T) => Object.fromEntries(scanClasses.map((label) => [label, value]));
const good: ModelEvaluation = {
  accuracy: 0.9, macroF1: 0.8, testImages: each(100), validationImages: each(100), sites: each(['a', 'b']), externalImages: 1, temporalImages: 0,
}; // prettier-ignore

describe('the bar for activation', () => {
  const codes = (change: Partial<ModelEvaluation>, active?: number) =>
    shortcomings(
      { trained: true, evaluation: { ...good, ...change } },
      active === undefined ? undefined : { trained: true, evaluation: { ...good, macroF1: active } },
    ).map(({ code }) => code);

  test.each([
    ['all of it', {}, 0.8, []],
    ['no model before', {}, undefined, []],
    ['a macro-F1 just below', {}, 0.8001, ['macro-f1']],
    ['99 test images of a class', { testImages: { ...each(100), Sick: 99 } }, 0.8, ['few-test-images']],
    ['a class without any', { testImages: { COVID: 1000 } }, 0.8, ['few-test-images']],
    ['no hold-out', { externalImages: 0 }, 0.8, ['no-hold-out']],
    ['a temporal hold-out', { externalImages: 0, temporalImages: 1 }, 0.8, []],
    ['one class from one site', { sites: { ...each(['a', 'b']), COVID: ['c'] } }, 0.8, ['single-site']],
    ['all classes from one and the same site', { sites: each(['a']) }, 0.8, []],
    [
      'each class from a site of its own',
      { sites: Object.fromEntries(scanClasses.map((label) => [label, [label]])) },
      0.8,
      ['single-site'],
    ],
    [
      'everything at once',
      { testImages: {}, externalImages: 0, sites: {} },
      0.9,
      ['macro-f1', 'few-test-images', 'no-hold-out', 'single-site'],
    ],
  ])('%s', (_name, change, active, expected) => {
    expect(codes(change, active)).toEqual(expected);
  });

  test('an untrained model and one without an evaluation', () => {
    expect(shortcomings({ trained: false, evaluation: null }, undefined).map(({ code }) => code)).toEqual([
      'untrained',
    ]);
    expect(shortcomings({ trained: true, evaluation: null }, undefined).map(({ code }) => code)).toEqual([
      'no-evaluation',
    ]);
  });

  test('the shipped model would not pass, and its evaluation says why', () => {
    const evaluation = readModelEvaluation(json('evaluation/evaluation.json'), model.sha256);
    expect(evaluation).toMatchObject({
      testImages: { NIH_MERGED: 34 },
      externalImages: 277,
      validationImages: { COVID: 469, Normal: 640 },
    });
    expect(shortcomings({ trained: true, evaluation }, undefined).map(({ text }) => text)).toEqual([
      'Fewer than 100 test images: NIH_MERGED 34.',
      'All images of a class come from one site, which the model may have learnt instead: COVID, Viral_Pneumonia.',
    ]);
  });

  test('an evaluation of another model, or of another shape, is refused', () => {
    expect(() => readModelEvaluation(json('evaluation/evaluation.json'), 'f'.repeat(64))).toThrow(/another model/);
    expect(() => readModelEvaluation({ schema: 'csss-evaluation/1' }, model.sha256)).toThrow(/internal/);
  });
});

// Weeks by the calendar of ISO 8601.
test.each([
  ['2026-11-24T12:00:00Z', 'UTC', '2026-W48'],
  ['2027-01-01T12:00:00Z', 'UTC', '2026-W53'],
  ['2024-12-30T12:00:00Z', 'UTC', '2025-W01'],
  ['2026-11-22T23:30:00Z', 'UTC', '2026-W47'],
  ['2026-11-22T23:30:00Z', 'Europe/Berlin', '2026-W48'],
])('%s in %s is in %s', (at, zone, week) => {
  expect(isoWeek(new Date(at), zone)).toBe(week);
});

test.each([
  [{ '00080070': 'ACME ', '00081090': 'DX  9', '00081010': 'ROOM1' }, 'ACME DX 9'],
  [{ '00080070': 'ACME', '00081010': 'ROOM1' }, 'ROOM1'],
  [{ '00080070': 'ACME' }, 'ACME'],
  [{}, 'unknown'],
])('scanner of %j', (attributes, name) => {
  const image = Object.fromEntries(
    Object.entries(attributes).map(([tag, value]) => [tag, { vr: 'LO', Value: [value] }]),
  );
  expect(scannerOf({ attributes: image })).toBe(name);
});

const cell = (week: string, change: Partial<DriftCell>): DriftCell => ({
  week, scanner: null, count: 1, answers: {}, best: {}, meanProbability: null, distance: [], verdicts: { agree: 0, partly: 0, disagree: 0 }, ...change,
}); // prettier-ignore

describe('drift', () => {
  test('the stability index against one that was computed by hand', () => {
    // 10 of each against 60 COVID: shares 10.5/63 each; 60.5/63 and five times .5/63.
    const byHand = (60.5 / 63 - 10.5 / 63) * Math.log(60.5 / 10.5) + 5 * (0.5 / 63 - 10.5 / 63) * Math.log(0.5 / 10.5);
    expect(stabilityIndex(each(10), { COVID: 60 })).toBeCloseTo(byHand, 12);
    // .793651 x 1.751270 + 5 x .158730 x 3.044522
    expect(byHand).toBeCloseTo(3.80618, 4);
    expect(stabilityIndex(each(10), each(10))).toBe(0);
    expect(stabilityIndex({}, each(10))).toBeNull();
    expect(stabilityIndex(each(10), {})).toBeNull();
  });

  test('rates, override rate, and nothing where there is nothing', () => {
    const [first, empty] = driftPoints(
      [
        cell('2026-W01', {
          count: 8,
          answers: { Normal: 4, Uncertain: 2, Unsupported: 2 },
          verdicts: { agree: 1, partly: 1, disagree: 2 },
        }),
        cell('2026-W02', { count: 3, answers: { Unsupported: 3 } }),
      ],
      { kind: 'validation', classes: each(1) },
    );
    expect(first).toMatchObject({ rates: { Normal: 0.5, Uncertain: 0.25, Unsupported: 0.25 }, overrideRate: 0.75 });
    expect(empty).toMatchObject({ overrideRate: null, psi: null });
  });

  const psiOf = (best: DriftCell['best'], classes: DriftReference['classes']) =>
    driftPoints([cell('2026-W01', { best })], { kind: 'validation', classes })[0]!;

  test('an index only from 50 supported images on in both windows; before that, what is missing', () => {
    const noPsi = { code: 'too-few-images', needed: 50 };
    const missing = { psi: null, psiByChance: null };
    const enough = each(50);
    expect(psiOf({ Normal: 1 }, enough)).toMatchObject({ ...missing, noPsi: { ...noPsi, window: 'week', images: 1 } });
    expect(psiOf({ Normal: 49 }, enough)).toMatchObject({
      ...missing,
      noPsi: { ...noPsi, window: 'week', images: 49 },
    });
    expect(psiOf({ Normal: 50 }, { Normal: 48, COVID: 1 })).toMatchObject({
      ...missing,
      noPsi: { ...noPsi, window: 'reference', images: 49 },
    });
    expect(psiOf({}, {})).toMatchObject({ ...missing, noPsi: { window: 'week', images: 0 } });
    expect(driftPoints([cell('2026-W01', { best: each(50) })], undefined)[0]).toMatchObject({
      ...missing,
      noPsi: { window: 'reference', images: 0 },
    });
    const shifted = psiOf({ Normal: 50 }, enough);
    expect(shifted).toMatchObject({ psi: stabilityIndex(enough, { Normal: 50 }), noPsi: null });
    expect(shifted.psi).toBeGreaterThan(shifted.psiByChance!);
  });

  // Why 50: weeks drawn from the validation images' own mix, so that whatever the index shows is chance.
  test.each([
    ['one image', 1, undefined, 0.25],
    ['10 images', 10, undefined, 0.25],
    ['50 images', fewestImages, undefined, 0.22],
    ['50 images against 50', fewestImages, fewestImages, 0.45],
    ['200 images against 100', 200, 100, 0.17],
  ])('without any shift, %s: the index stays below what is said to be chance', (_name, images, reference, bound) => {
    const { validationImages } = readModelEvaluation(json('evaluation/evaluation.json'), model.sha256);
    const random = seededRandom(images);
    const classes = scanClasses.flatMap((label) => Array<typeof label>(validationImages[label] ?? 0).fill(label));
    const drawn = (count: number) => {
      const counts = each(0);
      for (let i = 0; i < count; i++) counts[classes[Math.floor(random() * classes.length)]!]!++;
      return counts;
    };
    const weeks = Array.from({ length: 2000 }, () => [drawn(images), reference ? drawn(reference) : validationImages]);
    const found = weeks.map(([week, against]) => stabilityIndex(against!, week!)!).sort((a, b) => a - b);
    const [middle, high] = [found[1000]!, found[1900]!];
    if (images < fewestImages) return expect(middle).toBeGreaterThan(bound); // alarming, though nothing happened
    expect(high).toBeLessThan(bound);
    const above = weeks.filter(([week, against]) => {
      const { psi, psiByChance } = psiOf(week!, against!);
      return psi! > psiByChance!;
    });
    expect(above.length / weeks.length).toBeLessThan(0.06);
    expect(above.length / weeks.length).toBeGreaterThan(0.005);
  });

  test('the first four weeks of all scanners make a reference', () => {
    const weeks = ['1', '2', '3', '4', '5'].flatMap((n) => [
      cell(`2026-W0${n}`, { best: { Normal: 2 } }),
      cell(`2026-W0${n}`, { scanner: 'ACME', best: { Normal: 2 } }),
    ]);
    expect(firstWeeks(weeks)).toMatchObject({
      weeks: ['2026-W01', '2026-W02', '2026-W03', '2026-W04'],
      classes: { Normal: 8, COVID: 0 },
    });
  });
});

test('a comparison counts what agrees, by scanner, and who agrees with the doctor', () => {
  const at = (day: number) => new Date(Date.UTC(2026, 10, day));
  const pair = (active: string, shadow: string, change: Partial<ComparedCell>) =>
    ({
      modality: 'DX',
      scanner: 'A',
      active,
      shadow,
      verdict: null,
      reading: null,
      count: 1,
      difference: 0,
      from: at(1),
      to: at(2),
      ...change,
    }) as ComparedCell;
  const found = compare([
    pair('Normal', 'Normal', { count: 6, difference: 0.6, verdict: 'agree' }),
    pair('Normal', 'COVID', { count: 2, difference: 1, verdict: 'disagree', reading: 'COVID', to: at(9) }),
    pair('Uncertain', 'Normal', { count: 2, difference: 0.4, scanner: 'B' }),
    pair('COVID', 'Normal', { count: 1, difference: 0, verdict: 'disagree', scanner: 'B' }),
  ]);
  expect(found).toMatchObject({
    count: 11,
    agreement: 6 / 11,
    from: at(1),
    to: at(9),
    doctor: { count: 8, activeAgrees: 6, shadowAgrees: 8 },
  });
  expect(found.meanDifference).toBeCloseTo(2 / 11, 12);
  const [covid, normal, uncertain] = ['COVID', 'Normal', 'Uncertain'].map((name) => answers.indexOf(name as 'COVID'));
  expect(found.confusion[normal!]![normal!]).toBe(6);
  expect(found.confusion[normal!]![covid!]).toBe(2);
  expect(found.confusion[uncertain!]![normal!]).toBe(2);
  expect(found.groups.map(({ scanner, count, agreement }) => [scanner, count, agreement])).toEqual([['A', 8, 0.75], ['B', 3, 0]]); // prettier-ignore
  expect(compare([])).toMatchObject({ count: 0, agreement: null, meanDifference: null, from: null });
});

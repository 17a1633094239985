import { describe, expect, it } from 'vitest';
import type { Listed } from '../../models/training/collection.ts';
import { alikePairs, looksLikeMask } from '../../models/training/duplicates.ts';
import { LABELS } from '../../models/training/labels.ts';
import { silentProgress } from '../../models/training/progress.ts';
import { singleSiteClasses, splitCollection, type Split } from '../../models/training/split.ts';
import { madeImage, madeMask } from './made-images.ts';

function listed(file: string, more: Partial<Listed> = {}): Listed {
  return {
    file,
    label: 'Normal',
    modality: 'chest',
    patient: '',
    site: 'a',
    scanner: '',
    view: '',
    sex: '',
    group: '',
    licence: '',
    external: false,
    ...more,
  };
}

/** 240 images of 80 patients with three films each. */
const films = Array.from({ length: 240 }, (_, index) =>
  listed(`${index}.png`, {
    label: LABELS[index % 2 === 0 ? 0 : 3] ?? 'Normal',
    patient: `p${Math.floor(index / 3)}`,
    site: `s${index % 3}`,
  }),
);
const pictures = films.map((_, index) => madeImage(index % 2, index));
const dividedFilms = (seed = 42): Split =>
  splitCollection(films, (index) => pictures[index] ?? new Uint8Array(), [], new Map(), seed);

describe('the split', () => {
  it('keeps the films of a patient together', () => {
    const parts = new Map<string, Set<string>>();
    for (const { patient, part } of dividedFilms().items)
      parts.set(patient, (parts.get(patient) ?? new Set()).add(part));
    expect([...parts.values()].every((each) => each.size === 1)).toBe(true);
  });

  it('comes near 70/15/15 and uses every film once', () => {
    const { items } = dividedFilms();
    const share = (part: string): number => items.filter((item) => item.part === part).length / items.length;
    expect(items).toHaveLength(240);
    expect(share('train')).toBeCloseTo(0.7, 1);
    expect(share('validation')).toBeCloseTo(0.15, 1);
    expect(share('test')).toBeCloseTo(0.15, 1);
  });

  it('is the same for the same seed and another for another', () => {
    expect(dividedFilms()).toEqual(dividedFilms());
    expect(dividedFilms(43).items.map(({ part }) => part)).not.toEqual(dividedFilms().items.map(({ part }) => part));
  });

  it('drops the copy of a film under another name and keeps the one with a patient', () => {
    const list = [listed('copy.png'), listed('original.png', { patient: 'p' }), listed('other.png')];
    const images = [madeImage(1, 1), madeImage(1, 1), madeImage(2, 2)];
    const { items, refused } = splitCollection(list, (index) => images[index] ?? new Uint8Array(), [], new Map(), 1);
    expect(items.map(({ file }) => file)).toEqual(['original.png', 'other.png']);
    expect(refused).toEqual([{ file: 'copy.png', reason: 'copy of original.png' }]);
  });

  it('refuses drawn masks and files that cannot be read', () => {
    const list = [listed('mask.png'), listed('broken.png'), listed('film.png')];
    const images = [madeMask(), new Uint8Array(224 * 224), madeImage(0, 0)];
    const { refused } = splitCollection(
      list,
      (index) => images[index] ?? new Uint8Array(),
      [],
      new Map([[1, 'cut short']]),
      1,
    );
    expect(refused).toEqual([
      { file: 'mask.png', reason: 'mask' },
      { file: 'broken.png', reason: 'broken: cut short' },
    ]);
  });

  it('does not take a dark or bright film for a mask', () => {
    expect(looksLikeMask(madeImage(0, 0))).toBe(false);
    expect(looksLikeMask(new Uint8Array(224 * 224))).toBe(false);
  });

  it('keeps look-alikes together', async () => {
    const images = [madeImage(0, 0), madeImage(0, 0).map((value) => Math.min(255, value + 3)), madeImage(3, 9)];
    const pairs = await alikePairs(images, silentProgress);
    expect(pairs.map(({ one, other }) => [one, other])).toEqual([[0, 1]]);
    const list = images.map((_, index) => listed(`${index}.png`));
    const { items } = splitCollection(
      list,
      (index) => images[index] ?? new Uint8Array(),
      [{ one: 0, other: 1, correlation: 0.99 }],
      new Map(),
      1,
    );
    expect(items[0]?.cluster).toBe(items[1]?.cluster);
    expect(items[2]?.cluster).not.toBe(items[0]?.cluster);
  });

  it('never divides external images and drops those that are also inside', () => {
    const list = [
      listed('inside.png'),
      listed('external/a.png', { external: true }),
      listed('external/b.png', { external: true }),
    ];
    const images = [madeImage(1, 1), madeImage(1, 1), madeImage(4, 4)];
    const { items, refused } = splitCollection(list, (index) => images[index] ?? new Uint8Array(), [], new Map(), 1);
    expect(refused.map(({ file }) => file)).toEqual(['external/a.png']);
    expect(items.find(({ external }) => external)?.part).toBe('external');
  });

  it('names the classes that come from one site', () => {
    const { items } = splitCollection(
      [listed('a', { site: 'x' }), listed('b', { site: 'y' }), listed('c', { label: 'COVID' })],
      (index) => madeImage(index, index),
      [],
      new Map(),
      1,
    );
    expect(singleSiteClasses(items)).toEqual(['COVID']);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourcesBelow } from '../harness/messages.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8').replace(/\/\*[^]*?\*\//g, '');
const application = read('viewer/src/styles.css');
const pages = read('server/smart/pages/page.css');

type Rgb = [number, number, number];
type Tokens = Map<string, string>;

/** The custom properties of the first block that begins so. */
function tokens(css: string, opening: string): Tokens {
  const from = css.indexOf(opening);
  expect(from, opening).toBeGreaterThanOrEqual(0);
  const block = css.slice(from + opening.length, css.indexOf('}', from));
  return new Map([...block.matchAll(/--color-([\w-]+):\s*(#[0-9a-f]{6})\s*;/g)].map(([, name, value]) => [name!, value!]));
} // prettier-ignore

const dark = tokens(application, '@theme {');
const light = new Map([...dark, ...tokens(application, "[data-theme='light'] {")]);

const rgb = (hex: string): Rgb => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
const mixed = (over: Rgb, under: Rgb, part: number) =>
  over.map((one, at) => one * part + under[at]! * (1 - part)) as Rgb;

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(one: Rgb, other: Rgb): number {
  const luminance = (colour: Rgb) => {
    const [r, g, b] = colour.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as Rgb;
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const grounds = ['ink-950', 'ink-900', 'ink-850', 'ink-800'];
const signals = ['beam', 'beam-soft', 'ok', 'warn', 'alarm', 'violet', 'azure'];
const texts = ['mist-100', 'mist-300', 'mist-400', ...signals];

describe.each([
  ['dark', dark],
  ['light', light],
])('in the %s look', (_name, look) => {
  const of = (name: string) => rgb(look.get(name)!);
  /** Those pairs that are below a ratio, with what they have. */
  const below = (least: number, pairs: [string, Rgb, Rgb][]) =>
    pairs.flatMap(([name, one, other]) => {
      const ratio = contrast(one, other);
      return ratio < least ? [`${name}: ${ratio.toFixed(2)}`] : [];
    });

  test('all text is readable on every ground', () => {
    const pairs = texts.flatMap((text) =>
      grounds.map((ground): [string, Rgb, Rgb] => [`${text} on ${ground}`, of(text), of(ground)]),
    );
    // What is pointed at in a menu, or pressed.
    const pointed = ['mist-100', 'mist-300', 'beam-soft'].map((text): [string, Rgb, Rgb] => [`${text} on ink-700`, of(text), of('ink-700')]);
    expect(below(4.5, [...pairs, ...pointed])).toEqual([]);
  }); // prettier-ignore

  test('a signal is readable on its own tint, and text on every tint', () => {
    const pairs = signals.flatMap((signal) =>
      ['ink-950', 'ink-900', 'ink-800'].flatMap((ground) =>
        [0.05, 0.1, 0.15, 0.2].flatMap((part) => {
          const tint = mixed(of(signal), of(ground), part);
          const here = `${signal}/${part * 100} over ${ground}`;
          const said: [string, Rgb, Rgb][] = [[`text on ${here}`, of('mist-100'), tint]];
          // On a raised ground a signal stands plain, or on its faintest tint.
          if (part <= 0.15 && (ground !== 'ink-800' || part <= 0.05)) said.push([`${signal} on ${here}`, of(signal), tint]);
          return said;
        }),
      ),
    );
    expect(below(4.5, pairs)).toEqual([]);
  }); // prettier-ignore

  test('the ground is readable as text on every colour that is filled', () => {
    const pairs = signals.map((signal): [string, Rgb, Rgb] => [`ink-950 on ${signal}`, of('ink-950'), of(signal)]);
    expect(below(4.5, pairs)).toEqual([]);
  });

  test('edges of controls, bars and the focus stand out', () => {
    const pairs = ['ink-500', ...signals].flatMap((edge) =>
      ['ink-950', 'ink-900', 'ink-850'].map((ground): [string, Rgb, Rgb] => [`${edge} at ${ground}`, of(edge), of(ground)]),
    );
    expect(below(3, pairs)).toEqual([]);
  }); // prettier-ignore
});

test('words over an image are readable on it in every look', () => {
  const over = tokens(application, '@utility on-film {');
  const pairs = [...over].map(([name, value]) => [name, contrast(rgb(value), rgb('#000000'))] as const);
  expect(pairs.length).toBeGreaterThan(2);
  expect(pairs.filter(([, ratio]) => ratio < 4.5)).toEqual([]);
});

test('the server’s own pages have the colours of the application, in both looks and as the device', () => {
  const differing = (here: Tokens, there: Tokens) => [...here].filter(([name, value]) => there.get(name) !== value);
  const [theirDark, theirLight, asDevice] = [
    tokens(pages, ':root {'),
    tokens(pages, "[data-theme='light'] {"),
    tokens(pages, "[data-theme='system'] {"),
  ];
  expect(theirDark.size).toBeGreaterThan(8);
  expect([differing(theirDark, dark), differing(theirLight, light)]).toEqual([[], []]);
  expect([...asDevice]).toEqual([...theirLight]);
  const kept = new Set(['paper']);
  expect([...theirDark.keys()].filter((name) => !theirLight.has(name) && !kept.has(name))).toEqual([]);
});

test('no component and no page names a colour of its own', () => {
  const literal = /#[0-9a-fA-F]{3,8}\b(?![^<]*<\/a>)|\b(?:rgb|hsl)a?\(|\b(?:bg|text|border|fill|stroke|shadow|ring|from|to|via)-(?:black|white|(?:slate|gray|red|blue|green|sky|cyan)-\d+)\b/;
  const components = sourcesBelow('viewer/src', /\.vue$/).map(({ path, text }) => [path, text.replace(/(?:href="|v-slot:|[\s<(])#[a-z][\w-]*/g, '')] as const);
  expect(components.filter(([, text]) => literal.test(text)).map(([path, text]) => `${path}: ${literal.exec(text)![0]}`)).toEqual([]);
  const rules = pages.slice(pages.indexOf('* {'));
  expect(rules.match(/#[0-9a-f]{3,8}\b/g) ?? []).toEqual([]);
}); // prettier-ignore

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

let loaded: Promise<string> | undefined;

/**
 * Noto Sans (OFL) in the two weights that reports use, as `@font-face` rules with the font bytes inlined: the
 * page has no network. A weight that is missing would be faked and embedded as Type 3 outlines.
 */
export function reportFonts(): Promise<string> {
  loaded ??= Promise.all([inlined('400.css'), inlined('700.css')]).then((sheets) => sheets.join('\n'));
  return loaded;
}

async function inlined(name: string): Promise<string> {
  const sheet = createRequire(import.meta.url).resolve(`@fontsource/noto-sans/${name}`);
  const css = await readFile(sheet, 'utf8');
  const faces = css.match(/@font-face\s*\{[^}]*\}/g) ?? [];
  return (await Promise.all(faces.map((face) => inlineFace(face, dirname(sheet))))).join('\n');
}

/** Keeps the WOFF2 source of a rule and its unicode-range. */
async function inlineFace(face: string, folder: string): Promise<string> {
  const file = /url\(\.?\/?([^)]+\.woff2)\)/.exec(face)?.[1];
  if (file === undefined) return '';
  const bytes = await readFile(join(folder, file));
  const source = `src: url(data:font/woff2;base64,${bytes.toString('base64')}) format('woff2');`;
  return face.replace(/src:[^;]+;/, () => source).replace('swap', 'block');
}

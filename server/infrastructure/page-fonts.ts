import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PageFonts {
  /** `@font-face` rules with their `unicode-range`: a browser fetches a script when a page has a letter of it, not before. */
  css: string;
  /** WOFF2 by name. */
  files: ReadonlyMap<string, Buffer>;
}

/** The typeface of the web application (Noto Sans, OFL) in the two weights that the server's own pages use, for these languages. */
const sheets = () => [
  createRequire(import.meta.url).resolve('@fontsource/noto-sans/400.css'),
  createRequire(import.meta.url).resolve('@fontsource/noto-sans/600.css'),
  createRequire(import.meta.url).resolve('@fontsource/noto-sans-tamil/400.css'),
  createRequire(import.meta.url).resolve('@fontsource/noto-sans-tamil/600.css'),
];

/** @param path where the files are given out, without a trailing slash. */
export function pageFonts(path: string): PageFonts {
  const files = new Map<string, Buffer>();
  const rules = sheets().flatMap((sheet) => {
    const faces = readFileSync(sheet, 'utf8').match(/@font-face\s*\{[^}]*\}/g) ?? [];
    return faces.map((face) => {
      const name = /url\(\.\/files\/([\w-]+\.woff2)\)/.exec(face)?.[1];
      if (name === undefined) throw new Error(`${sheet} names no font file`);
      files.set(name, readFileSync(join(dirname(sheet), 'files', name)));
      return face.replace(/src:[^;]+;/, () => `src: url(${path}/${name}) format('woff2');`);
    });
  });
  return { css: rules.join('\n'), files };
}

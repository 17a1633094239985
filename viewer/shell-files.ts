import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plugin } from 'vite';

/** Files of viewer/public that belong to the shell. */
const fixed = [
  '/offline.html',
  '/offline.css',
  '/offline.js',
  '/manifest.webmanifest',
  '/theme.js',
  '/favicon.svg',
  '/icons/icon.svg',
  '/icons/icon-192.png',
  '/icons/icon-512.png',
  '/icons/badge-96.png',
];

/** Letters that every page has; those of other writings are loaded by who reads them. */
const letters = /\/noto-sans-latin-(400|500|600)-normal-[^/]*\.woff2$/;

/**
 * Tells the service worker which files of the build are the shell: what every page loads before its own part. Its version
 * is the digest of them all, so a build with another shell is another service worker, and one with the same shell is not.
 */
export function shellFiles(): Plugin {
  return {
    name: 'shell-files',
    apply: 'build',
    async writeBundle({ dir }, bundle) {
      const chunks = new Map(
        Object.values(bundle).flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one]] : [])),
      );
      const files = new Set<string>();
      const add = (name: string): void => {
        const chunk = chunks.get(name);
        if (!chunk || files.has(`/${name}`)) return;
        files.add(`/${name}`);
        for (const css of chunk.viteMetadata?.importedCss ?? []) files.add(`/${css}`);
        for (const next of chunk.imports) add(next);
      };
      for (const chunk of chunks.values()) if (chunk.isEntry) add(chunk.fileName);
      for (const name of Object.keys(bundle)) if (letters.test(`/${name}`)) files.add(`/${name}`);
      const shell = [...files, ...fixed].sort();
      const digest = createHash('sha256');
      for (const path of shell) digest.update(path).update(await readFile(join(dir!, path)));
      const worker = join(dir!, 'sw.js');
      const text = await readFile(worker, 'utf8');
      const filled = text
        .replace("'__VERSION__'", JSON.stringify(digest.digest('hex').slice(0, 16)))
        .replace('/* __SHELL__ */ []', JSON.stringify(shell));
      if (filled.includes('__SHELL__') || filled.includes('__VERSION__'))
        this.error('sw.js has no place for its files');
      await writeFile(worker, filled);
    },
  };
}

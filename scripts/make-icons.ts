/** Draws the icons of the installable application from their SVGs: `node scripts/make-icons.ts`. The PNGs are kept in the repository. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const folder = join(import.meta.dirname, '..', 'viewer', 'public', 'icons');

/** Platforms cut a maskable icon to their own shape: its mark lies within the inner 80 %. */
const icons: [name: string, source: string, size: number][] = [
  ['icon-192', 'icon', 192],
  ['icon-512', 'icon', 512],
  ['icon-maskable-192', 'icon-maskable', 192],
  ['icon-maskable-512', 'icon-maskable', 512],
  ['apple-touch-icon', 'icon-maskable', 180],
  ['badge-96', 'badge', 96],
];

for (const [name, source, size] of icons) {
  const svg = await readFile(join(folder, `${source}.svg`));
  await sharp(svg, { density: 1200 })
    .resize(size, size)
    .png({ compressionLevel: 9 })
    .toFile(join(folder, `${name}.png`));
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { build } from 'vite';

const dist = join(import.meta.dirname, '../../viewer/dist');
const KiB = 1024;

beforeAll(async () => {
  if (!existsSync(join(dist, 'index.html')))
    await build({ root: join(dist, '..'), configFile: join(dist, '../vite.config.ts'), logLevel: 'error' });
}, 240_000);

const read = (name: string) => readFileSync(join(dist, name), 'utf8');
const packed = (name: string) => gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;

/** What a script needs before it runs; not what it may load later. */
function needed(scripts: string[]): Set<string> {
  const found = new Set<string>();
  for (let name = scripts.pop(); name !== undefined; name = scripts.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const [, next] of read(name).matchAll(/(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.js)["']/g)) scripts.push(`assets/${next}`);
  }
  return found;
} // prettier-ignore

const chunk = (beginning: string) =>
  readdirSync(join(dist, 'assets')).filter((name) => name.startsWith(`${beginning}-`) && name.endsWith('.js')).map((name) => `assets/${name}`); // prettier-ignore

/** Each language has its own chunk of a group; which is which does not matter for the largest. */
const largest = (group: string) => Math.max(...chunk(group).map(packed));

describe.each(['doctor', 'pharmacist', 'admin', 'patient'])('the dashboard of a %s', (role) => {
  test('is not more than 200 KB of script with the shell and its words, in the largest language', () => {
    const [, entry] = /<script type="module"[^>]* src="\/(assets\/[^"]+)"/.exec(read('index.html'))!;
    const scripts = [...needed([entry!, ...chunk(`${role}-page`)])].reduce((sum, name) => sum + packed(name), 0);
    const words = largest('common') + (role === 'patient' ? largest('patient') : 0);
    expect(Math.round((scripts + words) / KiB)).toBeLessThanOrEqual(200);
  });
});

test('the style of all pages is not more than 15 KB', () => {
  const sheets = [...read('index.html').matchAll(/<link rel="stylesheet"[^>]* href="\/(assets\/[^"]+)"/g)];
  expect(sheets).toHaveLength(1);
  expect(packed(sheets[0]![1]!) / KiB).toBeLessThanOrEqual(15);
});

test('no dashboard needs the viewer of images', () => {
  for (const name of needed(chunk('doctor-page'))) expect(packed(name)).toBeLessThan(110 * KiB);
});

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import en from '../../viewer/src/locales/en/index.ts';
import { groupOf } from '../../viewer/src/locales/groups.ts';

const source = join(import.meta.dirname, '../../viewer/src');
const office = Object.keys(en).filter((section) => groupOf(section) === 'office');

interface File {
  /** Loaded with it. */
  needs: string[];
  /** Loaded later, whose words the file does not wait for. */
  later: string[];
}

/** What a file imports; not what it waits for together with the words of the office. */
function fileAt(path: string): File {
  const text = readFileSync(path, 'utf8');
  const at = (name: string) => join(dirname(path), name);
  const waits = new Set([...text.matchAll(/withOfficeWords\(\s*\(\) =>\s*import\(\s*'([^']+)'/g)].map(([, name]) => at(name!)));
  for (const [, name] of text.matchAll(/import\('([^']+)'\),[^}]*?meta: \{[^}]*office: true/g)) waits.add(at(name!));
  const dynamic = [...text.matchAll(/\bimport\(\s*'(\.[^']+)'/g)].map(([, name]) => at(name!));
  const fixed = [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, name]) => at(name!));
  return { needs: fixed, later: dynamic.filter((name) => !waits.has(name)) };
} // prettier-ignore

function reached(from: string): Set<string> {
  const found = new Set<string>();
  const next = [from];
  for (let path = next.pop(); path !== undefined; path = next.pop()) {
    if (found.has(path) || path.includes('/locales/') || !existsSync(path)) continue;
    found.add(path);
    const { needs, later } = fileAt(path);
    next.push(...needs, ...later);
  }
  return found;
}

/** Keys under `title.` and the like name a section in their second part; only the first counts. */
const speaks = (path: string) =>
  office.filter((section) => new RegExp(`['"\`]${section}\\.[\\w$]`).test(readFileSync(path, 'utf8')));

test('no page speaks with words that it has not waited for', () => {
  const files = reached(join(source, 'main.ts'));
  expect(files.size).toBeGreaterThan(100);
  const unheard = [...files].flatMap((path) => speaks(path).map((section) => `${path.slice(source.length + 1)}: ${section}`));
  expect(unheard).toEqual([]);
}); // prettier-ignore

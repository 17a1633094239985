import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import en from '../../viewer/src/locales/en/index.ts';
import { groupOf } from '../../viewer/src/locales/groups.ts';

const source = join(import.meta.dirname, '../../viewer/src');
const groupsOf = new Map(Object.keys(en).map((section) => [section, groupOf(section)]));

/** A file, and the groups of words that are there when it is. */
interface Place {
  path: string;
  there: ReadonlySet<string>;
}

/** What a file imports, and what it waits for together with words of a group. */
function next({ path, there }: Place): Place[] {
  const text = readFileSync(path, 'utf8');
  const place = (name: string, group?: string) => ({ path: join(dirname(path), name), there: group ? new Set([...there, group]) : there });
  const waits = [
    ...[...text.matchAll(/withWords\(\s*'(\w+)',\s*\(\) =>\s*import\(\s*'([^']+)'/g)].map(([, group, name]) => [name!, group!] as const),
    ...[...text.matchAll(/import\('([^']+)'\),[^}]*?meta: \{[^}]*words: '(\w+)'/g)].map(([, name, group]) => [name!, group!] as const),
  ];
  const dynamic = [...text.matchAll(/\bimport\(\s*'(\.[^']+)'/g)].map(([, name]) => name!);
  const fixed = [...text.matchAll(/^(?!import type).*\bfrom '(\.[^']+)'/gm)].map(([, name]) => name!);
  return [
    ...fixed.map((name) => place(name)),
    ...dynamic.map((name) => place(name, waits.find(([waiting]) => waiting === name)?.[1])),
  ];
} // prettier-ignore

/** Every file in every way in which it can be reached. */
function reached(from: string): Place[] {
  const found = new Map<string, Place>();
  const open: Place[] = [{ path: from, there: new Set(['common']) }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const name = `${place.path} ${[...place.there].sort().join()}`;
    if (found.has(name) || place.path.includes('/locales/') || !existsSync(place.path)) continue;
    found.set(name, place);
    open.push(...next(place));
  }
  return [...found.values()];
}

function unheard({ path, there }: Place): string[] {
  const text = readFileSync(path, 'utf8');
  return [...groupsOf].flatMap(([section, group]) =>
    !there.has(group) && new RegExp(`['"\`]${section}\\.[\\w$]`).test(text) ? [`${path.slice(source.length + 1)}: ${section} of ${group}`] : [],
  );
} // prettier-ignore

test('no page speaks with words that it has not waited for', () => {
  const places = reached(join(source, 'main.ts'));
  expect(places.length).toBeGreaterThan(100);
  expect([...new Set(places.flatMap(unheard))]).toEqual([]);
});

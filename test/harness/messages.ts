import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Messages of our pages as tests look at them: flat, by key.

const root = join(import.meta.dirname, '..', '..');

/** `{a: {b: 'x'}}` as `a.b` -> `x`. */
export function flat(messages: object, prefix = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(messages)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'string') found.set(key, value);
    else for (const [deep, text] of flat(value as object, key)) found.set(deep, text);
  }
  return found;
}

/** The names in braces, each once, in one order. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!))].sort();
}

/** What stands in a file, of all files below a folder that end so. */
export function sourcesBelow(folder: string, ends: RegExp): { path: string; text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => ends.test(path))
    .map((path) => ({ path: join(folder, path), text: readFileSync(join(root, folder, path), 'utf8') }));
}

/**
 * Which keys a program may ask for: those that it names, and those that a template like `` `title.${page}` `` or a list
 * (`tm('x')`) reaches.
 */
export function usedKeys(keys: Iterable<string>, texts: readonly string[]): Set<string> {
  const all = texts.join('\n');
  const named = new Set([...all.matchAll(/(['"`])((?:[\w-]+\.)*[\w/-]+)\1/g)].map(([, , key]) => key!));
  const templates = [...all.matchAll(/`((?:[\w-]+\.)+[\w-]*\$\{[^`]*)`/g)].map(
    ([, template]) =>
      new RegExp(
        `^${template!
          .split(/\$\{(?:[^{}]|\{[^}]*\})*\}/)
          .map(escaped)
          .join('.+')}$`,
      ),
  );
  const lists = [...all.matchAll(/\btm\(\s*['"`]([\w.-]+)['"`]/g)].map(([, key]) => `${key}.`);
  const isReached = (key: string) => {
    const names = [key, key.replace(/(?:\.\d+)+$/, '')]; // of a list by its name
    return names.some((name) => named.has(name) || templates.some((one) => one.test(name))) || lists.some((list) => key.startsWith(list)); // prettier-ignore
  };
  return new Set([...keys].filter(isReached));
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');

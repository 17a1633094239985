import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';
import { groupOf, sectionOf } from './src/locales/groups.ts';

/**
 * `virtual:words/ta/office`: the sections of a group, from the files in the language's folder. So a new section needs no place in a list
 * of what is fetched when.
 */
export function wordsByGroup(): Plugin {
  const prefix = 'virtual:words/';
  const folder = join(import.meta.dirname, 'src/locales');
  return {
    name: 'words-by-group',
    resolveId: (source) => (source.startsWith(prefix) ? `\0${source}` : null),
    load(id) {
      if (!id.startsWith(`\0${prefix}`)) return null;
      const [language = '', group] = id.slice(prefix.length + 1).split('/');
      const files = readdirSync(join(folder, language)).filter(
        (name) => name.endsWith('.json') && groupOf(sectionOf(name)) === group,
      );
      const lines = files.map(
        (name) => `import ${sectionOf(name)} from ${JSON.stringify(join(folder, language, name))};`,
      );
      return `${lines.join('\n')}\nexport default { ${files.map(sectionOf).join(', ')} };`;
    },
  };
}

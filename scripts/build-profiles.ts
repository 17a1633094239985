/**
 * Makes what stands in fhir-profiles/resources, and the table that the server checks by, out of the FSH in
 * fhir-profiles/input. Run it when the FSH or the words of server/core/vocabulary change:
 *
 *     node scripts/build-profiles.ts            writes
 *     node scripts/build-profiles.ts --check    says what differs, and ends with 1 if anything does
 *
 * It takes seconds and needs no network (compile-fsh.ts).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeSystemsFsh } from './code-systems-fsh.ts';
import { compileFsh } from './compile-fsh.ts';
import { profileTable } from './profile-table.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'fhir-profiles');
const resources = join(folder, 'resources');
const codeSystems = join(folder, 'input/fsh/code-systems.fsh');
const table = join(root, 'server/core/validation/profile-table.json');

/** Paths of what is not as it is made; nothing is left of it when it was written. */
async function build(check: boolean): Promise<string[]> {
  const keep = check ? () => undefined : writeFileSync;
  const changed: string[] = [];
  const file = (path: string, content: string): void => {
    if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
    changed.push(relative(root, path));
    keep(path, content);
  };
  file(codeSystems, codeSystemsFsh());
  const made = await compileFsh(folder);
  mkdirSync(resources, { recursive: true });
  const names = new Set(made.map(({ resourceType, id }) => `${resourceType}-${id}.json`));
  for (const one of made)
    file(join(resources, `${one.resourceType}-${one.id}.json`), `${JSON.stringify(one, null, 1)}\n`);
  for (const name of readdirSync(resources).filter((one) => !names.has(one))) {
    changed.push(relative(root, join(resources, name)));
    if (!check) rmSync(join(resources, name));
  }
  file(table, `${JSON.stringify(profileTable(made), null, 1)}\n`);
  return changed;
}

const check = process.argv.includes('--check');
const changed = await build(check);
for (const path of changed) console.log(`${path} ${check ? 'differs' : 'is written'}`);
if (check && changed.length > 0) {
  console.error('Run: node scripts/build-profiles.ts');
  process.exitCode = 1;
}

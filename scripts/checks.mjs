// What needs no running system: format, lint, types and import rules, two at a time. Plain JavaScript, no dependencies.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Longest first. A check may keep only what cannot make it pass by being old: the type checker and prettier compare the
 * content of every file with what they kept. Lint keeps nothing, because its rules ask for types, which may have changed
 * in a file that is not the one that is looked at.
 */
const checks = (cache) => [
  ['lint', 'eslint/bin/eslint.js', '--max-warnings', '0', '.'],
  ['types', 'typescript/bin/tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', join(cache, 'types.tsbuildinfo')],
  [
    'format',
    'prettier/bin/prettier.cjs',
    ...['--check', '--log-level', 'warn', '.'],
    ...['--cache', '--cache-strategy', 'content', '--cache-location', join(cache, 'prettier.json')],
  ],
  ['types of the web application', 'vue-tsc/bin/vue-tsc.js', '--noEmit', '-p', 'viewer'],
  ['import rules', 'vitest/vitest.mjs', 'run', '--project', 'rules'],
];

/**
 * @param {(args: string[]) => Promise<{ code: number, output: string }>} runQuietly runs a script of node_modules
 * @param {(sentence: string) => void} say
 * @returns {Promise<boolean>} whether all found nothing; what others found was said.
 */
export async function check(runQuietly, say) {
  const cache = join('node_modules', '.cache', 'checks');
  mkdirSync(cache, { recursive: true });
  const waiting = checks(cache);
  let good = true;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [name, script, ...args] = next;
      const { code, output } = await runQuietly([join('node_modules', script), ...args]);
      if (code === 0) continue;
      good = false;
      say(`\nNot good: ${name}\n${output}`);
    }
  };
  await Promise.all([lane(), lane()]);
  return good;
}

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';
import { own, put } from '../../server/core/table.ts';

const root = join(import.meta.dirname, '../..');
const inherited = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

test('a table answers to its own names only, and takes any name as its own', () => {
  for (const name of inherited) {
    expect(own({ a: 1 }, name)).toBeUndefined();
    const holder: Record<string, unknown> = {};
    put(holder, name, 7);
    expect(own(holder, name)).toBe(7);
    expect(Object.getPrototypeOf(holder)).toBe(Object.prototype);
  }
});

test('no object leads to the one that all inherit from, which takes no further property', () => {
  const shared = Object.prototype as unknown as Record<string, unknown>;
  expect(Object.hasOwn(shared, '__proto__')).toBe(false);
  expect(Object.isExtensible(shared)).toBe(false);
  expect(() => (shared['get'] = 1)).toThrow(TypeError);
});

test('threads of the server are closed in the same way', async () => {
  const guard = join(root, 'server/core/sealed-prototype.ts');
  const look = `import(${JSON.stringify(guard)}).then(() => require('node:worker_threads').parentPort.postMessage(
    ['__proto__' in {}, Object.isExtensible(Object.prototype)]))`;
  const worker = new Worker(look, { eval: true });
  expect(await new Promise((done, fail) => worker.once('message', done).once('error', fail))).toEqual([false, false]);
});

test('whatever starts as a process or thread of its own seals the prototype before anything else', () => {
  const files = readdirSync(join(root, 'server'), { recursive: true, encoding: 'utf8' }).filter((one) =>
    one.endsWith('.ts'),
  );
  const text = (file: string) => readFileSync(join(root, 'server', file), 'utf8');
  const started = files.flatMap((file) =>
    [...text(file).matchAll(/new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g)].map((found) =>
      join(file, '..', found[1]!),
    ),
  );
  expect(started.length).toBeGreaterThan(3);
  const open = ['main.ts', ...started].filter(
    (file) => !/^import '[./a-z]*\/sealed-prototype\.ts';/.test(/^import .*/m.exec(text(file))![0]),
  );
  expect(open).toEqual([]);
});

test('the lint rule finds each way in which a name from outside became a key', { timeout: 120_000 }, async () => {
  const eslint = new ESLint({ cwd: root });
  const lint = async (code: string) => {
    const [result] = await eslint.lintText(code, { filePath: join(root, 'server/http/answer/static.ts') });
    return result!.messages.filter((one) => one.ruleId === 'csss/no-outside-key').map((one) => one.messageId);
  };
  const table = 'const table: Record<string, number> = { a: 1 };\nexport const f = (name: string) => ';
  expect(await lint(`${table} name in table;`)).toEqual(['in']);
  expect(await lint(`${table} table[name];`)).toEqual(['access']);
  expect(await lint(`${table} table[\`x\${name}\`];`)).toEqual(['access']);
  expect(await lint(`const t = { a: 1 }; export const f = (n: string) => t[n as keyof typeof t];`)).toEqual(['cast']);
  expect(await lint('export const f = (o: Record<string, unknown>, n: string) => { o[n] = 1; };')).toEqual(['access']);
  expect(await lint('export const f = (o: object, n: unknown) => (n as string) in o;')).toEqual(['in']);
  expect(await lint('export const f = (o: number[], n: number) => o[n];')).toEqual([]);
  expect(await lint("export const f = (o: object) => 'a' in o;")).toEqual([]);
  expect(await lint(`const t = { a: 1, b: 2 }; export const f = (n: 'a' | 'b') => t[n];`)).toEqual([]);
});

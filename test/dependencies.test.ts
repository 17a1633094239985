import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { longest } from './harness/longest-first.ts';

const root = join(import.meta.dirname, '..');
const json = (path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<string, object>;
const { dependencies, devDependencies } = json('package.json') as Record<string, Record<string, string>>;
const direct = Object.keys({ ...dependencies, ...devDependencies });

/** Files below some places, and files named themselves. */
function sources(...places: string[]): { path: string; text: string }[] {
  const paths = places.flatMap((place) =>
    /\.\w+$/.test(place)
      ? [place]
      : readdirSync(join(root, place), { withFileTypes: true, recursive: true })
          .filter(({ name }) => /\.(ts|vue|css|mjs)$/.test(name))
          .map(({ parentPath, name }) =>
            join(parentPath, name)
              .slice(root.length + 1)
              .replaceAll('\\', '/'),
          )
          .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path)),
  );
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** The packages that files import, or load and resolve by name. */
function packagesIn(files: { path: string; text: string }[]): Set<string> {
  const found = new Set<string>();
  for (const { path, text } of files) {
    const script = path.endsWith('.vue') ? (/<script[^>]*>([\s\S]*?)<\/script>/.exec(text)?.[1] ?? '') : text;
    const imported = path.endsWith('.css') ? [] : ts.preProcessFile(script, true, true).importedFiles;
    const loaded = /(?:\.url\)|\.resolve|@import ?)\(?\s*['"`]([^'"`]+)/g; // createRequire(import.meta.url)('a'), require.resolve('a/b')
    for (const name of [...imported.map(({ fileName }) => fileName), ...[...script.matchAll(loaded)].map(([, name]) => name!)])
      if (!/^(node:|[./])/.test(name)) found.add(name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/'));
  }
  return found;
} // prettier-ignore

const server = packagesIn(sources('server'));
const production = packagesIn(sources('server', 'viewer/src', 'models/training', 'viewer/vite.config.ts'));
const everything = packagesIn(
  sources('server', 'viewer', 'models', 'scripts', 'test', 'eslint.config.js', 'vitest.config.ts'),
);

test('what the server imports is installed in production', () => {
  expect([...server].filter((name) => !(name in dependencies!)).sort()).toEqual([]);
});

test('every dependency is imported by the server or the training, every devDependency by something', () => {
  const shipped = packagesIn(sources('server', 'models/training'));
  expect(Object.keys(dependencies!).filter((name) => !shipped.has(name))).toEqual([]);
  /** What is not imported by name, and why it is here. */
  const others: Record<string, string> = {
    '@cornerstonejs/metadata': 'peer of @cornerstonejs/core',
    '@cornerstonejs/utils': 'peer of @cornerstonejs/core',
    prettier: 'run by scripts/checks.mjs',
    'vue-tsc': 'run by scripts/checks.mjs',
  };
  const typesOf = (name: string) =>
    name
      .replace('@types/', '')
      .replace('__', '/')
      .replace(/^(?=\w+\/)/, '@');
  const idle = Object.keys(devDependencies!).filter(
    (name) => !everything.has(name) && !(name in others) && name !== '@types/node' && !(typesOf(name) in dependencies!),
  );
  expect(idle).toEqual([]);
});

test.each([
  ['koa'], ['@koa/router'], ['@medplum/fhirtypes'], ['dicom-parser'], ['dcmjs'], ['cornerstone-core'], ['onnxruntime-node'],
  ['sharp'], ['typeorm'], ['pg'], ['oidc-provider'], ['jose'], ['puppeteer'], ['nodemailer'], ['vue'],
])('%s, which CSSS is to be built on, is used by its own code and not by tests alone', (name) => {
  expect(production.has(name)).toBe(true);
}); // prettier-ignore

test.each([['vite', 'viewer/vite.config.ts'], ['vitest', 'vitest.config.ts']])('%s builds and tests it', (name, file) => {
  expect(packagesIn(sources(file)).has(name)).toBe(true);
}); // prettier-ignore

test('no direct dependency is installed in two versions', () => {
  const versions = new Map<string, Set<string>>();
  for (const [path, { version, inBundle }] of Object.entries(json('package-lock.json').packages as Record<string, { version: string; inBundle?: true }>)) {
    const name = path.split('node_modules/').at(-1)!;
    // What a package carries inside of itself nobody can choose.
    if (direct.includes(name) && !inBundle) versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  expect([...versions.keys()].sort()).toEqual([...direct].sort());
  expect([...versions].filter(([, found]) => found.size > 1).map(([name]) => name)).toEqual([]);
}); // prettier-ignore

test('every override still overrides something', () => {
  const { overrides } = json('package.json') as { overrides: Record<string, string | Record<string, string>> };
  const names = Object.values(overrides).flatMap((one) => (typeof one === 'string' ? [] : Object.keys(one)));
  const packages = json('package-lock.json').packages as Record<string, { dependencies?: Record<string, string> }>;
  for (const name of [...Object.keys(overrides), ...names]) expect(packages, name).toHaveProperty([`node_modules/${name}`]);
}); // prettier-ignore

test('the test files that begin first are there', () => {
  const files = new Set(sources('test').map(({ path }) => path));
  expect(longest.filter((path) => !files.has(path))).toEqual([]);
});

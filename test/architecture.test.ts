import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Import {
  from: string;
  /** Path below the root for our own files, the package name for others. */
  to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|vue)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/') && !path.includes('/dist/'));
}

function importsOf(path: string): Import[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s+['"]([^'"]+)['"]/g,
    ),
  ].map((found) => {
    const name = (found[1] ?? found[2] ?? found[3])!;
    const to = name.startsWith('.')
      ? relative(root, join(root, dirname(path), name))
          .split(sep)
          .join('/')
      : name;
    return { from: path, to };
  });
}

const imports = sources('server').flatMap(importsOf);
const faces = ['dicomweb', 'dimse', 'fhir', 'smart', 'live', 'portal'];
const composition = /^server\/(main|config|compose|checks|app|worker|log)\.ts$|^server\/demo\//;

function offences(from: RegExp, allowed: (to: string) => boolean): string[] {
  return imports.filter((one) => from.test(one.from) && !allowed(one.to)).map((one) => `${one.from} -> ${one.to}`);
}

test('the core knows no HTTP, SQL, file system, network or inference', () => {
  const machines =
    /^(koa|@koa\/|typeorm|pg|pg-boss|puppeteer|nodemailer|onnxruntime|sharp|oidc-provider|node:(http|https|net|tls|fs|child_process|worker_threads|dgram))/;
  expect(
    offences(/^server\/core\//, (to) =>
      to.startsWith('server/') ? to.startsWith('server/core/') : !machines.test(to),
    ),
  ).toEqual([]);
});

test('infrastructure imports the core and nothing else of ours', () => {
  expect(
    offences(
      /^server\/infrastructure\//,
      (to) => !to.startsWith('server/') || /^server\/(core|infrastructure)\//.test(to),
    ),
  ).toEqual([]);
});

test('what HTTP faces share imports the core only', () => {
  expect(offences(/^server\/http\//, (to) => !to.startsWith('server/') || /^server\/(core|http)\//.test(to))).toEqual(
    [],
  );
});

for (const face of faces) {
  test(`the ${face} face imports itself, the core and http, never another face or infrastructure`, () => {
    const own = new RegExp(`^server/(${face}|core|http)/`);
    expect(offences(new RegExp(`^server/${face}/`), (to) => !to.startsWith('server/') || own.test(to))).toEqual([]);
  });
}

test('the job handlers import the core only', () => {
  expect(offences(/^server\/work\//, (to) => !to.startsWith('server/') || /^server\/(core|work)\//.test(to))).toEqual(
    [],
  );
});

test('only the composition sees everything', () => {
  const outside = imports.filter(
    (one) => /^server\/(compose|checks|app|main|worker|config|log|demo)/.test(one.to) && !composition.test(one.from),
  );
  expect(outside.map((one) => `${one.from} -> ${one.to}`)).toEqual([]);
});

test('the web application and the server share no code', () => {
  const shared = sources('viewer')
    .flatMap(importsOf)
    .filter((one) => one.to.startsWith('server/'));
  expect(shared.map((one) => `${one.from} -> ${one.to}`)).toEqual([]);
});

test('no file or folder has a name that says nothing', () => {
  const vague = /(^|[-/])(utils?|helpers?|common|misc|managers?|services?|impl)([-./]|$)/i;
  expect([...sources('server'), ...sources('viewer')].filter((path) => vague.test(path))).toEqual([]);
});

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
const composition = /^server\/(main|migrate|config|compose|checks|app|worker|log)\.ts$|^server\/(compose|demo)\//;

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
    (one) =>
      /^server\/(compose|checks|app|main|migrate|worker|config|log|demo)/.test(one.to) && !composition.test(one.from),
  );
  expect(outside.map((one) => `${one.from} -> ${one.to}`)).toEqual([]);
});

/**
 * The rooms of the core, lower ones first: a room imports itself and what is below it. Files that lie in no room
 * (problem, principal, jobs ...) are below all rooms; `world` is beside them, see its own test.
 */
const rooms: string[][] = [
  ['r4', 'dicom', 'vocabulary'],
  ['search'],
  ['access'],
  ['validation'],
  ['patch'],
  ['records'],
  ['studies', 'accounts'],
  ['analysis'],
  ['workflow'],
  ['reports'],
];
const above = ['server/core/clinical-rules.ts'];
const world = 'server/core/world.ts';

function roomOf(path: string): string | undefined {
  return /^server\/core\/([^/]+)\//.exec(path)?.[1];
}

test('the rooms of the core import downwards only, types too', () => {
  const known = new Set(rooms.flat());
  const floor = (room: string): number => rooms.findIndex((names) => names.includes(room));
  const inCore = imports.filter((one) => one.from.startsWith('server/core/') && one.to.startsWith('server/core/'));
  expect([...new Set(inCore.map((one) => roomOf(one.from)))].filter((room) => room && !known.has(room))).toEqual([]);
  const upwards = inCore.filter(({ from, to }) => {
    const [own, other] = [roomOf(from), roomOf(to)];
    if (above.includes(from) || from === world) return false;
    if (above.includes(to)) return true;
    if (own === other || other === undefined) return false;
    return own === undefined || floor(other) >= floor(own);
  });
  expect(upwards.map((one) => `${one.from} -> ${one.to}`)).toEqual([]);
});

/** A port imports nouns and other ports, never the world that gathers it, so the world adds no way upwards. */
test('the world gathers ports and nothing that works', () => {
  const text = readFileSync(join(root, world), 'utf8');
  expect(text.match(/^import (?!type )/gm)).toBeNull();
  const ports = imports
    .filter((one) => one.from === world)
    .map((one) => one.to)
    .filter(roomOf);
  const working = ports.filter((path) =>
    /^export (async )?(function|const|class|let)/m.test(readFileSync(join(root, path), 'utf8')),
  );
  expect(working).toEqual([]);
});

test('no file imports itself by way of others, types included', () => {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) if (to.startsWith('server/')) next.set(from, [...(next.get(from) ?? []), to]);
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
    if (way.includes(path) || done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  expect(circles).toEqual([]);
});

test('nobody makes a world by a cast', () => {
  const texts = [...sources('server'), ...sources('test')].filter((path) => path !== 'test/architecture.test.ts');
  const casts = texts.filter((path) =>
    /as unknown as (World|Stores|Reading)\b/.test(readFileSync(join(root, path), 'utf8')),
  );
  expect(casts).toEqual([]);
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

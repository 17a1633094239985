import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Import {
  from: string;
  /** Path below the root for our own files, the package name for others. */
  to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.([cm]?[jt]sx?|vue)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.includes('node_modules/') && !path.includes('/dist/'));
}

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What the compiler sees: every `import` and `export from`, as a call, in a type, with comments in between, and references. */
function importsOf(path: string): Import[] {
  return importsIn(path, textOf(path));
}

function importsIn(path: string, text: string): Import[] {
  const scripts = path.endsWith('.vue')
    ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, one]) => one!)
    : [text];
  return scripts.flatMap((script) => {
    const { importedFiles, referencedFiles } = ts.preProcessFile(script, true, true);
    const required = [...script.matchAll(/createRequire\([^()]*\)(?:\.resolve)?\(\s*(['"`])(.+?)\1/g)].map(([, , name]) => name!);
    return [...importedFiles.map(({ fileName }) => fileName), ...referencedFiles.map(({ fileName }) => `./${fileName}`), ...required];
  }).map((name) => ({
    from: path,
    // The compiler takes `./a.js` in a type for `./a.ts`.
    to: name.startsWith('.') ? join(dirname(path), name).split(sep).join('/').replace(/\.([cm]?)js$/, '.$1ts') : name,
  })); // prettier-ignore
}

const imports = sources('server').flatMap(importsOf);
const faces = ['dicomweb', 'dimse', 'fhir', 'smart', 'live', 'portal'];
const composition =
  /^server\/(main|manage|migrate|config|compose|checks|app|worker|log)\.ts$|^server\/(compose|demo)\//;

function offences(from: RegExp, allowed: (to: string) => boolean): string[] {
  return imports.filter((one) => from.test(one.from) && !allowed(one.to)).map((one) => `${one.from} -> ${one.to}`);
}

test.each([
  ["import type { A } from './b.ts';"],
  ["import {\n  A, // it's one\n  B, // and; another\n} from './b.ts';"],
  ["export * from './b.ts';"],
  ["/* first */ import './b.ts';"],
  ["await import(\n  // far away\n  './b.ts'\n);"],
  ['await import(`./b.ts`);'],
  ["await import('./b.ts', { with: {} });"],
  ["let a: import('./b.ts').A;"],
  ["type A = import('./b.js').A;"],
  ["import a = require('./b.ts');"],
  ["createRequire(import.meta.url)('./b.ts');"],
  ["/// <reference path='b.ts' />"],
])('an import is seen: %j', (text) => {
  expect(importsIn('server/a.ts', text).map(({ to }) => to)).toEqual(['server/b.ts']);
}); // prettier-ignore

test('nothing is loaded by a way that these rules do not see', () => {
  const hidden = /\bgetBuiltinModule\b|\bimport\((?!\s*(?:\/\/.*\s*|\/\*[^]*?\*\/\s*)*['"`])|^import .*from ['"](?:\/|file:|#)/m;
  const loads = (path: string) => hidden.test(textOf(path)) || (/\bcreateRequire\b/.test(textOf(path)) && !path.startsWith('server/infrastructure/'));
  expect([...sources('server'), ...sources('viewer/src')].filter(loads)).toEqual([]);
  expect([...sources('server'), ...sources('viewer/src')].filter((path) => !/\.(ts|vue)$/.test(path))).toEqual([
    'server/smart/pages/page.js', // runs in the browser, as it is
  ]);
}); // prettier-ignore

test('every file of the server lies where a rule is about it', () => {
  const ruled = new RegExp(`^server/(core|infrastructure|http|work|${faces.join('|')})/|^server/dcmjs\\.d\\.ts$`);
  expect(sources('server').filter((path) => !ruled.test(path) && !composition.test(path))).toEqual([]);
});

test('the core knows no HTTP, SQL, file system, network or inference', () => {
  const harmless =
    /^(@medplum\/fhirtypes|fhirpath(\/.*)?|dcmjs\/dictionary|zod|otpauth|@zxcvbn-ts\/[a-z-]+|node:(crypto|timers\/promises|util))$/;
  expect(
    offences(/^server\/core\//, (to) => (to.startsWith('server/') ? to.startsWith('server/core/') : harmless.test(to))),
  ).toEqual([]);
  const network = /\b(fetch|WebSocket|EventSource)\(/;
  expect(sources('server/core').filter((path) => network.test(textOf(path)))).toEqual([]);
});

test('the faces, the job handlers and what they share know no SQL, browser, mail or inference', () => {
  const machines =
    /^(typeorm|pg|pg-boss|puppeteer|nodemailer|smtp-server|onnxruntime-node|sharp|dcmjs-codecs|@cornerstonejs\/codec-[a-z]+)(\/|$)/;
  expect(offences(/^server\/(http|work|dicomweb|dimse|fhir|smart|live|portal)\//, (to) => !machines.test(to))).toEqual(
    [],
  );
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
      /^server\/(compose|checks|app|main|manage|migrate|worker|config|log|demo)/.test(one.to) &&
      !composition.test(one.from),
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
  ['news'],
  ['deliveries', 'notices'],
  ['studies', 'accounts'],
  ['analysis', 'site', 'medications', 'assistant'],
  ['workflow'],
  ['reports'],
  ['patient'],
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
  const text = textOf(world);
  expect(text.match(/^import (?!type )/gm)).toBeNull();
  const ports = imports
    .filter((one) => one.from === world)
    .map((one) => one.to)
    .filter(roomOf);
  const working = ports.filter((path) => /^export (async )?(function|const|class|let)/m.test(textOf(path)));
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

test('nobody makes a world by a cast, or looks for one in what a unit of work was given', () => {
  const texts = [...sources('server'), ...sources('test')].filter((path) => path !== 'test/architecture.test.ts');
  const casts = /\b(as|is) (\w+ (as|&) )?(Partial<|Pick<)?(World|Stores|Reading|ReadsFrom|WritesTo)\b|<World>\s*[\w{(]|\.world as (never|unknown)\b/;
  const allowed = (path: string) => path.startsWith('test/') && !/ as (unknown as |never)/.test(casts.exec(textOf(path))?.[0] ?? '');
  expect(texts.filter((path) => casts.test(textOf(path)) && !allowed(path))).toEqual([]);
}); // prettier-ignore

/** It would read or write on a second connection while the first is held. */
test('no unit of work is opened inside another one', () => {
  const nested: string[] = [];
  const opens = /^(inOneTransaction|writeInTransaction)$/; // the named ways into a transaction, of the world they are given
  for (const path of sources('server').filter((one) =>
    /\.transaction\(|InTransaction\(|inOneTransaction\(/.test(textOf(one)),
  )) {
    const file = ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node, outer: string | undefined): void => {
      let inside = outer;
      if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        const [world, way] = [node.expression.expression.getText(), node.expression.name.text];
        if (world === outer && /^(read|transaction)$/.test(way)) nested.push(`${path}: ${node.getText()}`);
        if (way === 'transaction' && !/^dataSource/.test(world)) inside = world;
      }
      if (ts.isCallExpression(node) && opens.test(node.expression.getText())) {
        const world = node.arguments[0]!.getText();
        if (world === outer) nested.push(`${path}: ${node.getText()}`);
        inside = world;
      }
      node.forEachChild((child) => visit(child, inside));
    };
    visit(file, undefined);
  }
  expect(nested).toEqual([]);
});

test('the web application and the server share no code', () => {
  const shared = sources('viewer')
    .flatMap(importsOf)
    .filter((one) => one.to.startsWith('server/'));
  expect(shared.map((one) => `${one.from} -> ${one.to}`)).toEqual([]);
  expect(sources('viewer').filter((path) => /['"`](\.\.\/)+server\//.test(textOf(path)))).toEqual([]); // globs, URLs
});

test('no file or folder has a name that says nothing', () => {
  const vague = /(^|[-/])(utils?|helpers?|common|misc|managers?|services?|impl)([-./]|$)/i;
  expect([...sources('server'), ...sources('viewer')].filter((path) => vague.test(path))).toEqual([]);
});

import { expect, test } from 'vitest';
import { Problem } from '../../../server/core/problem.ts';
import { applyJsonPatch } from '../../../server/core/patch/patch-json.ts';

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof Problem ? error.code : `a bug: ${String(error)}`;
  }
  return 'no refusal';
};

// The examples of RFC 6902, appendix A, and the rules beside them.
test.each([
  ['A.1 adding a member', { foo: 'bar' }, { op: 'add', path: '/baz', value: 'qux' }, { baz: 'qux', foo: 'bar' }],
  [
    'A.2 adding an item',
    { foo: ['bar', 'baz'] },
    { op: 'add', path: '/foo/1', value: 'qux' },
    { foo: ['bar', 'qux', 'baz'] },
  ],
  ['A.3 removing a member', { baz: 'qux', foo: 'bar' }, { op: 'remove', path: '/baz' }, { foo: 'bar' }],
  ['A.4 removing an item', { foo: ['bar', 'qux', 'baz'] }, { op: 'remove', path: '/foo/1' }, { foo: ['bar', 'baz'] }],
  [
    'A.5 replacing a value',
    { baz: 'qux', foo: 'bar' },
    { op: 'replace', path: '/baz', value: 'boo' },
    { baz: 'boo', foo: 'bar' },
  ],
  [
    'A.6 moving a value',
    { foo: { bar: 'baz', waldo: 'fred' }, qux: {} },
    { op: 'move', from: '/foo/waldo', path: '/qux/thud' },
    { foo: { bar: 'baz' }, qux: { thud: 'fred' } },
  ],
  [
    'A.7 moving an item',
    { foo: ['all', 'grass', 'cows', 'eat'] },
    { op: 'move', from: '/foo/1', path: '/foo/3' },
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  ['A.8 testing a value', { foo: ['a', 2, 'c'] }, { op: 'test', path: '/foo/1', value: 2 }, { foo: ['a', 2, 'c'] }],
  [
    'A.10 adding an object',
    { foo: 'bar' },
    { op: 'add', path: '/child', value: { grandchild: {} } },
    { foo: 'bar', child: { grandchild: {} } },
  ],
  [
    'A.11 ignoring other members',
    { foo: 'bar' },
    { op: 'add', path: '/baz', value: 'qux', xyz: 123 },
    { foo: 'bar', baz: 'qux' },
  ],
  ['A.14 the order of escapes', { '/': 9, '~1': 10 }, { op: 'test', path: '/~01', value: 10 }, { '/': 9, '~1': 10 }],
  [
    'A.16 an array as an item',
    { foo: ['bar'] },
    { op: 'add', path: '/foo/-', value: ['abc'] },
    { foo: ['bar', ['abc']] },
  ],
  ['null as a value', { foo: 1 }, { op: 'replace', path: '/foo', value: null }, { foo: null }],
  ['an empty name', { '': 1 }, { op: 'remove', path: '/' }, {}],
  ['the whole document', { foo: 1 }, { op: 'replace', path: '', value: { bar: 2 } }, { bar: 2 }],
  ['a copy', { foo: [1] }, { op: 'copy', from: '/foo', path: '/bar' }, { foo: [1], bar: [1] }],
  ['a move to where it is', { foo: 1 }, { op: 'move', from: '/foo', path: '/foo' }, { foo: 1 }],
  [
    'a test of objects in another order',
    { a: { b: 1, c: [0] } },
    { op: 'test', path: '/a', value: { c: [-0], b: 1 } },
    { a: { b: 1, c: [0] } },
  ],
  ['a member named constructor', { constructor: 1 }, { op: 'remove', path: '/constructor' }, {}],
])('%s', (_, before, operation, after) => {
  expect(applyJsonPatch(before, [operation])).toEqual(after);
});

const document = { list: [1, 2], object: { name: 'a' }, text: 'abc' };

test.each([
  ...['/toString', '/constructor', '/__proto__', '/hasOwnProperty', '/list/length', '/text/length', '/text/0'],
  ...['/__proto__/x', '/constructor/prototype', '/constructor/prototype/x', '/object/__proto__/y', '/object/valueOf'],
  ...[
    '/list/01',
    '/list/1e0',
    '/list/-1',
    '/list/+1',
    '/list/1.0',
    '/list/ 1',
    '/list/0x1',
    '/list/2',
    '/list/-',
    '/nothing',
  ],
])('nothing is at %j', (path) => {
  for (const operation of [
    { op: 'remove', path },
    { op: 'replace', path, value: 1 },
    { op: 'test', path, value: null },
    { op: 'move', from: path, path: '/new' },
    { op: 'copy', from: path, path: '/new' },
  ]) {
    expect(code(() => applyJsonPatch(document, [operation]))).toBe('conflict');
  }
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test.each([
  '/__proto__',
  '/__proto__/x',
  '/constructor/prototype/x',
  '/list/01',
  '/list/3',
  '/list/1e0',
  '/text/x',
  '/nothing/x',
])('nothing is added at %j', (path) => {
  expect(code(() => applyJsonPatch(document, [{ op: 'add', path, value: 1 }]))).toBe('conflict');
  expect(code(() => applyJsonPatch(document, [{ op: 'copy', from: '/object', path }]))).toBe('conflict');
});

test.each([
  ['no array', {}],
  ['no operation', [null]],
  ['no path', [{ op: 'remove' }]],
  ['a path without its slash', [{ op: 'remove', path: 'a' }]],
  ['an escape that is none', [{ op: 'remove', path: '/a~2' }]],
  ['another operation', [{ op: 'constructor', path: '/a' }]],
  ['no value', [{ op: 'add', path: '/a' }]],
  ['no source', [{ op: 'move', path: '/a' }]],
  [
    'a fault after good operations',
    [
      { op: 'remove', path: '/text' },
      { op: 'spend', path: '/a' },
    ],
  ],
])('a patch with %s is refused', (_, patch) => {
  expect(code(() => applyJsonPatch(document, patch))).toBe('structure');
});

test('a value cannot be moved into itself', () => {
  expect(code(() => applyJsonPatch(document, [{ op: 'move', from: '/object', path: '/object/name' }]))).toBe(
    'conflict',
  );
});

test('neither the document nor the patch changes, so that a write can be tried again', () => {
  const patch = [
    { op: 'add', path: '/new', value: { a: [] } },
    { op: 'add', path: '/new/a/-', value: 1 },
    { op: 'copy', from: '/new', path: '/copy' },
    { op: 'add', path: '/copy/a/-', value: 2 },
  ];
  const [before, given] = [structuredClone(document), structuredClone(patch)];
  const wanted = { ...document, new: { a: [1] }, copy: { a: [1, 2] } };
  expect(applyJsonPatch(document, patch)).toEqual(wanted);
  expect(applyJsonPatch(document, patch)).toEqual(wanted);
  expect([document, patch]).toEqual([before, given]);
});

test('what doubles with each operation is refused', () => {
  const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '', path: `/more${i}` }));
  expect(code(() => applyJsonPatch({ text: 'x'.repeat(1000) }, doubling))).toBe('too-costly');
  expect(
    code(() =>
      applyJsonPatch(
        {},
        Array.from({ length: 201 }, () => ({ op: 'test', path: '', value: {} })),
      ),
    ),
  ).toBe('too-costly');
  expect(code(() => applyJsonPatch({}, [{ op: 'remove', path: '/a'.repeat(40) }]))).toBe('too-costly');
});

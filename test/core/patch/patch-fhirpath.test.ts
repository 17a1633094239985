import type { Parameters as FhirParameters, Resource } from '@medplum/fhirtypes';
import { describe, expect, test } from 'vitest';
import { Problem } from '../../../server/core/problem.ts';
import { applyFhirPathPatch } from '../../../server/core/patch/patch-fhirpath.ts';

type Part = { name: string } & Record<string, unknown>;
const patient = (more: object = {}): Resource => ({ resourceType: 'Patient', id: 'a', ...more }) as Resource;

/** Operations as `[type, path, { index: { valueInteger: 1 } }]`. */
function patch(resource: Resource, ...operations: [string, string, Record<string, object>?][]): unknown {
  const parameter = operations.map(([type, path, parts = {}]) => ({
    name: 'operation',
    part: [
      { name: 'type', valueCode: type },
      { name: 'path', valueString: path },
      ...Object.entries(parts).map(([name, value]): Part => ({ name, ...value })),
    ],
  }));
  return applyFhirPathPatch(resource, { resourceType: 'Parameters', parameter } as FhirParameters);
}
const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof Problem ? error.code : `a bug: ${String(error)}`;
  }
  return 'no refusal';
};
const named = (name: string) => ({ name: { valueString: name } });
const at = (index: number) => ({ index: { valueInteger: index } });
const ids = (...values: string[]) => ({ identifier: values.map((value) => ({ system: 'http://example.org', value })) });
const moved = (source: number, destination: number) => ({
  source: { valueInteger: source },
  destination: { valueInteger: destination },
});

describe('add', () => {
  test.each([
    ['a primitive', 'Patient', 'birthDate', { valueDate: '1930-01-01' }, {}, { birthDate: '1930-01-01' }],
    [
      'a complex value',
      'Patient',
      'maritalStatus',
      { valueCodeableConcept: { text: 'm' } },
      {},
      { maritalStatus: { text: 'm' } },
    ],
    ['the first of a list', 'Patient', 'name', { valueHumanName: { family: 'A' } }, {}, { name: [{ family: 'A' }] }],
    [
      'to the end of a list',
      'Patient.name[0]',
      'given',
      { valueString: 'C' },
      { name: [{ given: ['B'] }] },
      { name: [{ given: ['B', 'C'] }] },
    ],
    ['a choice by its element', 'Patient', 'deceased', { valueBoolean: true }, {}, { deceasedBoolean: true }],
    ['a choice by its property', 'Patient', 'deceasedBoolean', { valueBoolean: true }, {}, { deceasedBoolean: true }],
    [
      'an extension of a primitive',
      'Patient.birthDate',
      'extension',
      { valueExtension: { url: 'u', valueCode: 'c' } },
      { birthDate: '1930' },
      { birthDate: '1930', _birthDate: { extension: [{ url: 'u', valueCode: 'c' }] } },
    ],
    [
      'a resource inside of the resource',
      'Patient',
      'contained',
      { resource: { resourceType: 'Basic', id: 'b' } },
      {},
      { contained: [{ resourceType: 'Basic', id: 'b' }] },
    ],
  ])('adds %s', (_, path, name, value, before, after) => {
    expect(patch(patient(before), ['add', path, { ...named(name), value }])).toEqual(patient(after));
  });

  test('builds an element without a type of its own from parts, lists as lists', () => {
    const value = {
      part: [
        { name: 'name', valueHumanName: { text: 'the name' } },
        { name: 'relationship', valueCodeableConcept: { text: 'a friend' } },
      ],
    };
    expect(patch(patient(), ['add', 'Patient', { ...named('contact'), value }])).toEqual(
      patient({ contact: [{ name: { text: 'the name' }, relationship: [{ text: 'a friend' }] }] }),
    );
  });

  test.each([
    ['what is there', 'Patient', 'birthDate', 'conflict'],
    ['another type of a choice that is there', 'Patient', 'deceased', 'conflict'],
    ['to nothing', 'Patient.maritalStatus', 'text', 'conflict'],
    ['to two at once', 'Patient.name', 'family', 'conflict'],
    ['an element that the type does not have', 'Patient', 'colour', 'structure'],
    ['to an element that the type does not have', 'Patient.colour', 'text', 'structure'],
    ['what all objects inherit', 'Patient', 'toString', 'structure'],
    ['__proto__', 'Patient', '__proto__', 'structure'],
    ['to __proto__', 'Patient.__proto__', 'get', 'structure'],
    ['to the constructor', 'Patient.constructor.prototype', 'get', 'structure'],
  ])('does not add %s', (_, path, name, expected) => {
    const before = patient({ birthDate: '1930', deceasedBoolean: false, name: [{ text: 'a' }, { text: 'b' }] });
    expect(code(() => patch(before, ['add', path, { ...named(name), value: { valueDateTime: '2000' } }]))).toBe(
      expected,
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

test.each([
  ['insert at the start', 'insert', { ...at(0), value: { valueIdentifier: { value: 'x' } } }, ['x', '1', '2', '3']],
  ['insert in the middle', 'insert', { ...at(2), value: { valueIdentifier: { value: 'x' } } }, ['1', '2', 'x', '3']],
  ['insert at the end', 'insert', { ...at(3), value: { valueIdentifier: { value: 'x' } } }, ['1', '2', '3', 'x']],
  ['move forwards', 'move', moved(0, 2), ['2', '3', '1']],
  ['move backwards', 'move', moved(2, 0), ['3', '1', '2']],
  ['move to where it is', 'move', moved(1, 1), ['1', '2', '3']],
])('%s of a list', (_, type, parts, expected) => {
  const result = patch(patient(ids('1', '2', '3')), [type, 'Patient.identifier', parts]) as ReturnType<typeof ids>;
  expect(result.identifier.map((one) => one.value)).toEqual(expected);
});

test.each([
  ['insert behind the end', 'insert', 'Patient.identifier', { ...at(4), value: { valueIdentifier: {} } }, 'conflict'],
  [
    'insert before the start',
    'insert',
    'Patient.identifier',
    { ...at(-1), value: { valueIdentifier: {} } },
    'conflict',
  ],
  ['insert without a place', 'insert', 'Patient.identifier', { value: { valueIdentifier: {} } }, 'structure'],
  ['insert without a value', 'insert', 'Patient.identifier', at(0), 'structure'],
  ['insert into what is no list', 'insert', 'Patient.birthDate', { ...at(0), value: { valueDate: '1' } }, 'conflict'],
  ['move from behind the end', 'move', 'Patient.identifier', moved(3, 0), 'conflict'],
  ['move behind the end', 'move', 'Patient.identifier', moved(0, 3), 'conflict'],
  ['move in no list', 'move', 'Patient.telecom', moved(0, 0), 'conflict'],
  ['delete several', 'delete', 'Patient.identifier', {}, 'conflict'],
  ['delete the resource', 'delete', 'Patient', {}, 'conflict'],
  ['replace nothing', 'replace', 'Patient.gender', { value: { valueCode: 'male' } }, 'conflict'],
  ['replace several', 'replace', 'Patient.identifier', { value: { valueIdentifier: {} } }, 'conflict'],
  ['another kind', 'constructor', 'Patient', {}, 'structure'],
])('%s is refused', (_, type, path, parts, expected) => {
  expect(code(() => patch(patient(ids('1', '2', '3')), [type, path, parts]))).toBe(expected);
});

test.each([
  ['an element', 'Patient.birthDate', { birthDate: '1930', _birthDate: { id: 'i' } }, {}],
  ['an item by its index', 'Patient.identifier[1]', ids('1', '2', '3'), ids('1', '3')],
  ['the first', 'Patient.identifier.first()', ids('1', '2'), ids('2')],
  ['the last', 'Patient.identifier.last()', ids('1', '2'), ids('1')],
  ['the only one, and the list with it', 'Patient.identifier.single()', ids('1'), {}],
  ['what a condition finds', "Patient.identifier.where(value = '2')", ids('1', '2'), ids('1')],
  [
    'what two conditions find',
    "Patient.identifier.where(system='http://example.org' and value='2')",
    ids('1', '2'),
    ids('1'),
  ],
  ['nothing', "Patient.identifier.where(value = 'x')", ids('1'), ids('1')],
  ['without the name of the type', 'birthDate', { birthDate: '1930' }, {}],
  [
    'by a condition deeper down',
    "Patient.contact.where(name.family = 'B')",
    { contact: [{ name: { family: 'B' } }] },
    {},
  ],
  [
    'by a condition on a boolean',
    'Patient.communication.where(preferred = true)',
    { communication: [{ preferred: true }] },
    {},
  ],
  [
    'an item by its number',
    'Patient.telecom.where(rank = 2)',
    { telecom: [{ rank: 1 }, { rank: 2 }] },
    { telecom: [{ rank: 1 }] },
  ],
  [
    'an extension by its url',
    "Patient.extension('http://e')",
    { extension: [{ url: 'http://e', valueCode: 'c' }] },
    {},
  ],
  [
    'a choice of one type',
    "Patient.extension('http://e').value.ofType(code)",
    { extension: [{ url: 'http://e', valueCode: 'c' }, { url: 'http://f' }] },
    { extension: [{ url: 'http://e' }, { url: 'http://f' }] },
  ],
  [
    'no choice of another type',
    "Patient.extension('http://e').value.ofType(FHIR.string)",
    { extension: [{ url: 'http://e', valueCode: 'c' }] },
    { extension: [{ url: 'http://e', valueCode: 'c' }] },
  ],
  [
    'an item of primitives with what stands beside it',
    'Patient.name.given[0]',
    { name: [{ given: ['A', 'B'], _given: [{ id: 'a' }, null] }] },
    { name: [{ given: ['B'] }] },
  ],
  [
    'text with a quote in it',
    String.raw`Patient.name.where(family = 'O\'Neil \u0041')`,
    { name: [{ family: "O'Neil A" }] },
    {},
  ],
])('deletes %s', (_, path, before, after) => {
  expect(patch(patient(before), ['delete', path])).toEqual(patient(after));
});

test.each([
  ['a primitive', 'Patient.birthDate', { valueDate: '1931' }, { birthDate: '1930' }, { birthDate: '1931' }],
  [
    'a primitive and what stood beside it',
    'Patient.birthDate',
    { valueDate: '1931' },
    { birthDate: '1930', _birthDate: { id: 'i' } },
    { birthDate: '1931' },
  ],
  [
    'an item',
    'Patient.name[0].given[1]',
    { valueString: 'X' },
    { name: [{ given: ['A', 'B'] }] },
    { name: [{ given: ['A', 'X'] }] },
  ],
  [
    'a choice by another type',
    'Patient.deceased',
    { valueDateTime: '2000' },
    { deceasedBoolean: true },
    { deceasedDateTime: '2000' },
  ],
  [
    'a name that is written in backquotes',
    'Patient.text.`div`',
    { valueString: '<div/>' },
    { text: { div: '' } },
    { text: { div: '<div/>' } },
  ],
])('replaces %s', (_, path, value, before, after) => {
  expect(patch(patient(before), ['replace', path, { value }])).toEqual(patient(after));
});

test.each([
  `Patient.where('${'a'.repeat(26)}!'.matches('(a+)+$')).active`,
  '(1).repeat($this+1)',
  'Patient.name.repeat(given)',
  'Patient.descendants()',
  "Patient.name.where(family.matches('a'))",
  'Patient.name.where(family = given)',
  'Patient.name.where(given.where(1 = 1) = 1)',
  "Patient.name.where(family = 'a' or family = 'b')",
  'Patient | Patient',
  'iif(true, Patient.name, Patient.name)',
  '%resource.name',
  '$this.name',
  'Patient.name[-1]',
  'Patient.name[1.5]',
  'Patient.name[99999999999]',
  'Patient..name',
  'Patient.name.',
  "Patient.name.where(family = 'a",
  '',
  ' ',
  'Observation.status',
  `Patient${'.name'.repeat(40)}`,
  `Patient.name.where(family = '${'a'.repeat(1000)}')`,
])('the path %j is refused, and never run', (path) => {
  expect(code(() => patch(patient(ids('1')), ['delete', path]))).toBe('structure');
});

test.each([
  [{}],
  [{ parameter: {} }],
  [{ parameter: [] }],
  [{ parameter: [null] }],
  [{ parameter: [{ name: 'operation' }] }],
  [{ parameter: [{ name: 'operation', part: 'x' }] }],
  [{ parameter: [{ name: 'operation', part: [null] }] }],
  [{ parameter: [{ name: 'operation', part: [{ name: 'type', valueCode: 7 }] }] }],
  [
    {
      parameter: [
        {
          name: 'operation',
          part: [
            { name: 'type', valueCode: 'delete' },
            { name: 'path', valueString: 7 },
          ],
        },
      ],
    },
  ],
])('%j is no patch', (given) => {
  expect(code(() => applyFhirPathPatch(patient(), given as never))).toBe('structure');
});

test('the costliest patch is refused within 50 ms', () => {
  const many = patient({ name: Array.from({ length: 5_000 }, (_, i) => ({ family: `f${i}` })) });
  const operations = Array.from({ length: 200 }, (): [string, string] => [
    'delete',
    "Patient.name.where(family = 'x')",
  ]);
  const times = Array.from({ length: 10 }, () => {
    const started = performance.now();
    expect(code(() => patch(many, ...operations))).toBe('too-costly');
    return performance.now() - started;
  });
  expect(Math.min(...times)).toBeLessThan(50); // the others had to wait for the machine
});

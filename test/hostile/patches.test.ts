/** Patches that nobody would write, made by fast-check from a fixed seed: a refusal or a document, at once. */
import fc from 'fast-check';
import type { Parameters as FhirParameters, Patient } from '@medplum/fhirtypes';
import { afterEach, expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { applyPatch } from '../../server/core/patch/patch.ts';

const patient: Patient = {
  resourceType: 'Patient',
  id: 'a',
  active: true,
  birthDate: '1930-01-01',
  deceasedBoolean: false,
  name: [{ family: 'A', given: ['B', 'C'] }, { text: 'D' }],
  identifier: [{ system: 'http://example.org', value: '1' }],
  extension: [{ url: 'http://e', valueString: 'x' }],
};
const names = [
  ...['name', 'given', 'identifier', 'extension', 'value', 'deceased', 'birthDate', 'Patient', 'Resource', 'active'],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__', ''],
];
const word = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...names) }, fc.string({ maxLength: 8 }));
const index = fc.constantFrom('0', '1', '-', '-1', '01', '1e0', '99', '4294967296');
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(...[JSON.parse('{"__proto__":{"x":1}}') as fc.JsonValue]),
);

const pointer = fc
  .array(fc.oneof(word, index), { maxLength: 4 })
  .map((parts) => parts.map((one) => `/${one}`).join(''));
const jsonPatch = fc.array(
  fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'constructor'),
    path: pointer,
    from: pointer,
    value,
  }),
  { maxLength: 6 },
);

const call = fc.constantFrom(
  ...[
    'first()',
    'last()',
    'single()',
    "where(value = '1')",
    'where(family = 1 and given = true)',
    "extension('http://e')",
  ],
  ...[
    'ofType(string)',
    'ofType(__proto__)',
    "where(a.matches('(a+)+$'))",
    'repeat($this)',
    'where(constructor = 1)',
    '`div`',
  ],
);
const step = fc.oneof(
  word,
  call,
  fc.tuple(word, index).map(([name, at]) => `${name}[${at}]`),
);
const good = [
  'Patient',
  'Patient.name',
  'Patient.name[0]',
  'Patient.name[0].given',
  'Patient.birthDate',
  'Patient.deceased',
];
const path = fc.oneof(
  fc.constantFrom(...good),
  fc.array(step, { maxLength: 4 }).map((steps) => ['Patient', ...steps].join('.')),
);
const part = (name: string, given: fc.Arbitrary<object>) => given.map((one) => ({ name, ...one }));
const typed = fc.oneof(
  fc.record({ valueString: fc.oneof(word, path) }),
  fc.record({ valueInteger: fc.integer({ min: -1, max: 4 }) }),
  fc.record({ valueHumanName: value }),
  fc.record({ _valueString: value, valueString: word }),
  fc.record({
    part: fc.array(
      fc.tuple(word, word).map(([name, text]) => ({ name, valueString: text })),
      { maxLength: 3 },
    ),
  }),
);
const operation = fc.record({
  name: fc.constant('operation'),
  part: fc.tuple(
    part(
      'type',
      fc.constantFrom('add', 'insert', 'delete', 'replace', 'move', 'toString').map((valueCode) => ({ valueCode })),
    ),
    part(
      'path',
      path.map((valueString) => ({ valueString })),
    ),
    part(
      'name',
      word.map((valueString) => ({ valueString })),
    ),
    part('value', typed),
    part(
      'index',
      fc.integer({ min: -1, max: 4 }).map((valueInteger) => ({ valueInteger })),
    ),
    part(
      'source',
      fc.integer({ min: -1, max: 4 }).map((valueInteger) => ({ valueInteger })),
    ),
    part(
      'destination',
      fc.integer({ min: -1, max: 4 }).map((valueInteger) => ({ valueInteger })),
    ),
  ),
});
const fhirPathPatch = fc.record({
  resourceType: fc.constant('Parameters'),
  parameter: fc.array(operation, { minLength: 1, maxLength: 2 }),
});

const shared = () => [Object.prototype, Array.prototype, Function.prototype].map((one) => Reflect.ownKeys(one).length);
const untouched = shared();
const original = structuredClone(patient);
const runs = { seed: 20_261_126, numRuns: 3_000 };
let slowest = 0;

function holds(patch: Parameters<typeof applyPatch>[1]): boolean {
  let best = Infinity;
  let applied = false;
  // What is slow is slow every time; a pause of the machine is not.
  for (let tries = 0; tries < 5 && best > 50; tries++) {
    const started = performance.now();
    applied = isApplied(patch);
    best = Math.min(best, performance.now() - started);
  }
  slowest = Math.max(slowest, best);
  return applied;
}

function isApplied(patch: Parameters<typeof applyPatch>[1]): boolean {
  try {
    const { resourceType, id } = applyPatch(patient, patch);
    return resourceType === 'Patient' && id === 'a';
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return false;
  }
}

afterEach(() => {
  expect(shared()).toEqual(untouched);
  expect(patient).toEqual(original);
  expect(slowest).toBeLessThan(50);
});

test('a JSON Patch is refused or leaves a document, whatever it says', () => {
  let applied = 0;
  fc.assert(
    fc.property(jsonPatch, (operations) => void (applied += Number(holds({ kind: 'json', operations })))),
    runs,
  );
  expect(applied).toBeGreaterThan(100);
});

test('a FHIRPath Patch is refused or leaves a document, whatever it says', () => {
  let applied = 0;
  const patch = (parameters: unknown) => ({ kind: 'fhirpath', parameters: parameters as FhirParameters }) as const;
  fc.assert(
    fc.property(fhirPathPatch, (one) => void (applied += Number(holds(patch(one))))),
    runs,
  );
  expect(applied).toBeGreaterThan(100);
});

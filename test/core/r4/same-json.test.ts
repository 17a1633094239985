import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameJson } from '../../../server/core/r4/same-json.ts';

/** Few keys and values, so that two documents are often nearly the same. */
const value = fc.letrec<{ one: unknown }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, 1, 'a', '', undefined),
    fc.array(tie('one'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'toString'), tie('one'), { maxKeys: 3 }),
  ),
})).one;
/** As JSON has it; in a list, because JSON has no text for nothing. */
const asJson = (one: unknown): unknown => JSON.parse(JSON.stringify([one]));

test('two documents are the same when their JSON is, whatever the order of properties and what is undefined', () => {
  const pairs = fc.property(value.map(asJson), value.map(asJson), (one, other) => {
    expect(sameJson(one, other)).toBe(isDeepStrictEqual(one, other));
    expect(sameJson(one, structuredClone(one))).toBe(true);
  });
  fc.assert(pairs, { seed: 8, numRuns: 2000 });
  expect(sameJson({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(sameJson({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(true);
  expect(sameJson({ a: undefined }, { toString: undefined })).toBe(true);
  expect(sameJson({}, { toString: 'x' })).toBe(false);
  expect(sameJson([], {})).toBe(false);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { structureOf } from '../../../server/core/r4/structure.ts';
import { invariantHolds } from '../../../server/core/validation/validate-invariants.ts';
import { holdsByHand } from '../../../server/core/validation/validate-many.ts';

/** Few names, so that the same one comes twice often. */
const name = fc.constantFrom('a', 'b', 'c', 'Patient', 'Patient.a', 'Patient.a.b', 'Patients');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 4 });
const list = <T>(item: fc.Arbitrary<T>) => maybe(fc.array(item, { minLength: 1, maxLength: 4 }));
const coding = fc.record({ system: maybe(fc.constantFrom('s', 't')), code: maybe(name) });
const concept = fc.letrec<{ one: object }>((tie) => ({
  one: fc.record({ code: name, concept: fc.option(fc.array(tie('one'), { maxLength: 2, depthIdentifier: 'c' }), { nil: undefined, depthIdentifier: 'c' }) }), // prettier-ignore
})).one;
const item = fc.letrec<{ one: object }>((tie) => ({
  one: fc.record({ linkId: name, item: fc.option(fc.array(tie('one'), { maxLength: 2, depthIdentifier: 'i' }), { nil: undefined, depthIdentifier: 'i' }) }), // prettier-ignore
})).one;
const element = fc.record({ id: maybe(name), path: name });
const view = maybe(fc.record({ element: list(element) }));

const resources: Record<string, fc.Arbitrary<object>> = {
  Bundle: fc.record({ type: fc.constantFrom('history', 'collection'), entry: list(fc.record({ fullUrl: maybe(name), resource: maybe(fc.record({ resourceType: fc.constant('Patient'), meta: maybe(fc.record({ versionId: maybe(name) })) })) })) }), // prettier-ignore
  CapabilityStatement: fc.record({ document: list(fc.record({ profile: name, mode: maybe(fc.constantFrom('producer', 'consumer')) })), rest: list(fc.record({ resource: list(fc.record({ type: name, searchParam: list(fc.record({ name })) })) })) }), // prettier-ignore
  CodeSystem: fc.record({ concept: list(concept) }),
  Questionnaire: fc.record({ item: list(item) }),
  Observation: fc.record({ code: fc.record({ coding: list(coding) }), valueInteger: maybe(fc.constant(1)), component: list(fc.record({ code: fc.record({ coding: list(coding) }) })) }), // prettier-ignore
  StructureDefinition: fc.record({ kind: fc.constantFrom('logical', 'resource'), type: fc.constantFrom('Patient', 'Pat'), derivation: maybe(fc.constantFrom('constraint', 'specialization')), snapshot: view, differential: view }), // prettier-ignore
  ImplementationGuide: fc.record({ definition: maybe(fc.record({ grouping: list(fc.record({ id: name })), resource: list(fc.record({ groupingId: maybe(name) })) })) }), // prettier-ignore
};

/** The invariants of a type and of what is in it that are done by hand, with the nodes that they are about. */
function* places(type: string, node: Record<string, unknown>): Generator<[string, string, string, object]> {
  const structure = structureOf(type);
  if (!structure) return;
  for (const [key, expression] of structure.rules)
    if (holdsByHand(key, {}, {}) !== undefined) yield [type, key, expression, node];
  for (const [child, value] of Object.entries(node)) {
    const property = structure.properties.get(child);
    for (const one of property && property.type !== 'Resource' ? [value].flat() : [])
      if (typeof one === 'object' && one !== null) yield* places(property!.type, one as Record<string, unknown>);
  }
}

describe('the invariants done by hand say what the published expressions say', () => {
  test.each(Object.entries(resources))('of %s', (type, resource) => {
    const met = { true: 0, false: 0 };
    const written = resource.map((content) => JSON.parse(JSON.stringify({ resourceType: type, ...content })));
    fc.assert(
      fc.property(written, (root) => {
        for (const [path, key, expression, node] of places(type, root)) {
          const holds = holdsByHand(key, node as Record<string, unknown>, root);
          met[`${holds!}`]++;
          expect([key, holds], JSON.stringify(root)).toEqual([key, invariantHolds(path, expression, node, root)]);
        }
      }),
      { seed: 8, numRuns: 150 },
    );
    expect(Math.min(met.true, met.false)).toBeGreaterThan(0);
  });
});

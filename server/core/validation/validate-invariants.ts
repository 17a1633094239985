/**
 * The published invariants of R4 (`StructureDefinition.snapshot.element.constraint`), evaluated by FHIRPath.
 * Those of the general datatypes are in validate-datatype.ts. Nothing is ever fetched: rules with
 * `resolve()` or a terminology service are left out of the table.
 */
import fhirpath, { type Model } from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';

type Evaluate = (node: unknown, environment: Record<string, unknown>) => unknown[] | Promise<unknown[]>;
const compiled = new Map<string, Evaluate | undefined>();

/**
 * @param path the type or nested element that the rule stands at, such as `Patient.contact`
 * @param root the resource that holds `node` (`%resource`)
 * @returns whether the rule holds; a rule that cannot be evaluated is not held against the caller.
 */
export function invariantHolds(path: string, expression: string, node: unknown, root: unknown): boolean {
  const key = `${path}|${expression}`;
  if (!compiled.has(key)) compiled.set(key, compile(path, expression));
  const evaluate = compiled.get(key);
  if (!evaluate) return true;
  try {
    const result = evaluate(node, { resource: root, rootResource: root });
    return !Array.isArray(result) || result.length === 0 || result[0] === true || typeof result[0] !== 'boolean';
  } catch {
    return true;
  }
}

function compile(path: string, expression: string): Evaluate | undefined {
  try {
    const at = path.includes('.') ? { base: path, expression } : expression;
    return fhirpath.compile(at, r4 as unknown as Model, {
      async: false,
      traceFn: () => undefined,
    }) as unknown as Evaluate;
  } catch {
    return undefined;
  }
}

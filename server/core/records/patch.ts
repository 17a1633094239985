/** PATCH (FHIR http.html#patch): JSON Patch (RFC 6902) and FHIRPath Patch, applied to a copy. */
import type { Parameters as FhirParameters, Resource } from '@medplum/fhirtypes';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { Problem } from '../problem.ts';
import { applyFhirPathPatch } from './patch-fhirpath.ts';

export type Patch = { kind: 'json'; operations: unknown } | { kind: 'fhirpath'; parameters: FhirParameters };

const maxOperations = 200;
/** Each `copy` may double the document; 22 of them overflow the longest string. */
const maxCopies = 16;
const maxResultLength = 20 * 1024 ** 2;

/**
 * @returns the changed copy; id and type are those of `resource`.
 * @throws Problem `structure` for what is no patch, `conflict` when it does not fit the resource or a test
 *   fails, `value` when it changes id or type, `too-costly`.
 */
export function applyPatch(resource: Resource, patch: Patch): Resource {
  const changed =
    patch.kind === 'json' ? applyJsonPatch(resource, patch.operations) : applyFhirPathPatch(resource, patch.parameters);
  if (changed.resourceType !== resource.resourceType || changed.id !== resource.id) {
    throw new Problem('value', 'A patch must not change the id or the type of a resource', {
      expression: `${resource.resourceType}.id`,
    });
  }
  return changed;
}

function applyJsonPatch(resource: Resource, operations: unknown): Resource {
  if (!Array.isArray(operations)) throw new Problem('structure', 'A JSON Patch is an array of operations');
  if (operations.length > maxOperations)
    throw new Problem('too-costly', `A patch may have ${maxOperations} operations at most`);
  if (operations.filter((one: unknown) => (one as Operation | null)?.op === 'copy').length > maxCopies) {
    throw new Problem('too-costly', `A patch may have ${maxCopies} copy operations at most`);
  }
  const fault = operations.findIndex((one: unknown) => !isOperation(one));
  if (fault >= 0) throw new Problem('structure', `Operation ${fault} is not one of RFC 6902`);
  return run(resource, operations as Operation[]);
}

function run(resource: Resource, operations: Operation[]): Resource {
  let document = structuredClone(resource);
  for (const [index, operation] of operations.entries()) {
    try {
      document = jsonPatch.applyOperation(document, structuredClone(operation), true, true, true).newDocument;
    } catch (error) {
      if (error instanceof RangeError)
        throw new Problem('too-costly', 'The patch makes the resource too large', { cause: error });
      const failedTest = operation.op === 'test';
      throw new Problem(
        'conflict',
        failedTest ? `Test ${index} of the patch failed` : `Operation ${index} does not fit the resource`,
        {
          cause: error,
        },
      );
    }
    if (typeof document !== 'object' || document === null || Array.isArray(document)) {
      throw new Problem('conflict', `Operation ${index} leaves no resource`);
    }
    if (operation.op === 'copy' && JSON.stringify(document).length > maxResultLength) {
      throw new Problem('too-costly', 'The patch makes the resource too large');
    }
  }
  return document;
}

function isOperation(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { op, path, from, ...rest } = value as Record<string, unknown>;
  if (typeof path !== 'string' || (path !== '' && path[0] !== '/')) return false;
  if (path.split('/').length > 32 || /(^|\/)(__proto__|constructor|prototype)(\/|$)/.test(path)) return false;
  if (op === 'remove') return true;
  if (op === 'add' || op === 'replace' || op === 'test') return 'value' in rest && rest['value'] !== undefined;
  return (op === 'move' || op === 'copy') && typeof from === 'string' && (from === '' || from[0] === '/');
}

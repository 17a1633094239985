/** PATCH (FHIR http.html#patch): JSON Patch (RFC 6902) and FHIRPath Patch, applied to a copy. */
import type { Parameters as FhirParameters, Resource } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { applyFhirPathPatch } from './patch-fhirpath.ts';
import { applyJsonPatch } from './patch-json.ts';

export type Patch = { kind: 'json'; operations: unknown } | { kind: 'fhirpath'; parameters: FhirParameters };

/**
 * @returns the changed copy; id and type are those of `resource`.
 * @throws Problem `structure` for what is no patch, `conflict` when it does not fit the resource or a test
 *   fails, `value` when it changes id or type, `too-costly`.
 */
export function applyPatch(resource: Resource, patch: Patch): Resource {
  const changed =
    patch.kind === 'json' ? applyJsonPatch(resource, patch.operations) : applyFhirPathPatch(resource, patch.parameters);
  if (typeof changed !== 'object' || changed === null || Array.isArray(changed)) {
    throw new Problem('conflict', 'The patch leaves no resource');
  }
  const { resourceType, id } = changed as Partial<Resource>;
  if (resourceType !== resource.resourceType || id !== resource.id) {
    throw new Problem('value', 'A patch must not change the id or the type of a resource', {
      expression: `${resource.resourceType}.id`,
    });
  }
  return changed as Resource;
}

import type { Reference, Resource } from '@medplum/fhirtypes';
import { referenceKey } from '../r4/reference-key.ts';
import { compartmentParameters, searchParameter } from '../search/search-parameters.ts';
import { isObject } from '../search/search-path.ts';

/**
 * FHIR ids of the patients in whose compartment a resource lies: R4's CompartmentDefinition, and our own rule for
 * types that it leaves out but that are about one patient.
 *
 * Left out on purpose: `Patient.link` and Group membership. Both would show one patient the record of another.
 */
export function patientsOf(resource: Resource, baseUrl: string): string[] {
  if (resource.resourceType === 'Patient') return resource.id === undefined ? [] : [resource.id];
  if (resource.resourceType === 'Group') return [];
  const references: unknown[] = ownRule(resource);
  for (const code of compartmentParameters(resource.resourceType)) {
    const found = searchParameter(resource.resourceType, code)?.select(resource) ?? [];
    references.push(...found.map(({ value }) => value));
  }
  const ids = references.map((value) => patientId(value, baseUrl)).filter((id) => id !== undefined);
  return [...new Set(ids)].sort();
}

/** Types about one patient that R4 does not count to the compartment. */
function ownRule(resource: Resource): (Reference | undefined)[] {
  if (resource.resourceType === 'Task') return [resource.for];
  if (resource.resourceType === 'Binary') return [resource.securityContext];
  return [];
}

function patientId(value: unknown, baseUrl: string): string | undefined {
  const reference = isObject(value) ? value['reference'] : value;
  if (typeof reference !== 'string') return undefined;
  const { type, id } = referenceKey(reference, baseUrl);
  return type === 'Patient' ? id : undefined;
}

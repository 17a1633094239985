/** Literal references within this server: `Type/id`, with or without a version. */
import type { Reference, Resource } from '@medplum/fhirtypes';

/** A literal reference, `Type/id`, fit for every element that takes one. */
export interface Pointer {
  reference: string;
}

export function pointer(reference: Reference | undefined): Pointer | undefined {
  return reference?.reference === undefined ? undefined : { reference: reference.reference };
}

export function referenceTo(resource: Resource): Pointer {
  return { reference: `${resource.resourceType}/${resource.id}` };
}

/** `Task/1/_history/4`: what a Provenance points at. */
export function versioned(resource: Resource): Pointer {
  return { reference: `${resource.resourceType}/${resource.id}/_history/${resource.meta?.versionId}` };
}

/** `Task/1` -> `1`; undefined for anything that is not a relative reference to that type. */
export function idIn(reference: Reference | undefined, type: Resource['resourceType']): string | undefined {
  const [kind, id, ...rest] = reference?.reference?.split('/') ?? [];
  return kind === type && rest.length === 0 ? id : undefined;
}

/** Reading Bundles: which resources are in it, what refers to what, where the next page is. */
import type { Bundle, Identifier, Reference, Resource } from '@medplum/fhirtypes';

export function resourcesOf<T extends Resource>(bundle: Bundle, type: T['resourceType']): T[] {
  return (bundle.entry ?? [])
    .map((entry) => entry.resource)
    .filter((resource): resource is T => resource?.resourceType === type);
}

/** Only the resources that the search matched, not what it included. */
export function matchesOf<T extends Resource>(bundle: Bundle, type: T['resourceType']): T[] {
  return (bundle.entry ?? [])
    .filter((entry) => entry.search?.mode !== 'include' && entry.search?.mode !== 'outcome')
    .map((entry) => entry.resource)
    .filter((resource): resource is T => resource?.resourceType === type);
}

export function nextLink(bundle: Bundle): string | undefined {
  return bundle.link?.find((link) => link.relation === 'next')?.url;
}

/** `Type/id` of a reference, whether it was relative, absolute or version-specific; undefined for others. */
export function localReference(reference: Reference | string | undefined): string | undefined {
  const text = typeof reference === 'string' ? reference : reference?.reference;
  const match = text?.match(/(?:^|\/)([A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64})(?:\/_history\/[^/]+)?$/);
  return match?.[1];
}

export function idOf(reference: Reference | string | undefined): string | undefined {
  return localReference(reference)?.split('/')[1];
}

export function refersTo(reference: Reference | undefined, resource: Resource): boolean {
  return localReference(reference) === `${resource.resourceType}/${resource.id ?? ''}`;
}

/** Finds the resource of the Bundle that a reference names. */
export function follow<T extends Resource>(
  bundle: readonly Resource[],
  type: T['resourceType'],
  reference: Reference | undefined,
): T | undefined {
  const wanted = localReference(reference);
  return bundle.find(
    (resource): resource is T => resource.resourceType === type && `${type}/${resource.id ?? ''}` === wanted,
  );
}

export function identifierValue(identifiers: readonly Identifier[] | undefined, system: string): string | undefined {
  return identifiers?.find((identifier) => identifier.system === system)?.value;
}

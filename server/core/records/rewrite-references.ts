/**
 * Links of a transaction's resources (FHIR http.html#trules): what names an entry by its `fullUrl` is made to
 * name the record that the entry becomes. Only where the definitions say that a value is a link: an
 * Identifier whose value happens to be a UUID stays what it is.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import { resourceTypes, structureOf, type Property } from '../r4/structure.ts';

type Node = Record<string, unknown>;

export interface LinkTargets {
  /** `fullUrl` of an entry -> `Type/id`. */
  byFullUrl: ReadonlyMap<string, string>;
  /** `Patient?identifier=...` -> `Patient/id`. */
  byCriteria: ReadonlyMap<string, string>;
}

const linkTypes = new Set(['uri', 'url', 'canonical', 'oid', 'uuid']);

/** Conditional references in a resource: `Type?criteria`. */
export function conditionalReferences(resource: Node): { type: ResourceType; criteria: string; written: string }[] {
  const found: { type: ResourceType; criteria: string; written: string }[] = [];
  walkReferences(resource, (reference) => {
    const [, type = '', criteria = ''] = /^([A-Z][A-Za-z]+)\?(.+)$/s.exec(reference) ?? [];
    if (resourceTypes.has(type)) found.push({ type: type as ResourceType, criteria, written: reference });
  });
  return found;
}

function walkReferences(value: unknown, met: (reference: string) => void): void {
  if (Array.isArray(value)) for (const one of value) walkReferences(one, met);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (name === 'reference' && typeof inner === 'string') met(inner);
      else walkReferences(inner, met);
    }
  }
}

/** @throws Problem `value` for a reference to a `urn:uuid` that no entry of the Bundle has. */
export function rewriteReferences(resource: Node, targets: LinkTargets): Node {
  return rewriteNode(resource, String(resource['resourceType']), targets);
}

function rewriteNode(node: Node, type: string, targets: LinkTargets): Node {
  const structure = structureOf(type);
  if (!structure) return node;
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => {
      const companion = name.startsWith('_');
      const property = structure.properties.get(companion ? name.slice(1) : name);
      if (!property) return [name, value];
      const inner = companion ? { ...property, type: 'Element' } : property;
      return [
        name,
        Array.isArray(value)
          ? value.map((one) => rewriteValue(one, inner, type, targets))
          : rewriteValue(value, inner, type, targets),
      ];
    }),
  );
}

function rewriteValue(value: unknown, property: Property, owner: string, targets: LinkTargets): unknown {
  if (typeof value === 'string') {
    if (owner === 'Reference' && property.element === 'reference') return rewriteReference(value, targets);
    if (linkTypes.has(property.type) && !(owner === 'Extension' && property.element === 'url'))
      return targets.byFullUrl.get(value) ?? value;
    return property.type === 'xhtml' ? rewriteNarrative(value, targets) : value;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const type =
    property.type === 'Resource'
      ? String((value as Node)['resourceType'])
      : property.type.replace(/^(Simple|Money)Quantity$/, 'Quantity');
  return rewriteNode(value as Node, type, targets);
}

function rewriteReference(reference: string, { byFullUrl, byCriteria }: LinkTargets): string {
  const target = byFullUrl.get(reference) ?? byCriteria.get(reference);
  if (target === undefined && /^urn:(uuid|oid):/.test(reference)) {
    throw new Problem('value', 'A reference names a urn that no entry of the Bundle has as its fullUrl');
  }
  return target ?? reference;
}

const rewriteNarrative = (div: string, { byFullUrl }: LinkTargets): string =>
  div.replaceAll(/\b(href|src)=(["'])(urn:[^"']+)\2/g, (whole, name: string, quote: string, url: string) => {
    const target = byFullUrl.get(url);
    return target === undefined ? whole : `${name}=${quote}${target}${quote}`;
  });

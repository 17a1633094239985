/** `_summary` and `_elements`: a part of a resource, marked as such (FHIR search.html#summary, #elements). */
import { systems } from '../vocabulary/systems.ts';
import type { Resource } from '@medplum/fhirtypes';
import { structureOf } from '../r4/structure.ts';
import type { Summary } from './parse-search.ts';
import { put } from '../table.ts';

type Node = Record<string, unknown>;

const subsetted = { system: systems.observationValue, code: 'SUBSETTED' };
const always = new Set(['resourceType', 'id', 'meta', 'implicitRules', 'language']);

/** Whether nothing is to be left out. */
export const isWhole = (summary: Summary, elements: readonly string[] | undefined): boolean =>
  elements === undefined && (summary === 'false' || summary === 'count');

/** @returns the resource itself when nothing is to be left out. Mandatory elements are always kept. */
export function subset(resource: Resource, summary: Summary, elements: readonly string[] | undefined): Resource {
  const keep = selector(resource.resourceType, summary, elements);
  if (!keep) return resource;
  const source = resource as unknown as Node;
  const result: Node = {};
  for (const [name, value] of Object.entries(source)) {
    const plain = name.startsWith('_') ? name.slice(1) : name;
    if (always.has(plain) || keep(plain)) put(result, name, value);
  }
  const meta = (result['meta'] ?? {}) as Node;
  const tags = Array.isArray(meta['tag']) ? (meta['tag'] as Node[]) : [];
  const tag = tags.some((one) => one['code'] === subsetted.code) ? tags : [...tags, subsetted];
  return { ...result, meta: { ...meta, tag } } as unknown as Resource;
}

function selector(
  type: string,
  summary: Summary,
  elements: readonly string[] | undefined,
): ((name: string) => boolean) | undefined {
  const structure = structureOf(type);
  const mandatory = new Set(structure?.mandatory.flatMap((one) => [...one.names]));
  if (elements) {
    const wanted = new Set(elements);
    return (name) =>
      mandatory.has(name) || wanted.has(name) || wanted.has(structure?.properties.get(name)?.element ?? name);
  }
  if (summary === 'data') return (name) => name !== 'text';
  if (summary === 'text') return (name) => mandatory.has(name) || name === 'text';
  if (summary === 'true') return (name) => structure?.properties.get(name)?.summary === true;
  return undefined;
}

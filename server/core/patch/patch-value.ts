/** The values of a FHIRPath Patch: `value[x]`, a resource, or parts for an element that has no type of its own. */
import { Problem } from '../problem.ts';
import { own, put } from '../table.ts';
import { isNode, propertiesNamed, type Node } from './patch-places.ts';

/** A value with what stands beside it, for a primitive with id or extensions. */
export interface PatchValue {
  value: unknown;
  beside: unknown;
  /** The end of `valueQuantity`; empty for a resource and for parts. */
  type: string;
}

/** The property that a value of this type is written to, and whether it repeats. */
export interface Target {
  /** The element without the type of a choice. */
  element: string;
  written: string;
  type: string;
  many: boolean;
}

/** @throws Problem `structure` when the parameter holds no value. */
export function valueOf(parameter: Node | undefined, target: string): PatchValue {
  if (!parameter) throw new Problem('structure', 'An operation of the patch has no value');
  const [name, value] = Object.entries(parameter).find(([key]) => /^value[A-Z]/.test(key)) ?? [];
  const beside = Object.entries(parameter).find(([key]) => /^_value[A-Z]/.test(key));
  const type = name?.slice(5) ?? beside?.[0].slice(6) ?? '';
  if (type !== '') return { value: structuredClone(value), beside: structuredClone(beside?.[1]), type };
  const resource = own(parameter, 'resource');
  if (isNode(resource)) return { value: structuredClone(resource), beside: undefined, type };
  const parts = partsOf(parameter);
  if (parts.length === 0) throw new Problem('structure', 'An operation of the patch has no value');
  return { value: built(parts, target), beside: undefined, type };
}

/** @throws Problem `structure` when a part is no object with a name. */
export function partsOf(parameter: Node): (Node & { name: string })[] {
  const parts = own(parameter, 'part') ?? [];
  if (!Array.isArray(parts) || !parts.every((one) => isNode(one) && typeof own(one, 'name') === 'string')) {
    throw new Problem('structure', 'A part of the patch has no name');
  }
  return parts as (Node & { name: string })[];
}

function built(parts: (Node & { name: string })[], type: string): Node {
  const node: Node = {};
  for (const part of parts) {
    const named = propertiesNamed(type, part.name);
    const given = valueOf(part, named[0]?.[1].type ?? '');
    const { written, many } = targetOf(type, part.name, given.type);
    const standing = own(node, written);
    if (standing !== undefined && !many) throw new Problem('structure', `The patch gives ${type} one element twice`);
    if (many) put(node, written, [...((standing as unknown[] | undefined) ?? []), given.value]);
    else if (given.value !== undefined) put(node, written, given.value);
    if (given.beside !== undefined && !many) put(node, `_${written}`, given.beside);
  }
  return node;
}

/**
 * @param name of the element; for a choice with its type (`valueQuantity`) or without
 * @param given the type of the value, which chooses then
 * @throws Problem `structure` for an element that the type does not have.
 */
export function targetOf(type: string, name: string, given: string): Target {
  const named = propertiesNamed(type, name);
  const found = named.length > 1 ? named.find(([written]) => written === name + given) : named[0];
  if (!found) throw new Problem('structure', `The patch names an element or a type of it that ${type} does not have`);
  const [written, { element, type: its, many }] = found;
  return { written, element, type: its, many };
}

/** FHIRPath Patch (FHIR fhirpatch.html): operations in a Parameters resource. */
import type { Parameters as FhirParameters, ParametersParameter, Resource } from '@medplum/fhirtypes';
import fhirpath, { type Model } from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';
import { Problem } from '../problem.ts';
import { structureOf } from './r4/structure.ts';

type Node = Record<string, unknown>;
/** Where an element is: the object or array that holds it, and its name or index there. */
interface Place {
  holder: Node | unknown[];
  key: string | number;
}

const maxOperations = 200;

/** @throws Problem `structure` for what is no patch, `conflict` when a path does not find what it must. */
export function applyFhirPathPatch(resource: Resource, parameters: FhirParameters): Resource {
  const operations = parameters.parameter ?? [];
  if (operations.length === 0 || operations.some((one) => one.name !== 'operation')) {
    throw new Problem('structure', 'A FHIRPath Patch is a Parameters resource of operation parameters');
  }
  if (operations.length > maxOperations)
    throw new Problem('too-costly', `A patch may have ${maxOperations} operations at most`);
  const document = structuredClone(resource) as unknown as Node;
  for (const [index, operation] of operations.entries()) apply(document, operation, index);
  return document as unknown as Resource;
}

function apply(document: Node, operation: ParametersParameter, index: number): void {
  const part = (name: string): ParametersParameter | undefined => operation.part?.find((one) => one.name === name);
  const type = part('type')?.valueCode;
  const path = part('path')?.valueString;
  if (path === undefined || type === undefined) throw malformed(index);
  if (type === 'add') return add(document, path, part('name')?.valueString, valueOf(part('value')), index);
  const places = locate(document, path);
  if (type === 'delete') {
    if (places.length > 1) throw misfit(index);
    if (places[0]) remove(document, path, places[0]);
    return;
  }
  if (type === 'replace') {
    const [place] = places;
    if (places.length !== 1 || !place) throw misfit(index);
    (place.holder as Node)[place.key] = required(valueOf(part('value')), index);
    return;
  }
  const list = listAt(document, path, places, index);
  if (type === 'insert') {
    const at = position(part('index')?.valueInteger, list.length, index);
    list.splice(at, 0, required(valueOf(part('value')), index));
  } else if (type === 'move') {
    const source = position(part('source')?.valueInteger, list.length - 1, index);
    const destination = position(part('destination')?.valueInteger, list.length - 1, index);
    list.splice(destination, 0, ...list.splice(source, 1));
  } else throw malformed(index);
}

function add(document: Node, path: string, name: string | undefined, value: unknown, index: number): void {
  if (name === undefined || !/^[A-Za-z]\w*$/.test(name)) throw malformed(index);
  const targets =
    path === document['resourceType']
      ? [document]
      : locate(document, path).map((place) => (place.holder as Node)[place.key] as Node);
  const [target] = targets;
  if (targets.length !== 1 || typeof target !== 'object' || target === null) throw misfit(index);
  const added = required(value, index);
  const standing = target[name];
  if (Array.isArray(standing)) standing.push(added);
  else if (standing !== undefined) throw misfit(index);
  else target[name] = isList(document, path, name) ? [added] : added;
}

/** Whether the element repeats, from the definition of what the path leads to. */
function isList(document: Node, path: string, name: string): boolean {
  const steps = path.replaceAll(/\[\d+\]|\([^)]*\)|\.where\b|\.first\b/g, '').split('.');
  let structure = structureOf(String(document['resourceType']));
  for (const step of steps.slice(1)) structure = structure && structureOf(structure.properties.get(step)?.type ?? '');
  return structure?.properties.get(name)?.many ?? false;
}

function remove(document: Node, path: string, { holder, key }: Place): void {
  if (!Array.isArray(holder)) {
    delete holder[key];
    return;
  }
  holder.splice(key as number, 1);
  if (holder.length > 0) return;
  const parent = locate(document, path.replace(/\[\d+\]$|\.first\(\)$|\.where\(.*\)$/, ''));
  if (parent.length === 0) dropEmpty(document, holder);
}

/** FHIR has no empty arrays: the property goes with its last item. */
function dropEmpty(node: unknown, empty: unknown[]): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [name, value] of Object.entries(node)) {
    if (value === empty) delete (node as Node)[name];
    else dropEmpty(value, empty);
  }
}

function listAt(document: Node, path: string, places: Place[], index: number): unknown[] {
  const [place] = places;
  if (place && Array.isArray(place.holder)) return place.holder;
  const dot = path.lastIndexOf('.');
  const parentPath = path.slice(0, dot);
  const name = path.slice(dot + 1);
  const parents =
    parentPath === document['resourceType']
      ? [document]
      : locate(document, parentPath).map((one) => (one.holder as Node)[one.key] as Node);
  const [parent] = parents;
  if (places.length > 0 || parents.length !== 1 || !parent || !isList(document, parentPath, name)) throw misfit(index);
  const list: unknown[] = [];
  parent[name] = list;
  return list;
}

/** Evaluates the path and finds the results in the document by the names that FHIRPath reports for them. */
function locate(document: Node, path: string): Place[] {
  let results: unknown[];
  try {
    results = fhirpath.evaluate(document, path, {}, r4 as unknown as Model, {
      async: false,
      resolveInternalTypes: false,
      traceFn: () => undefined,
    }) as unknown[];
  } catch (error) {
    throw new Problem('structure', 'A path of the patch is not FHIRPath', { cause: error });
  }
  return results.map((result) => {
    const full = (result as { fullPropertyName?: () => string | null }).fullPropertyName?.();
    const place = full === undefined || full === null ? undefined : follow(document, full);
    if (!place) throw new Problem('structure', 'A path of the patch does not lead to an element');
    return place;
  });
}

function follow(document: Node, full: string): Place | undefined {
  let holder: Node | unknown[] = document;
  let key: string | number | undefined;
  for (const step of full.split('.').slice(1)) {
    const [, name = '', position] = /^(\w+)(?:\[(\d+)\])?$/.exec(step) ?? [];
    const node = (key === undefined ? document : (holder as Node)[key]) as Node | undefined;
    if (!node || typeof node !== 'object') return undefined;
    const written = name in node ? name : choiceName(node, name);
    if (written === undefined) return undefined;
    holder = node;
    key = written;
    const list = node[written];
    if (position !== undefined && Array.isArray(list)) {
      holder = list;
      key = Number(position);
    }
  }
  return key === undefined ? undefined : { holder, key };
}

/** `value` is written `valueQuantity`. */
const choiceName = (node: Node, name: string): string | undefined =>
  Object.keys(node).find((one) => one.startsWith(name) && /^[A-Z]/.test(one.slice(name.length)));

/** `value[x]`, or an object built of parts (a backbone element has no type to be a value of). */
function valueOf(parameter: ParametersParameter | undefined): unknown {
  if (!parameter) return undefined;
  const [, value] = Object.entries(parameter).find(([name]) => /^value[A-Z]/.test(name)) ?? [];
  if (value !== undefined) return value;
  if (parameter.resource) return parameter.resource;
  const built: Node = {};
  for (const part of parameter.part ?? []) {
    const inner = valueOf(part);
    const name = part.name ?? '';
    if (!/^[A-Za-z]\w*$/.test(name) || inner === undefined) continue;
    built[name] = name in built ? [built[name], inner].flat() : inner;
  }
  return Object.keys(built).length > 0 ? built : undefined;
}

function required(value: unknown, index: number): unknown {
  if (value === undefined) throw malformed(index);
  return value;
}

function position(given: number | undefined, last: number, index: number): number {
  if (given === undefined) throw malformed(index);
  if (given < 0 || given > last) throw misfit(index);
  return given;
}

const malformed = (index: number): Problem =>
  new Problem('structure', `Operation ${index} is not one of FHIRPath Patch`);
const misfit = (index: number): Problem => new Problem('conflict', `Operation ${index} does not fit the resource`);

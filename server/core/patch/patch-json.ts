/** JSON Patch (RFC 6902) with JSON Pointer (RFC 6901): what a pointer names is a document's own, never what it inherits. */
import { Problem } from '../problem.ts';
import { own, put } from '../table.ts';
import { sameJson } from '../r4/same-json.ts';

type Pointer = readonly string[];
type Operation =
  | { op: 'add' | 'replace' | 'test'; path: Pointer; value: unknown }
  | { op: 'remove'; path: Pointer }
  | { op: 'move' | 'copy'; path: Pointer; from: Pointer };

const maxOperations = 200;
const maxDepth = 32;
/** Characters and members that all copies of a patch may add: each copy could otherwise double the document. */
const maxCopied = 1_000_000;

/**
 * @returns a changed copy; neither the document nor the patch is touched.
 * @throws Problem `structure` for what is no patch, `conflict` when an operation does not fit the document or a test
 *   fails, `too-costly`.
 */
export function applyJsonPatch(document: object, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new Problem('structure', 'A JSON Patch is an array of operations');
  if (patch.length > maxOperations)
    throw new Problem('too-costly', `A patch may have ${maxOperations} operations at most`);
  const operations = patch.map(readOperation);
  const root: Record<string, unknown> = { document: structuredClone(document) };
  const budget = { left: maxCopied };
  for (const [index, operation] of operations.entries()) apply(root, operation, index, budget);
  return root['document'];
}

function apply(root: Record<string, unknown>, operation: Operation, index: number, budget: { left: number }): void {
  const fits = (done: boolean): void => {
    if (!done) throw new Problem('conflict', `Operation ${index} does not fit the resource`);
  };
  const path = ['document', ...operation.path];
  switch (operation.op) {
    case 'add':
      return fits(add(root, path, structuredClone(operation.value)));
    case 'remove':
      return fits(remove(root, path));
    case 'replace':
      return fits(replace(root, path, structuredClone(operation.value)));
    case 'test': {
      const found = find(root, path);
      if (!found || !sameJson(found.value, operation.value))
        throw new Problem('conflict', `Test ${index} of the patch failed`);
      return;
    }
  }
  const from = ['document', ...operation.from];
  const source = find(root, from);
  if (!source) return fits(false);
  if (operation.op === 'copy') {
    spend(budget, source.value);
    return fits(add(root, path, structuredClone(source.value)));
  }
  const same = from.length === path.length && from.every((token, i) => token === path[i]);
  if (same) return;
  const intoItself = from.length < path.length && from.every((token, i) => token === path[i]);
  fits(!intoItself && remove(root, from) && add(root, path, source.value));
}

/** What a pointer leads to; undefined when nothing is there. */
function find(root: unknown, pointer: Pointer): { value: unknown } | undefined {
  let value = root;
  for (const token of pointer) {
    if (Array.isArray(value)) {
      const at = indexOf(token, value.length - 1);
      if (at === undefined) return undefined;
      value = value[at] as unknown;
    } else if (isObject(value) && Object.hasOwn(value, token)) value = own(value, token);
    else return undefined;
  }
  return { value };
}

function add(root: unknown, pointer: Pointer, value: unknown): boolean {
  const [parent, token] = [find(root, pointer.slice(0, -1))?.value, pointer.at(-1)!];
  if (Array.isArray(parent)) {
    const at = token === '-' ? parent.length : indexOf(token, parent.length);
    if (at === undefined) return false;
    parent.splice(at, 0, value);
    return true;
  }
  // No element of FHIR has this name, and other programs that read the resource may stumble over it.
  if (!isObject(parent) || token === '__proto__') return false;
  put(parent, token, value);
  return true;
}

function remove(root: unknown, pointer: Pointer): boolean {
  const [parent, token] = [find(root, pointer.slice(0, -1))?.value, pointer.at(-1)!];
  if (Array.isArray(parent)) {
    const at = indexOf(token, parent.length - 1);
    if (at !== undefined) parent.splice(at, 1);
    return at !== undefined;
  }
  return isObject(parent) && Object.hasOwn(parent, token) && Reflect.deleteProperty(parent, token);
}

function replace(root: unknown, pointer: Pointer, value: unknown): boolean {
  const [parent, token] = [find(root, pointer.slice(0, -1))?.value, pointer.at(-1)!];
  if (Array.isArray(parent)) {
    const at = indexOf(token, parent.length - 1);
    if (at !== undefined) parent[at] = value;
    return at !== undefined;
  }
  if (!isObject(parent) || !Object.hasOwn(parent, token)) return false;
  put(parent, token, value);
  return true;
}

/** Digits without leading zeros (RFC 6901 4), up to `last`. */
function indexOf(token: string, last: number): number | undefined {
  const at = /^(?:0|[1-9]\d{0,9})$/.test(token) ? Number(token) : Infinity;
  return at <= last ? at : undefined;
}

function spend(budget: { left: number }, value: unknown): void {
  budget.left -= typeof value === 'string' ? 1 + value.length : 1;
  if (budget.left < 0) throw new Problem('too-costly', 'The patch makes the resource too large');
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) spend(budget, inner);
}

function readOperation(given: unknown, index: number): Operation {
  const malformed = new Problem('structure', `Operation ${index} is not one of RFC 6902`);
  if (!isObject(given)) throw malformed;
  const pointer = (text: unknown): Pointer => {
    const tokens = typeof text === 'string' ? parsePointer(text) : undefined;
    if (!tokens) throw malformed;
    if (tokens.length > maxDepth) throw new Problem('too-costly', `A path may have ${maxDepth} steps at most`);
    return tokens;
  };
  const [op, path] = [own(given, 'op'), pointer(own(given, 'path'))];
  if (op === 'remove') return { op, path };
  if (op === 'move' || op === 'copy') return { op, path, from: pointer(own(given, 'from')) };
  const value = own(given, 'value');
  if ((op !== 'add' && op !== 'replace' && op !== 'test') || value === undefined) throw malformed;
  return { op, path, value };
}

function parsePointer(text: string): Pointer | undefined {
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined;
  const tokens = text.slice(1).split('/', maxDepth + 1);
  return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

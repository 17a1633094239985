/**
 * The invariants of R4 that compare the many parts of a resource with each other or with the whole, by hand: a
 * FHIRPath engine does that in quadratic time, so that a thousand codes cost a second and ten thousand two minutes.
 * Each is linear here; test/core/validation/validate-many.test.ts holds them against the published expressions.
 */
import { own } from '../table.ts';
import { isNode, type Node } from './validate-issue.ts';

/** @returns whether the rule of this key holds; undefined for a key that is not done by hand. */
export function holdsByHand(key: string, node: Node, root: Node): boolean | undefined {
  return rules.get(key)?.(node, root);
}

type Rule = (node: Node, root: Node) => boolean;

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  // A name once only.
  ['bdl-7', (node) => node['type'] === 'history' || isDistinct(parts(node, 'entry').flatMap(versionedUrl))],
  ['cpb-7', (node) => isDistinct(parts(node, 'document').flatMap((one) => together(one, 'profile', 'mode')))],
  ['cpb-9', (node) => isDistinct(texts(parts(node, 'resource'), 'type'))],
  ['cpb-12', (node) => isDistinct(texts(parts(node, 'searchParam'), 'name'))],
  ['csd-1', (node) => isDistinct(conceptCodes(node))],
  ['que-2', (node) => isDistinct(linkIds(node))],
  ['eld-13', (node) => isDistinct(texts(parts(node, 'type'), 'code'))],
  ['eld-14', (node) => isDistinct(texts(parts(node, 'constraint'), 'key'))],
  ['sdf-1', (node) => node['derivation'] !== 'specialization' || isDistinct(texts(elements(node, 'snapshot'), 'path'))],
  ['sdf-16', (node) => haveOwnIds(elements(node, 'snapshot'))],
  ['sdf-17', (node) => haveOwnIds(elements(node, 'differential'))],
  // A part that agrees with the whole.
  ['obs-7', noComponentOfOwnCode],
  ['sdf-8', (node, root) => pathsFit(node, root, (path, type) => path === type, (path) => path)], // prettier-ignore
  ['sdf-8a', (node, root) => pathsFit(node, root, (path, type) => path.startsWith(type), (path) => path.split('.', 1)[0]!)], // prettier-ignore
  ['ig-1', (node) => areAmong(texts(parts(node, 'resource'), 'groupingId'), texts(parts(node, 'grouping'), 'id'))],
]);

const parts = (node: Node | undefined, name: string): Node[] => {
  const value = own(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
};
const texts = (nodes: readonly Node[], name: string): string[] =>
  nodes.map((node) => own(node, name)).filter((value) => typeof value === 'string');
const isDistinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** `&` of FHIRPath: what is not there is an empty text. */
const together = (node: Node, ...names: string[]): string =>
  names
    .map((name) => own(node, name))
    .map((value) => (typeof value === 'string' ? value : ''))
    .join('');

function versionedUrl(entry: Node): string[] {
  if (typeof entry['fullUrl'] !== 'string') return [];
  const meta = isNode(entry['resource']) ? entry['resource']['meta'] : undefined;
  return [entry['fullUrl'] + (isNode(meta) ? together(meta, 'versionId') : '')];
}

const elements = (node: Node, view: 'snapshot' | 'differential'): Node[] =>
  isNode(node[view]) ? parts(node[view], 'element') : [];

function haveOwnIds(list: readonly Node[]): boolean {
  const ids = texts(list, 'id');
  return ids.length === list.length && isDistinct(ids);
}

/** Below a resource or type the paths go on from the first one; the first names the type, but of a logical model. */
function pathsFit(
  node: Node,
  root: Node,
  first: (path: string, type: string) => boolean,
  stem: (path: string) => string,
) {
  const [head, ...tail] = texts(parts(node, 'element'), 'path');
  if (head === undefined) return true;
  const { type } = root;
  if (root['kind'] !== 'logical' && typeof type === 'string' && !first(head, type)) return false;
  const start = `${stem(head)}.`;
  return tail.every((path) => path.startsWith(start));
}

function areAmong(values: readonly string[], known: readonly string[]): boolean {
  const set = new Set(known);
  return values.every((value) => set.has(value));
}

/** obs-7: with a value of its own, no component repeats a coding of the observation's code. */
function noComponentOfOwnCode(node: Node, root: Node): boolean {
  if (!Object.keys(node).some((name) => name.startsWith('value') || name.startsWith('_value'))) return true;
  const codings = (holder: Node): string[] =>
    isNode(holder['code']) ? parts(holder['code'], 'coding').map(canonical) : [];
  const ofWhole = new Set(codings(root));
  return parts(node, 'component').every((component) => codings(component).every((coding) => !ofWhole.has(coding)));
}

/** Equal for what is equal, whatever the order of the properties. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    isNode(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

/** Of all levels and of whatever else the resource contains. */
function conceptCodes(system: Node): string[] {
  const found: string[] = [];
  everyNode(system, (node) => {
    for (const code of texts(parts(node, 'concept'), 'code')) found.push(code);
  });
  return found;
}

function linkIds(questionnaire: Node): string[] {
  const found: string[] = [];
  everyNode(questionnaire, (node) => {
    if (typeof node['linkId'] === 'string') found.push(node['linkId']);
  });
  return found;
}

function everyNode(value: unknown, met: (node: Node) => void): void {
  if (Array.isArray(value)) for (const one of value) everyNode(one, met);
  else if (isNode(value)) {
    met(value);
    for (const inner of Object.values(value)) everyNode(inner, met);
  }
}

/**
 * Checks a resource against one of our profiles (FHIR profiling.html): cardinalities, fixed and pattern values, narrowed
 * choices and reference targets, required bindings, slices, extensions, invariants. What R4 itself asks has been checked
 * before (validate.ts). The work grows with the resource and not faster: every value meets the rules of its own place once.
 */
import { Problem } from '../problem.ts';
import { own } from '../table.ts';
import { codesOf, profileOf, type ElementRule, type Slicing } from './profiles.ts';
import { validationIssues } from './validate.ts';
import { invariantHolds } from './validate-invariants.ts';
import { isNode, report, type Node, type ValidationIssue, type Walk } from './validate-issue.ts';
import { checkReference } from './validate-reference.ts';

/** As many faults as R4's own rules give. */
const maxIssues = 50;

/** Parts of a resource that all its invariants together may look at; each takes about a microsecond. */
const maxLooks = 3_000_000;

/**
 * What R4 finds fault with, or, where it finds none, what the profiles do; at most 50 faults.
 *
 * @param profiles canonical addresses; those that are not ours are not looked at (`profileOf`).
 * @throws Problem `too-long` when checking would take seconds.
 */
export function issuesWith(resource: unknown, profiles: readonly string[]): ValidationIssue[] {
  const issues = validationIssues(resource);
  if (issues.length > 0 || !isNode(resource)) return issues;
  const type = String(resource['resourceType']);
  const checking: Checking = { walk: walkOf(resource, issues), looks: 0 };
  // A profile once, whatever versions of it are named.
  for (const profile of new Set(profiles.flatMap((canonical) => profileOf(canonical) ?? []))) {
    if (type !== profile.type) report(issues, 'value', `must be a ${profile.type} (${profile.title})`, type);
    else checkValue(resource, profile.root, { here: type, base: type }, checking);
  }
  return issues.slice(0, maxIssues);
}

interface Place {
  /** FHIRPath of the value at fault. */
  here: string;
  /** The same without indexes, as definitions say it. */
  base: string;
}
interface Checking {
  walk: Walk;
  looks: number;
}

function walkOf(root: Node, issues: ValidationIssue[]): Walk {
  const contained = Array.isArray(root['contained']) ? root['contained'].filter(isNode) : [];
  return {
    root,
    issues,
    budget: { rules: 0 },
    localReferences: [],
    contained: new Map(contained.map((one) => [String(one['id']), one])),
    isContained: false,
  };
}

/** One value against what its place asks of each value. */
function checkValue(value: unknown, rule: ElementRule, place: Place, checking: Checking): void {
  const { issues, root } = checking.walk;
  if (issues.length >= maxIssues) return;
  const { here } = place;
  if ('pattern' in rule && !holdsPattern(value, rule.pattern))
    report(issues, 'value', `must hold ${JSON.stringify(rule.pattern)}`, here);
  if ('fixed' in rule && !isSame(value, rule.fixed))
    report(issues, 'value', `must be ${JSON.stringify(rule.fixed)}`, here);
  if (rule.valueSet !== undefined && !isCoded(value, rule.valueSet))
    report(issues, 'code-invalid', 'must hold a code of the value set of its profile', here);
  if (rule.targets && isNode(value)) checkReference(value, rule.targets, here, checking.walk);
  for (const [name, child] of Object.entries(rule.children ?? {})) checkElement(value, name, child, place, checking);
  for (const [key, expression, human] of rule.rules ?? []) {
    checking.looks += sizeOf(value);
    if (checking.looks > maxLooks)
      throw new Problem('too-long', 'The resource has too many parts to be checked; send it in smaller ones.');
    if (!invariantHolds(place.base, expression, value, root)) report(issues, 'invariant', `${key}: ${human}`, here);
  }
}

/** An element of a value: how many there are, then each of them. */
function checkElement(parent: unknown, name: string, rule: ElementRule, place: Place, checking: Checking): void {
  const element = name.endsWith('[x]') ? name.slice(0, -3) : name;
  const there: Place = { here: `${place.here}.${element}`, base: `${place.base}.${element}` };
  const { issues } = checking.walk;
  const written = isNode(parent) ? (name === element ? [element] : namesOfChoice(parent, element)) : [];
  const values = written.flatMap((one) => valuesOf(parent as Node, one));
  checkCount(values.length, rule, there.here, issues);
  const [only] = written;
  if (rule.types && only !== undefined && !rule.types.some((type) => isWritten(only, element, type)))
    return report(issues, 'value', `must be of the type ${rule.types.join(' or ')}`, there.here);
  const many = only !== undefined && Array.isArray(own(parent as Node, only));
  const at = (index: number): Place => (many ? { ...there, here: `${there.here}[${index}]` } : there);
  values.forEach((value, index) => checkValue(value, rule, at(index), checking));
  if (rule.slicing) checkSlices(values, rule.slicing, there.here, at, checking);
}

function checkCount(count: number, { min = 0, max }: ElementRule, here: string, issues: ValidationIssue[]): void {
  if (count < min) report(issues, 'required', min === 1 ? 'is required' : `must be there ${min} times`, here);
  if (max !== undefined && count > max)
    report(issues, 'structure', max === 0 ? 'must not be there' : `may be there ${max} times only`, here);
}

/** Each value belongs to the first slice that it looks like; then the slices are counted. */
function checkSlices(
  values: readonly unknown[],
  { by, closed, slices }: Slicing,
  here: string,
  at: (index: number) => Place,
  checking: Checking,
): void {
  const { issues } = checking.walk;
  const entries = Object.entries(slices);
  const counts = new Map<string, number>();
  values.forEach((value, index) => {
    const [name, slice] = entries.find(([, one]) => by.every((path) => looksLike(value, one, path))) ?? [];
    if (slice) {
      counts.set(name!, (counts.get(name!) ?? 0) + 1);
      checkValue(value, slice, at(index), checking);
    } else if (closed) report(issues, 'structure', `must be one of ${Object.keys(slices).join(', ')}`, at(index).here);
  });
  for (const [name, slice] of entries) checkCount(counts.get(name) ?? 0, slice, `${here}:${name}`, issues);
}

/** Whether what tells slices apart is in the value as the slice has it. */
function looksLike(value: unknown, slice: ElementRule, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return 'fixed' in slice ? isSame(value, slice.fixed) : holdsPattern(value, slice.pattern);
  const child = own(slice.children ?? {}, name);
  return child !== undefined && isNode(value) && valuesOf(value, name).some((one) => looksLike(one, child, rest));
}

function namesOfChoice(parent: Node, element: string): string[] {
  const names = Object.keys(parent).map((name) => (name.startsWith('_') ? name.slice(1) : name));
  return [...new Set(names)].filter((name) => name.startsWith(element) && /^[A-Z]/.test(name.slice(element.length)));
}

const isWritten = (name: string, element: string, type: string): boolean =>
  name.toLowerCase() === (element + type).toLowerCase();

/** A primitive of which only extensions are there counts, and has no value. */
function valuesOf(parent: Node, name: string): unknown[] {
  const value = own(parent, name) ?? own(parent, `_${name}`);
  if (value === undefined) return [];
  const plain = own(parent, name) === undefined;
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return plain ? list.map(() => undefined) : list;
}

/** `pattern[x]`: every part of the pattern is in the value; in lists, wherever it stands. */
function holdsPattern(value: unknown, pattern: unknown): boolean {
  if (Array.isArray(pattern))
    return Array.isArray(value) && pattern.every((part) => value.some((one) => holdsPattern(one, part)));
  if (!isNode(pattern)) return value === pattern;
  return isNode(value) && Object.entries(pattern).every(([name, part]) => holdsPattern(own(value, name), part));
}

/** `fixed[x]`: the same, and nothing else. */
function isSame(value: unknown, fixed: unknown): boolean {
  if (Array.isArray(fixed))
    return Array.isArray(value) && value.length === fixed.length && fixed.every((part, i) => isSame(value[i], part));
  if (!isNode(fixed)) return value === fixed;
  if (!isNode(value) || Object.keys(value).length !== Object.keys(fixed).length) return false;
  return Object.entries(fixed).every(([name, part]) => isSame(own(value, name), part));
}

/** A required binding of a profile asks for a code, in one coding at least (FHIR terminologies.html#required). */
function isCoded(value: unknown, valueSet: number): boolean {
  const bySystem = codesOf(valueSet);
  if (typeof value === 'string') return [...bySystem.values()].some((codes) => codes.has(value));
  if (!isNode(value)) return false;
  const codings: unknown[] = Array.isArray(value['coding']) ? value['coding'] : [value];
  return codings.some((one) => isNode(one) && (bySystem.get(String(one['system']))?.has(String(one['code'])) ?? false));
}

/** How many parts a value has: what an invariant may look at. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const part of Object.values(value)) size += sizeOf(part);
  return size;
}

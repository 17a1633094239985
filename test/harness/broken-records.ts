/** Copies of a record, each of which breaks one thing that its profile asks for: derived from the table of profiles. */
import { structureOf, type Property } from '../../server/core/r4/structure.ts';
import type { ElementRule } from '../../server/core/validation/profiles.ts';

type Node = Record<string, unknown>;
type Path = readonly (string | number)[];

export interface Broken {
  /** Place and kind of the constraint: `Task.input:study targets`. */
  constraint: string;
  record: Node;
}

/** @returns one copy for each constraint that can be broken by itself; invariants are broken by hand. */
export function brokenCopies(record: Node, root: ElementRule): Broken[] {
  return new Breaker(record).of(root, [], String(record['resourceType']), String(record['resourceType']));
}

/** Every constraint of a profile, named as `brokenCopies` names it. */
export function constraintsOf(root: ElementRule, type: string): string[] {
  const found: string[] = [];
  const visit = (rule: ElementRule, name: string, type: string | undefined): void => {
    found.push(...kindsOf(rule).map((kind) => `${name} ${kind}`), ...(rule.rules ?? []).map(([key]) => `${name} rule ${key}`));
    for (const [child, asked] of Object.entries(rule.children ?? {})) {
      const property = propertyOf(type, child);
      visit(narrowedTargets(asked, property).length > 0 ? asked : without(asked, 'targets'), `${name}.${child}`, property?.type);
    }
    for (const [slice, asked] of Object.entries(rule.slicing?.slices ?? {})) visit(untold(asked, rule.slicing!.by), `${name}:${slice}`, type);
  };
  visit(root, type, type);
  return found;
} // prettier-ignore

const kindsOf = (rule: ElementRule): string[] => [
  ...((rule.min ?? 0) > 0 ? ['min'] : []),
  ...['max', 'types', 'targets', 'pattern', 'fixed', 'valueSet'].filter((kind) => kind in rule),
];

const without = (rule: ElementRule, ...names: (keyof ElementRule)[]): ElementRule =>
  Object.fromEntries(Object.entries(rule).filter(([name]) => !names.includes(name as keyof ElementRule)));

/** A slice without what tells it apart: a value that has it not is of no slice, and breaks nothing. */
function untold(slice: ElementRule, by: readonly (readonly string[])[]): ElementRule {
  const copy = structuredClone(slice);
  for (const steps of by) {
    const place = steps.reduce<ElementRule>((at, step) => at.children![step]!, copy);
    delete place.pattern;
    delete place.fixed;
    delete place.min;
  }
  return copy;
}

/** What R4 allows at a place, and the profile does not. */
function narrowedTargets({ targets }: ElementRule, property: Property | undefined): string[] {
  if (!targets || !property) return [];
  return (property.targets ?? ['Basic']).filter((type) => !targets.includes(type));
}

function propertyOf(type: string | undefined, child: string): Property | undefined {
  const properties = type === undefined ? undefined : structureOf(type)?.properties;
  const element = child.replace('[x]', '');
  return properties?.get(element) ?? [...(properties?.values() ?? [])].find((one) => one.element === element);
}

const samples: Record<string, unknown> = {
  string: 'x',
  boolean: true,
  integer: 1,
  unsignedInt: 1,
  dateTime: '2026-01-01',
  CodeableConcept: { text: 'x' },
  Period: { start: '2026-01-01' },
  Quantity: { value: 1 },
  Reference: { reference: 'Basic/x' },
  Attachment: { title: 'x' },
};
/** What is of another value set, or no code of the pattern, and yet one that R4 takes at that place. */
const others: Record<string, unknown> = { 'Task.intent': 'plan', 'ServiceRequest.intent': 'plan', 'MedicationRequest.intent': 'plan', 'DetectedIssue.status': 'preliminary', 'Consent.status': 'inactive', 'Device.deviceName.type': 'other', 'Provenance.signature.sigFormat': 'text/plain' }; // prettier-ignore

class Breaker {
  readonly #record: Node;
  constructor(record: Node) {
    this.#record = record;
  }

  /** A copy in which the value at the path is another; undefined takes it away. */
  #with(path: Path, value: unknown): Node {
    const copy = structuredClone(this.#record);
    let holder = copy as Record<string | number, unknown>;
    for (const step of path.slice(0, -1)) holder = holder[step] as typeof holder;
    const last = path.at(-1)!;
    if (value !== undefined) holder[last] = value;
    else if (Array.isArray(holder)) holder.splice(last as number, 1);
    else delete holder[last];
    return copy;
  }

  #at(path: Path): unknown {
    return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], this.#record);
  } // prettier-ignore

  of(rule: ElementRule, path: Path, name: string, type: string | undefined): Broken[] {
    const broken: Broken[] = [];
    const add = (kind: string, record: Node) => broken.push({ constraint: `${name} ${kind}`, record });
    const value = this.#at(path);
    if (path.length > 0) {
      if ('pattern' in rule || 'fixed' in rule) add('pattern' in rule ? 'pattern' : 'fixed', this.#with(path, otherThan(value, name)));
      if (rule.valueSet !== undefined) add('valueSet', this.#with(path, otherThan(value, name)));
    } // prettier-ignore
    for (const [child, asked] of Object.entries(rule.children ?? {}))
      broken.push(...this.#element(child, asked, path, `${name}.${child}`, type));
    return broken;
  }

  #element(child: string, rule: ElementRule, path: Path, name: string, type: string | undefined): Broken[] {
    const element = child.replace('[x]', '');
    const parent = this.#at(path) as Node;
    const property = propertyOf(type, child);
    const key = child === element ? element : Object.keys(parent).find((one) => one.startsWith(element) && structureOf(type!)?.properties.get(one)?.element === element); // prettier-ignore
    const value = key === undefined ? undefined : parent[key];
    const broken: Broken[] = [];
    const add = (kind: string, record: Node) => broken.push({ constraint: `${name} ${kind}`, record });
    if (rule.max === 0 && value === undefined) {
      const sample = samples[property!.type];
      add('max', this.#with([...path, element], property!.many ? [sample] : sample));
    }
    if (value === undefined || key === undefined) return broken;
    if ((rule.min ?? 0) > 0) add('min', this.#with([...path, key], undefined));
    if (rule.max !== undefined && rule.max > 0 && Array.isArray(value))
      add(
        'max',
        this.#with(
          [...path, key],
          Array.from({ length: rule.max + 1 }, () => value[0] as unknown),
        ),
      );
    if (rule.types) {
      const choices = [...structureOf(type!)!.properties].filter(([, one]) => one.element === element);
      const [other, { type: otherType }] = choices.find(([, one]) => !rule.types!.includes(one.type) && one.type in samples)!; // prettier-ignore
      add('types', new Breaker(this.#with([...path, key], undefined)).#with([...path, other], samples[otherType]));
    }
    const first: Path = Array.isArray(value) ? [...path, key, 0] : [...path, key];
    const actual = structureOf(type!)?.properties.get(key) ?? property;
    const [target] = narrowedTargets(rule, actual);
    if (target !== undefined && actual?.type === 'Reference')
      add('targets', this.#with(first, { reference: `${target}/x` }));
    broken.push(...this.of(rule, first, name, actual?.type));
    if (rule.slicing) broken.push(...this.#slices(rule, [...path, key], name, actual?.type));
    return broken;
  }

  #slices(rule: ElementRule, path: Path, name: string, type: string | undefined): Broken[] {
    const values = this.#at(path) as unknown[];
    return Object.entries(rule.slicing!.slices).flatMap(([slice, asked]) => {
      const here = `${name}:${slice}`;
      const index = values.findIndex((value) => rule.slicing!.by.every((steps) => holds(value, asked, steps)));
      if (index < 0) return [];
      const broken: Broken[] = [];
      const add = (kind: string, record: Node) => broken.push({ constraint: `${here} ${kind}`, record });
      if ((asked.min ?? 0) > 0) add('min', this.#with(path, values.filter((_, i) => i !== index))); // prettier-ignore
      if (asked.max !== undefined)
        add('max', this.#with(path, [...values, ...Array.from({ length: asked.max }, () => values[index])]));
      return [...broken, ...this.of(untold(asked, rule.slicing!.by), [...path, index], here, type)];
    });
  }
}

function holds(value: unknown, rule: ElementRule, [step, ...rest]: readonly string[]): boolean {
  if (step !== undefined) return holds((value as Node)[step], rule.children?.[step] ?? {}, rest);
  const wanted = (rule.pattern ?? rule.fixed) as Node;
  if (typeof wanted !== 'object') return value === wanted;
  const coding = (wanted['coding'] as Node[] | undefined)?.[0] ?? wanted;
  const held = ((value as Node | undefined)?.['coding'] as Node[] | undefined) ?? [value as Node];
  return held.some((one) => one?.['code'] === coding['code'] && one['system'] === coding['system']);
}

function otherThan(value: unknown, name: string): unknown {
  if (typeof value === 'string') return others[name] ?? 'urn:other';
  const coding = { system: 'urn:other', code: 'x' };
  return typeof value === 'object' && value !== null && 'code' in value ? coding : { coding: [coding] };
}

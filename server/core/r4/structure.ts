/**
 * The structure of every R4 type as a compact table (made by scripts/build-structure.ts from the published
 * StructureDefinitions), opened type by type on first use so that starting costs nothing.
 */
import table from './structure.json' with { type: 'json' };
import { own } from '../table.ts';

export interface StructureTable {
  /** Key: a type (`Observation`, `HumanName`) or a nested element (`Observation.component`). */
  types: Record<string, TypeRow>;
  /** Required bindings; null when the codes cannot be enumerated (MIME types, languages, UCUM). */
  valueSets: (ValueSetRow | null)[];
}
export interface TypeRow {
  elements: Record<string, ElementRow>;
  resource?: 'abstract' | 'concrete';
  /** Invariants: key, FHIRPath, the sentence that a person reads. */
  rules?: [key: string, expression: string, human: string][];
}
export interface ElementRow {
  types: string[];
  min?: number;
  max?: number;
  many?: number;
  summary?: number;
  /** Resource types that a Reference may name; absent when any may. */
  targets?: string[];
  valueSet?: number;
}
/** Codes by system. */
export type ValueSetRow = Record<string, string[]>;

/** One property that JSON may carry: choice elements appear once for each type (`valueQuantity`). */
export interface Property {
  /** The element's name without the type (`value`), as FHIRPath says it. */
  element: string;
  type: string;
  min: number;
  many: boolean;
  summary: boolean;
  choice: boolean;
  targets: readonly string[] | undefined;
  valueSet: ValueSet | undefined;
}
export interface ValueSet {
  codes: ReadonlySet<string>;
  bySystem: ReadonlyMap<string, ReadonlySet<string>>;
}
export interface TypeStructure {
  name: string;
  properties: ReadonlyMap<string, Property>;
  /** Elements that must be there: the property names that satisfy each. */
  mandatory: readonly { element: string; names: readonly string[] }[];
  rules: NonNullable<TypeRow['rules']>;
}

const structures = table as unknown as StructureTable;
const opened = new Map<string, TypeStructure | undefined>();
const openedValueSets = new Map<number, ValueSet | undefined>();

/** The structure of a type or nested element; undefined if R4 has none of that name (primitives included). */
export function structureOf(name: string): TypeStructure | undefined {
  if (!opened.has(name)) opened.set(name, open(name));
  return opened.get(name);
}

/** The 140-odd resource types of R4 that a client may name in a URL. */
export const resourceTypes: ReadonlySet<string> = new Set(
  Object.keys(structures.types).filter((name) => own(structures.types, name)!.resource === 'concrete'),
);

function open(name: string): TypeStructure | undefined {
  const row = own(structures.types, name);
  if (!row) return undefined;
  const properties = new Map<string, Property>();
  const mandatory: TypeStructure['mandatory'][number][] = [];
  for (const [key, element] of Object.entries(row.elements)) {
    if (element.max === 0) continue;
    const names = addProperties(properties, key, element);
    if (element.min) mandatory.push({ element: key.replace('[x]', ''), names });
  }
  return { name, properties, mandatory, rules: row.rules ?? [] };
}

function addProperties(properties: Map<string, Property>, key: string, row: ElementRow): string[] {
  const choice = key.endsWith('[x]');
  const element = choice ? key.slice(0, -3) : key;
  return row.types.map((type) => {
    const written = type === 'SimpleQuantity' || type === 'MoneyQuantity' ? 'Quantity' : type;
    const name = choice ? element + written[0]!.toUpperCase() + written.slice(1) : element;
    properties.set(name, {
      element,
      type,
      min: row.min ?? 0,
      many: row.many === 1,
      summary: row.summary === 1,
      choice,
      targets: row.targets,
      valueSet: row.valueSet === undefined ? undefined : valueSet(row.valueSet),
    });
    return name;
  });
}

function valueSet(index: number): ValueSet | undefined {
  if (!openedValueSets.has(index)) {
    const row = structures.valueSets[index];
    const bySystem = row && new Map(Object.entries(row).map(([system, codes]) => [system, new Set(codes)] as const));
    openedValueSets.set(index, row && bySystem ? { bySystem, codes: new Set(Object.values(row).flat()) } : undefined);
  }
  return openedValueSets.get(index);
}

/**
 * What our profiles ask beyond R4, as a compact table that scripts/build-profiles.ts makes out of fhir-profiles/: the
 * StructureDefinitions themselves are a megabyte, mostly R4's own words.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import type { ValueSetRow } from '../r4/structure.ts';
import table from './profile-table.json' with { type: 'json' };
import { own } from '../table.ts';

export interface ProfileTable {
  /** By canonical address. */
  profiles: Record<string, ProfileRow>;
  /** Value sets of required bindings. */
  valueSets: ValueSetRow[];
}
export interface ProfileRow {
  type: ResourceType;
  /** For a person. */
  title: string;
  root: ElementRule;
}

/** What a profile asks of one element; of each of its values, but for the counts. */
export interface ElementRule {
  min?: number;
  max?: number;
  /** Of a choice (`value[x]`): the types that are left. */
  types?: string[];
  /** Of a Reference: the resource types that are left. */
  targets?: string[];
  /** `pattern[x]`: what must be in the value, which may hold more. */
  pattern?: unknown;
  /** `fixed[x]`: what the value must be. */
  fixed?: unknown;
  /** Index of a required value set. */
  valueSet?: number;
  /** Invariants: key, FHIRPath, the sentence that a person reads. */
  rules?: [key: string, expression: string, human: string][];
  /** By name; `value[x]` for a choice. */
  children?: Record<string, ElementRule>;
  slicing?: Slicing;
}
export interface Slicing {
  /** Paths from the element to what tells slices apart; empty for the element itself. */
  by: string[][];
  /** Values of no slice are refused. */
  closed?: 1;
  slices: Record<string, ElementRule>;
}

const { profiles, valueSets } = table as unknown as ProfileTable;

/** @param canonical with or without `|version`. */
export function profileOf(canonical: string): ProfileRow | undefined {
  return own(profiles, canonical.split('|', 1)[0]!);
}

/** Canonical addresses of the profiles of a type. */
export function profilesOfType(type: ResourceType): string[] {
  return Object.keys(profiles).filter((canonical) => own(profiles, canonical)!.type === type);
}

const opened = new Map<number, ReadonlyMap<string, ReadonlySet<string>>>();

/** Codes by system. */
export function codesOf(valueSet: number): ReadonlyMap<string, ReadonlySet<string>> {
  let found = opened.get(valueSet);
  if (!found) {
    found = new Map(Object.entries(valueSets[valueSet]!).map(([system, codes]) => [system, new Set(codes)]));
    opened.set(valueSet, found);
  }
  return found;
}

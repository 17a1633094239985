/**
 * The search parameters of each resource type (FHIR searchparameter-registry.html, R4), from a table that
 * `scripts/build-search-parameters.ts` makes out of the official definitions.
 */
import type { ResourceType } from '@medplum/fhirtypes';
import { compilePath, type Select } from './search-path.ts';
import table from './search-parameters.json' with { type: 'json' };

export type SearchParameterType = 'token' | 'string' | 'date' | 'reference' | 'quantity' | 'number' | 'uri';

export type TableEntry =
  | { type: SearchParameterType; path: string; target?: string[] }
  | { type: 'composite'; path: string; parts: { type: SearchParameterType; path: string }[] };

export interface SearchParameterTable {
  /** Resource type (or `Resource` for all of them) -> parameter code -> definition. Paths start at the resource. */
  parameters: Record<string, Record<string, TableEntry>>;
  /** Resource type -> codes of the reference parameters that tie it to a patient (CompartmentDefinition patient). */
  patientCompartment: Record<string, string[]>;
}

export interface SearchParameter {
  /** `ImagingStudy.started`: the name of its rows in the search index. */
  key: string;
  code: string;
  type: SearchParameterType | 'composite';
  select: Select;
  /** A date that is a day of the calendar (FHIR type `date`), not a time. */
  calendar: boolean;
  /** Types that the reference may point at; undefined when any. */
  target: readonly string[] | undefined;
  /** Of a composite: its components, with paths from the element that `select` finds. */
  parts: readonly { key: string; type: SearchParameterType; select: Select }[];
}

/** Parameters whose elements are all of the FHIR type `date`: the same day in every zone. */
export const calendarParameters: ReadonlySet<string> = new Set([
  'Patient.birthdate',
  'Person.birthdate',
  'RelatedPerson.birthdate',
  'Goal.start-date',
  'Goal.target-date',
  'Basic.created',
  'ClaimResponse.payment-date',
]);

/** Types that are no records, with what they can be searched by: AuditEvents are made of the audit trail. */
export const servedElsewhere: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['AuditEvent', new Set(['action', 'address', 'agent', 'date', 'entity', 'outcome', 'patient', 'subtype', 'type'])],
]);

const { parameters, patientCompartment } = table as unknown as SearchParameterTable;
const compiled = new Map<string, ReadonlyMap<string, SearchParameter>>();

/**
 * Parameters of one type by code, the common ones (`_tag`, `_profile`, `_security`, `_source`) included. `_id` and
 * `_lastUpdated` are not here: they are columns of the record, not index rows.
 */
export function searchParametersOf(type: ResourceType): ReadonlyMap<string, SearchParameter> {
  let found = compiled.get(type);
  if (!found) {
    const entries = { ...parameters['Resource'], ...parameters[type] };
    const offered = servedElsewhere.get(type);
    const kept = Object.entries(entries).filter(([code]) => offered?.has(code) ?? true);
    found = new Map(kept.map(([code, entry]) => [code, compile(type, code, entry)]));
    compiled.set(type, found);
  }
  return found;
}

/** The parameter, if the type has it. */
export function searchParameter(type: ResourceType, code: string): SearchParameter | undefined {
  return searchParametersOf(type).get(code);
}

/** Codes of the parameters whose targets are the patients in whose compartment a record of the type lies. */
export function compartmentParameters(type: ResourceType): readonly string[] {
  return patientCompartment[type] ?? [];
}

function compile(type: string, code: string, entry: TableEntry): SearchParameter {
  const key = `${type}.${code}`;
  const select = compilePath(entry.path);
  const calendar = calendarParameters.has(key);
  const { path: _, ...rest } = entry;
  if (rest.type !== 'composite')
    return { key, code, type: rest.type, select, calendar, target: rest.target, parts: [] };
  const parts = rest.parts.map((part, n) => ({ key: `${key}$${n}`, type: part.type, select: compilePath(part.path) }));
  return { key, code, type: 'composite', select, calendar, target: undefined, parts };
}

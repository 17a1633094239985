/**
 * A FHIR search, parsed (FHIR search.html): what the face makes of a query string, and what the record
 * store compiles into SQL. Pure data, so granular scopes and conditional writes use the same form.
 */
import type { ResourceType } from '@medplum/fhirtypes';

export interface SearchQuery {
  type: ResourceType;
  conditions: SearchCondition[];
  include: IncludeInstruction[];
  revinclude: IncludeInstruction[];
  sort: { parameter: string; descending: boolean }[];
  count: number;
  /** Cursor from `SearchPage.next`; not for callers to see, see `http/page-token`. */
  after?: string;
  total: 'none' | 'estimate' | 'accurate';
}

/** One parameter of the query; conditions are ANDed, the values of one are ORed. */
export interface SearchCondition {
  /** Search parameter code: `identifier`, `_id`, `started`. */
  parameter: string;
  modifier?: string;
  /** Split at unescaped commas, escapes still in place. */
  values: string[];
  /** `patient.name=x`: the rest of the chain, evaluated on the referenced type. */
  chain?: { type?: ResourceType; condition: SearchCondition };
  /**
   * `_has:Observation:patient:code=x`: a record of `type` whose `reference` points here and that meets `condition`.
   * With modifier `not` (the server's own rules only): there is no such record.
   */
  has?: { type: ResourceType; reference: string; condition: SearchCondition };
}

export interface IncludeInstruction {
  /** Source type of the reference. */
  type: ResourceType;
  /** Search parameter code, or `*`. */
  parameter: string;
  target?: ResourceType;
  iterate: boolean;
}

/** A query without includes, totals or order. */
export function plainQuery(type: ResourceType, conditions: SearchCondition[], count: number): SearchQuery {
  return { type, conditions, include: [], revinclude: [], sort: [], count, total: 'none' };
}

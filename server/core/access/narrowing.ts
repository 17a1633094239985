import type { ResourceType } from '@medplum/fhirtypes';
import type { SearchCondition } from '../search/search-query.ts';

/**
 * What part of a type's records a caller may touch: the union of its grants. Compiled into SQL next to
 * the caller's own conditions, so totals, paging, includes and chains never see more (fail closed: an
 * empty list of grants sees nothing).
 */
export type Narrowing = { kind: 'all' } | { kind: 'some'; grants: readonly Grant[] };

export interface Grant {
  /** FHIR id of the Patient whose compartment the record must lie in (our own rule for Task, Binary ... included). */
  patient?: string;
  /** Leaves out what is labelled as not to be shown to the patient (see released-only.ts), now and in history. */
  released?: true;
  /** FHIR ids of patients in none of whose compartments the record may lie: their records are restricted. */
  hidden?: readonly string[];
  /** Further conditions of the grant: a granular scope's query, or the workflow's own rule for a role. */
  conditions?: readonly SearchCondition[];
  /**
   * Shared types (Endpoint, Device, Practitioner ...) lie in no compartment: the record must be referred to by a
   * record that this patient may see. `withheld` narrows the types whose records are not all shown.
   */
  sharedBy?: { patient: string; withheld: Readonly<Partial<Record<ResourceType, Narrowing>>> };
}

export const everything: Narrowing = { kind: 'all' };
export const nothing: Narrowing = { kind: 'some', grants: [] };

export const isEmpty = (narrowing: Narrowing): boolean => narrowing.kind === 'some' && narrowing.grants.length === 0;

/** All of it but the records of these patients. */
export function without(narrowing: Narrowing, hidden: readonly string[] | undefined): Narrowing {
  if (!hidden || hidden.length === 0) return narrowing;
  const grants: readonly Grant[] = narrowing.kind === 'all' ? [{}] : narrowing.grants;
  return { kind: 'some', grants: grants.map((grant) => ({ ...grant, hidden })) };
}

/** The part of it that lies in one patient's compartment. */
export function inCompartment(narrowing: Narrowing, patient: string): Narrowing {
  if (narrowing.kind === 'all') return { kind: 'some', grants: [{ patient }] };
  // Shared records (`sharedBy`) are visible because something refers to them; they lie in no compartment.
  const reaching = narrowing.grants.filter(
    (grant) => !grant.sharedBy && (grant.patient === undefined || grant.patient === patient),
  );
  return { kind: 'some', grants: reaching.map((grant) => ({ ...grant, patient })) };
}

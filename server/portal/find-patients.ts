import type { Patient } from '@medplum/fhirtypes';
import type { Principal } from '../core/principal.ts';
import { nameOf } from '../core/r4/human-name.ts';
import { recordNumberOf } from '../core/vocabulary/record-number.ts';
import { search, type ReadWorld } from '../core/records/read.ts';
import { plainQuery, type SearchCondition } from '../core/search/search-query.ts';
import { escapedValue } from '../core/search/search-values.ts';

export interface FoundPatient {
  id: string;
  name: string;
  birthDate?: string;
  gender?: string;
  identifier?: string;
}

/**
 * Patients for a picker: one by id, else those of whose name each word of the text begins a part, or whose number it is;
 * the latest when it is empty. Audited like any search.
 */
export function findPatients(
  world: ReadWorld,
): (principal: Principal, wanted: { text: string } | { id: string }) => Promise<FoundPatient[]> {
  return async (principal, wanted) => {
    const conditions = conditionsFor(wanted);
    const pages = await Promise.all(
      conditions.map((one) =>
        search(world, principal, {
          ...plainQuery('Patient', one, 20),
          sort: [{ parameter: '_lastUpdated', descending: true }],
        }),
      ),
    );
    const found = new Map(
      pages.flatMap(({ matches }) => matches).map(({ resource }) => [resource!.id!, resource as Patient]),
    );
    return [...found.values()].map(describe);
  };
}

const mostWords = 8;

/** Alternatives; conditions within one are ANDed. */
function conditionsFor(wanted: { text: string } | { id: string }): SearchCondition[][] {
  const value = escapedValue('id' in wanted ? wanted.id : wanted.text.trim());
  if ('id' in wanted) return [[{ parameter: '_id', values: [value] }]];
  if (value === '') return [[]];
  const words = value.split(/\s+/u).slice(0, mostWords);
  return [words.map((word) => ({ parameter: 'name', values: [word] })), [{ parameter: 'identifier', values: [value] }]];
}

function describe(patient: Patient): FoundPatient {
  const identifier = recordNumberOf(patient.identifier);
  return {
    id: patient.id!,
    name: nameOf(patient.name) ?? 'no name',
    ...(patient.birthDate === undefined ? {} : { birthDate: patient.birthDate }),
    ...(patient.gender === undefined ? {} : { gender: patient.gender }),
    ...(identifier === undefined ? {} : { identifier }),
  };
}

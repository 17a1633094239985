import type { Patient } from '@medplum/fhirtypes';
import type { World } from '../core/ports.ts';
import { search } from '../core/records/read.ts';
import type { SearchCondition, SearchQuery } from '../core/records/search-query.ts';
import type { FindPatients } from './interactions.ts';
import type { PatientChoice } from './pages/patient-page.ts';

const shown = 20;

/** Looks patients up for the picker as the member of staff who picks: the same narrowing and audit as any search. */
export function patientFinder(world: World): FindPatients {
  return async (principal, wanted) => {
    const find = async (conditions: SearchCondition[]) => {
      const query: SearchQuery = {
        type: 'Patient',
        conditions,
        include: [],
        revinclude: [],
        sort: [{ parameter: 'family', descending: false }],
        count: shown,
        total: 'none',
      };
      const { matches } = await search(world, principal, query);
      return matches.flatMap(({ resource }) => (resource?.resourceType === 'Patient' ? [toChoice(resource)] : []));
    };
    if ('id' in wanted) return find([{ parameter: '_id', values: [wanted.id] }]);
    const words = wanted.text.split(/\s+/).filter((word) => word !== '');
    if (words.length === 0) return find([]);
    // Every word must begin some part of the name; if nobody is called that, it may be a record number.
    const byName = await find(words.map((word) => ({ parameter: 'name', values: [escape(word)] })));
    return byName.length > 0 ? byName : find([{ parameter: 'identifier', values: [escape(wanted.text.trim())] }]);
  };
}

/** What people type is a value, not search syntax (FHIR search.html 3.1.1.4.0.1). */
function escape(text: string): string {
  return text.replace(/[\\$,|]/g, '\\$&');
}

function toChoice(patient: Patient): PatientChoice {
  const name = patient.name?.[0];
  const identifier = patient.identifier?.find(({ value }) => value !== undefined)?.value;
  return {
    id: patient.id ?? '',
    name: name?.text ?? ([...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || 'Without a name'),
    ...(patient.birthDate === undefined ? {} : { birthDate: patient.birthDate }),
    ...(patient.gender === undefined ? {} : { gender: patient.gender }),
    ...(identifier === undefined ? {} : { identifier }),
  };
}

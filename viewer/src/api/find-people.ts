/** Looking for a patient as people at a counter do: by number, by name, or by birth date. */
import type { Patient } from '@medplum/fhirtypes';
import { matchesOf } from './bundle.ts';
import type { FhirClient } from './fhir.ts';
import { findPatients } from './review/corrections.ts';

const mostFound = 20;

/** `2001-02-03` and `3.2.2001` as a FHIR date; undefined for everything else. Slashes are read differently across the world: not here. */
export function birthDateIn(typed: string): string | undefined {
  const iso = typed.trim().match(/^(\d{4})-(\d{1,2})-(\d{1,2})$/);
  const dotted = typed.trim().match(/^(\d{1,2})\.(\d{1,2})\.(\d{4})$/);
  const [year, month, day] = iso ? iso.slice(1) : dotted ? dotted.slice(1).reverse() : [];
  if (!year || !month || !day) return undefined;
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : undefined;
}

export async function findPeople(fhir: FhirClient, typed: string, signal?: AbortSignal): Promise<Patient[]> {
  const birthdate = birthDateIn(typed);
  if (birthdate === undefined) return findPatients(fhir, typed, signal);
  const found = await fhir.search('Patient', { birthdate, _count: mostFound }, signal);
  return matchesOf<Patient>(found, 'Patient').filter(({ active }) => active !== false);
}

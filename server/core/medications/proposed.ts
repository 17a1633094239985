import type { MedicationRequest } from '@medplum/fhirtypes';
import type { Proposed, Standing } from './check-medication.ts';
import type { KnownOfPatient } from './known-of-patient.ts';

/** What a MedicationRequest proposes, for the check. */
export function proposedOf({ medicationCodeableConcept: concept }: MedicationRequest): Proposed {
  const codings = concept?.coding ?? [];
  return {
    name: concept?.text ?? codings.find(({ display }) => display !== undefined)?.display ?? '',
    codes: codings.flatMap(({ system, code }) =>
      system !== undefined && code !== undefined ? [{ system, code }] : [],
    ),
  };
}

/** What of a patient's records counts against medication: what is taken or proposed, and allergies that are active. */
export function standingOf(known: KnownOfPatient): { medications: Standing[]; allergies: Standing[] } {
  return {
    medications: known.medications.filter(({ state }) => state !== 'ended'),
    allergies: known.allergies.filter(({ kind, state }) => kind === 'allergy' && state === 'active'),
  };
}

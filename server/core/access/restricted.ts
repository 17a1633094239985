import type { Patient, Reference } from '@medplum/fhirtypes';
import { Problem } from '../problem.ts';
import type { Principal } from '../principal.ts';
import type { RestrictedStore } from './restricted-store.ts';

/** v3-Confidentiality: restricted, very restricted. */
const restricting = new Set(['R', 'V']);
const system = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

/** Whether only those named in the record read it (FHIR security-labels.html#core; HL7 v3 Confidentiality R and V). */
export function isRestricted(patient: Pick<Patient, 'meta'> | undefined): boolean {
  return (
    patient?.meta?.security?.some((label) => label.system === system && restricting.has(label.code ?? '')) === true
  );
}

/**
 * Who reads a restricted record beside administrators and the patient: whom it names as treating, in person or by the
 * department.
 *
 * @returns references; undefined for a record that is not restricted.
 */
export function readersOf(patient: Patient): string[] | undefined {
  if (!isRestricted(patient)) return undefined;
  const named: (Reference | undefined)[] = [...(patient.generalPractitioner ?? []), patient.managingOrganization];
  return named.flatMap((one) => /(?:^|\/)((?:Practitioner|PractitionerRole|Organization)\/[A-Za-z0-9.-]{1,64})$/.exec(one?.reference ?? '')?.[1] ?? []); // prettier-ignore
}

/**
 * Before somebody gives a record, or a part of it, to others: a code for it, an account, its images to another patient. To who may not see the
 * record it is not there; who has it open in an emergency reads it for an hour, and leaves no way in that stays.
 *
 * @throws Problem `not-found` as for a record that does not exist; `forbidden` in an emergency.
 */
export async function mustMayGiveOut(
  { restricted }: { restricted: Pick<RestrictedStore, 'restrictionsOf'> },
  { kind, subject }: Principal,
  patientId: string,
): Promise<void> {
  if (kind !== 'user') return;
  const { hidden, emergency } = await restricted.restrictionsOf(subject);
  if (hidden.includes(patientId)) throw new Problem('not-found', `Patient/${patientId} does not exist.`);
  if (emergency.includes(patientId))
    throw new Problem('forbidden', 'The record is open to you in an emergency, to read it. Who else gets it, or a part of it, is decided by those who treat the patient, or an administrator.'); // prettier-ignore
}

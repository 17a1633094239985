import type { Patient, Reference } from '@medplum/fhirtypes';

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

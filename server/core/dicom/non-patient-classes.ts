/** Storage classes of what belongs to no patient (PS3.4 Table GG.3-1), by the name of their resource (PS3.18 12.1.1). */
export const nonPatientClasses = {
  'color-palettes': ['1.2.840.10008.5.1.4.39.1'],
  'defined-procedure-protocols': ['1.2.840.10008.5.1.4.1.1.200.1', '1.2.840.10008.5.1.4.1.1.200.7'],
  'hanging-protocols': ['1.2.840.10008.5.1.4.38.1'],
  'implant-templates': ['1.2.840.10008.5.1.4.43.1', '1.2.840.10008.5.1.4.44.1', '1.2.840.10008.5.1.4.45.1'],
  inventories: ['1.2.840.10008.5.1.4.1.1.201.1'],
} as const;

export type NonPatientKind = keyof typeof nonPatientClasses;

export const nonPatientKinds = Object.keys(nonPatientClasses) as NonPatientKind[];

const all = new Set<string>(Object.values(nonPatientClasses).flat());

/** It has neither a patient nor a study. */
export function isNonPatient(SOPClassUID: string): boolean {
  return all.has(SOPClassUID);
}

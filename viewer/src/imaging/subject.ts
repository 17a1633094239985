/** Are these images of this patient? Two identifiers are compared: record number and name. */
import type { HumanName, Patient } from '@medplum/fhirtypes';

export interface ImageSubject {
  /** Patient ID (0010,0020). */
  id: string | undefined;
  /** Patient's Name (0010,0010), "Family, Given". */
  name: string | undefined;
}

/**
 * False when the images name another patient: the record number is not among the record's, or the number
 * is missing and the name differs. What the images do not state cannot contradict.
 */
export function sameSubject(patient: Pick<Patient, 'identifier' | 'name'>, subject: ImageSubject): boolean {
  const numbers = (patient.identifier ?? []).flatMap((identifier) =>
    identifier.value ? [identifier.value.trim()] : [],
  );
  if (subject.id !== undefined && numbers.length > 0) return numbers.includes(subject.id.trim());
  if (subject.name !== undefined && (patient.name?.length ?? 0) > 0) {
    const wanted = lettersOf(subject.name);
    return (patient.name ?? []).some((name) => lettersOf(wordsOf(name)) === wanted);
  }
  return true;
}

function wordsOf(name: HumanName): string {
  const parts = [...(name.given ?? []), name.family ?? ''].join(' ').trim();
  return parts === '' ? (name.text ?? '') : parts;
}

/** Word order, case, commas and accents do not make another person. */
function lettersOf(name: string): string {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .sort()
    .join(' ');
}

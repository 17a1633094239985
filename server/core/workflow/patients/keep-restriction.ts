import type { Patient } from '@medplum/fhirtypes';
import { isRestricted, readersOf } from '../../access/restricted.ts';
import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import type { Kept } from '../../records/server-write.ts';
import type { WriteContext } from '../../world.ts';

/**
 * Who restricts a record, lifts that, or names who reads it: administrators and services of the admission system. Whoever has opened
 * one in an emergency must not be able to stay.
 *
 * @throws Problem `forbidden`.
 */
export function mustMayRestrict(principal: Principal, was: Patient | undefined, wanted: Patient): void {
  if (principal.kind !== 'user' || principal.role === 'admin') return;
  const readers = (patient: Patient | undefined) => (patient && readersOf(patient)?.sort().join(' ')) ?? '';
  if (isRestricted(was) === isRestricted(wanted) && readers(was) === readers(wanted)) return;
  throw new Problem(
    'forbidden',
    'Whether a record is restricted (meta.security R or V), and who reads it then (generalPractitioner, managingOrganization), is decided by an administrator.',
    { expression: 'Patient.meta.security' },
  );
}

/**
 * A restricted record that comes to one that is not would be open to everybody.
 *
 * @throws Problem `business-rule`.
 */
export function mustStayRestricted(source: Patient, target: Patient): void {
  if (!isRestricted(source) || isRestricted(target)) return;
  throw new Problem('business-rule', `Patient/${source.id} is restricted and Patient/${target.id} is not: give the target the label first, or take it off the source.`); // prettier-ignore
}

/** Keeps the list by which restricted records are left out, in the transaction that writes the Patient. */
export async function followRestriction({ stores }: WriteContext, before: Patient | undefined, after: Kept<'Patient'>): Promise<void> {
  const readers = readersOf(after);
  if (readers !== undefined || isRestricted(before)) await stores.restricted.restrict(after.id, readers);
} // prettier-ignore

import type { Patient } from '@medplum/fhirtypes';
import { narrow } from '../../access/policy.ts';
import type { Principal } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import type { ReadsFrom } from '../../world.ts';
import { survivor } from '../match-patient.ts';

/** Whose images are stored, said by who brings them and not by the images alone. */
export interface ImageOwner {
  patientId: string;
  /**
   * Images that name somebody else: `own`, we made them for this patient and they need no comparison; `refuse`;
   * `confirmed`, a member of staff has seen what they say and stands for it.
   */
  others: 'own' | 'refuse' | 'confirmed';
}

/** The record of a patient who is signed in. */
export function ownRecord({ role, fhirUser }: Principal): string | undefined {
  return role === 'patient' ? /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(fhirUser ?? '')?.[1] : undefined;
}

/**
 * Patients bring images of themselves, doctors and administrators those of a patient whom they may see.
 *
 * @throws Problem `forbidden`.
 */
export function mustBringFor(principal: Principal, patientId: string): void {
  if (principal.kind === 'user' && principal.firstParty === true) {
    if (principal.role === 'doctor' || principal.role === 'admin') return;
    if (principal.role === 'patient' && ownRecord(principal) === patientId) return;
  }
  throw new Problem(
    'forbidden',
    'Patients upload images of themselves; doctors and administrators those of a patient.',
  );
}

/**
 * The patient whom an upload is for: by the token for patients, by choice for staff.
 *
 * @param chosen FHIR id
 * @throws Problem `forbidden` (another patient's, or one whom the caller may not see), `required` (staff chose nobody), `conflict` (a record
 * that was merged into another).
 */
export async function ownerOfUpload(
  world: ReadsFrom<'records'>,
  principal: Principal,
  chosen: string | undefined,
): Promise<Patient & { id: string }> {
  const id = chosen ?? ownRecord(principal);
  if (id === undefined)
    throw new Problem('required', 'Say which patient the images are of.', { expression: 'patient' });
  mustBringFor(principal, id);
  const record = await world.read(({ records }) => records.read('Patient', id, narrow(principal, 'Patient', 'read')));
  if (!record?.resource)
    throw new Problem('forbidden', 'Images can be uploaded for patients only whose record you see.');
  const patient = record.resource as Patient & { id: string };
  if (survivor(patient) !== id)
    throw new Problem('conflict', 'The record was merged into another one: choose that one.');
  return patient;
}

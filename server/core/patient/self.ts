import { patientOf } from '../accounts/account.ts';
import type { Person } from '../accounts/people/people-store.ts';
import { Problem } from '../problem.ts';
import type { WriteContext } from '../world.ts';

/** A patient who acts for oneself. */
export interface Self extends Person {
  /** FHIR id of the own record. */
  patient: string;
}

/**
 * The account of the patient who asks, locked: what is decided is decided by somebody who may sign in at this moment, about the
 * record that is the account's at this moment.
 *
 * @throws Problem `not-found` if the account is not there any more; `forbidden` for somebody who is no patient.
 */
export async function lockSelf({ stores, principal }: WriteContext): Promise<Self> {
  const person = await stores.people.lock(principal.subject);
  if (!person || person.disabled) throw new Problem('not-found', 'Your account is not there any more.');
  const patient = patientOf(person);
  if (patient === undefined) throw new Problem('forbidden', 'This is for patients, about the own record.');
  return { ...person, patient };
}

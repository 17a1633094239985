import type { Patient, Practitioner } from '@medplum/fhirtypes';
import { newId } from '../../identifier.ts';
import type { Role } from '../../principal.ts';
import { Problem } from '../../problem.ts';
import { create } from '../../records/server-write.ts';
import type { WriteContext } from '../../world.ts';
import { plainAddress } from '../account.ts';
import { auditAccount } from './account-audit.ts';
import type { Account } from '../account-store.ts';
import { makeLink } from '../one-time-link.ts';
import { cleanName, humanName, writtenName, type PersonName } from './person-name.ts';

/** Somebody who shall have an account. */
export interface NewPerson {
  email: string;
  role: Role;
  name: PersonName;
  /** As it stands under a signature: `MD, Radiology`. Of staff. */
  qualification?: string;
  /** Licence or staff number. Of staff. */
  identifier?: { system?: string; value: string };
  /** BCP 47. */
  language?: string;
  /** FHIR id of the patient whom the account is for; without one the patient gets an empty record. */
  patientId?: string;
}

/**
 * Makes a person's record, the account that goes with it and the link with which the person takes it over, all in the
 * caller's transaction. Nobody can sign in to the account before the link was used: it has no password.
 *
 * @returns the account, the word that the link `/account/link/:word` ends with, and the seconds that it works.
 * @throws Problem `value`, `required` for an address or name that is not accepted, `duplicate` if the address has an
 * account, `business-rule` if the role does not fit, `not-found` for a patient that is not there or was merged away.
 */
export async function invitePerson(
  context: WriteContext,
  person: NewPerson,
  purpose: 'invitation' | 'first-admin',
): Promise<{ account: Account; word: string; seconds: number }> {
  const email = plainAddress(person.email);
  const name = cleanName(person.name);
  if (purpose === 'first-admin' && person.role !== 'admin')
    throw new Problem('business-rule', 'The first account of a site is an administrator.', { expression: 'role' });
  if (await context.stores.accounts.byEmail(email))
    throw new Problem('duplicate', 'This address has an account already.', { expression: 'email' });
  const fhirUser = person.role === 'patient' ? await patientFor(context, person, name) : await practitionerFor(context, person, name, email); // prettier-ignore
  const account: Account = {
    id: newId(),
    email,
    passwordHash: null,
    role: person.role,
    displayName: writtenName(name),
    fhirUser,
    disabled: false,
    ...(person.language !== undefined && { language: person.language }),
  };
  await context.stores.accounts.insert(account);
  const link = await makeLink(context.stores, { purpose, accountId: account.id, data: {} });
  if (account.role === 'patient' && person.patientId === undefined)
    await context.stores.people.change(account.id, { tied: false });
  await auditAccount(context, 'account:invite', account, { action: 'C' });
  return { account, ...link };
}

async function practitionerFor(
  context: WriteContext,
  person: NewPerson,
  name: PersonName,
  email: string,
): Promise<string> {
  if (person.patientId !== undefined)
    throw new Problem('business-rule', 'Only an account of the role patient is for a patient.', {
      expression: 'patient',
    });
  const practitioner: Practitioner & { id: string } = {
    resourceType: 'Practitioner',
    id: newId(),
    active: true,
    name: [humanName(name)],
    telecom: [{ system: 'email', use: 'work', value: email }],
    ...(person.qualification && { qualification: [{ code: { text: person.qualification } }] }),
    ...(person.identifier && { identifier: [person.identifier] }),
  };
  const { id } = await create(context, practitioner);
  return `Practitioner/${id}`;
}

async function patientFor(context: WriteContext, person: NewPerson, name: PersonName): Promise<string> {
  if (person.qualification !== undefined || person.identifier !== undefined)
    throw new Problem('business-rule', 'Qualification and staff number are of staff; a patient has none.', {
      expression: person.qualification === undefined ? 'identifier' : 'qualification',
    });
  if (person.patientId !== undefined) return `Patient/${await standingPatient(context, person.patientId)}`;
  return `Patient/${await emptyPatient(context, { name })}`;
}

/** Locked, so that it is not merged away meanwhile. */
async function standingPatient({ stores }: WriteContext, id: string): Promise<string> {
  const patient = (await stores.records.lock('Patient', id))?.resource as Patient | undefined;
  if (!patient) throw new Problem('not-found', `Patient/${id} does not exist.`, { expression: 'patient' });
  if (patient.active === false)
    throw new Problem('business-rule', `Patient/${id} is not in use any more: name the record that stands for it.`, {
      expression: 'patient',
    });
  return id;
}

/** A record of one's own that says nothing but what the person said: it is nobody's whom the clinic knows. */
export async function emptyPatient(
  context: WriteContext,
  { name, birthDate }: { name: PersonName; birthDate?: string },
): Promise<string> {
  const patient: Patient & { id: string } = {
    resourceType: 'Patient',
    id: newId(),
    active: true,
    name: [humanName(name)],
    ...(birthDate !== undefined && { birthDate }),
  };
  return (await create(context, patient)).id;
}

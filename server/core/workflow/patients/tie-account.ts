import type { Patient } from '@medplum/fhirtypes';
import { mustMayGiveOut } from '../../access/restricted.ts';
import { auditAccount } from '../../accounts/people/account-audit.ts';
import { tiedLetter } from '../../accounts/people/account-letters.ts';
import type { Person } from '../../accounts/people/people-store.ts';
import { postMail } from '../../deliveries/post-mail.ts';
import { Problem } from '../../problem.ts';
import { idIn } from '../../r4/pointer.ts';
import { asServer, type Kept, put } from '../../records/server-write.ts';
import { mergedInto } from '../../studies/study-owner.ts';
import type { WriteContext } from '../../world.ts';
import { mergePatients, recordsAbout } from './merge-patients.ts';

/**
 * Makes a patient who has registered the patient whom the clinic knows: the account moves there. What the person sent
 * to the empty record comes along by a merge; a record that stayed empty is retired.
 *
 * Who confirms that the two are one person is the caller's to check: a code of the clinic or a member of staff, never a
 * name and a date of birth alone.
 *
 * @throws Problem `conflict` for an account that is tied already or disabled, `not-found` or `business-rule` for a record
 * that is not there, not in use, or the account's own; `not-found`, `forbidden` for a restricted one that is not for who confirms.
 */
export async function tieAccount(context: WriteContext, accountId: string, wanted: string): Promise<Person> {
  const { stores, world, principal } = context;
  const person = await stores.people.lock(accountId);
  const own = person?.role === 'patient' ? idIn({ reference: person.fhirUser }, 'Patient') : undefined;
  if (!person || own === undefined) throw new Problem('not-found', 'There is no such registration.');
  if (person.disabled)
    throw new Problem('conflict', 'The account is disabled: an administrator has to enable it first.');
  if (person.tied)
    throw new Problem(
      'conflict',
      'This account is tied to a record already. If it is the wrong one, tell an administrator.',
    );
  const target = await recordToTie(context, own, wanted);
  await giveOver(context, own, target);
  await stores.accounts.moveTo(`Patient/${own}`, `Patient/${target}`, [accountId]);
  await stores.people.change(accountId, { tied: true });
  // What was granted was granted for the other record; who is signed in stays so.
  await stores.sessions.endAuthorizations(accountId);
  await stores.people.noteAct(accountId, { act: 'tie', by: principal.subject });
  const moved = { ...person, tied: true, fhirUser: `Patient/${target}` };
  await auditAccount(context, 'account:tie', moved, { patients: [own, target] });
  await postMail(stores, world.secrets, { to: person.email, accountId, ...tiedLetter(world.settings) });
  return moved;
}

/** Both records are locked in one order; one that was merged away stands for its survivor. */
async function recordToTie({ stores, principal }: WriteContext, own: string, wanted: string): Promise<string> {
  let id = wanted;
  for (let hop = 0; hop < 10; hop++) {
    for (const one of [own, id].sort()) await stores.records.lock('Patient', one);
    const patient = (await stores.records.lock('Patient', id))?.resource as Patient | undefined;
    await mustMayGiveOut(stores, principal, id);
    if (!patient) throw new Problem('not-found', `Patient/${id} does not exist.`, { expression: 'patient' });
    if (id === own) throw new Problem('business-rule', 'This is the empty record of the registration itself.', { expression: 'patient' }); // prettier-ignore
    const survivor = mergedInto(patient);
    if (survivor === undefined) {
      if (patient.active !== false) return id;
      throw new Problem('business-rule', 'This record is not in use any more: choose another.', {
        expression: 'patient',
      });
    }
    id = survivor;
  }
  throw new Problem('business-rule', 'This record was merged too often to be followed.', { expression: 'patient' });
}

async function giveOver(context: WriteContext, own: string, target: string): Promise<void> {
  const { stores } = context;
  const records = await recordsAbout(context, own);
  const hasContent = records.some(({ resourceType, id }) => resourceType !== 'Patient' || id !== own);
  const studies = await stores.studies.studiesOf(own);
  if (hasContent || studies.length > 0) {
    await mergePatients(asServer(context), { source: own, target });
    return;
  }
  const standing = (await stores.records.lock('Patient', own))?.resource as Kept<'Patient'> | undefined;
  if (standing) await put(context, { ...standing, active: false } as Kept<'Patient'>);
}

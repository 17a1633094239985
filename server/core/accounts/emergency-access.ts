import type { Patient } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { isRestricted } from '../access/restricted.ts';
import type { Restrictions } from '../access/restricted-store.ts';
import { postMail } from '../deliveries/post-mail.ts';
import type { Principal } from '../principal.ts';
import { Problem } from '../problem.ts';
import { searchOwn } from '../records/own-search.ts';
import { escapedValue } from '../search/search-values.ts';
import { traceOf, type Trace } from '../trace.ts';
import type { ReadsFrom, World } from '../world.ts';

/** Seconds that a record stays open. */
const openSeconds = 3600;
const mostFound = 10;

export interface HiddenRecord {
  patient: string;
  restricted: true;
  /** Enough to see that it is the right person, for who knows whom they look for. */
  initials: string;
  /** It is open for this person now. */
  open: boolean;
}

/**
 * Restricted records that are kept from this person, by a number that must be known whole (of the patient, typed or read from a
 * wristband): names are not searched, so that nobody looks around.
 *
 * @throws Problem `forbidden` for who sees everything, or nothing, anyhow.
 */
export async function findHidden(
  world: ReadsFrom<'records' | 'restricted'>,
  principal: Principal,
  identifier: string,
): Promise<HiddenRecord[]> {
  mustBeDoctor(principal);
  const condition = { parameter: 'identifier', values: [escapedValue(identifier.trim())] };
  return world.read(async (stores) => {
    const [{ found }, kept] = await Promise.all([
      searchOwn(stores, 'Patient', [condition], { count: mostFound }),
      stores.restricted.restrictionsOf(principal.subject),
    ]);
    return found.filter(({ id }) => isKept(kept, id)).map((patient) => ({
      patient: patient.id,
      restricted: true as const,
      initials: initialsOf(patient),
      open: kept.emergency.includes(patient.id),
    })); // prettier-ignore
  });
}

/**
 * Opens a restricted record for an hour ("break the glass", HIPAA 164.312(a)(2)(ii)): the reason is kept, every access in that
 * time is marked in the audit trail (purpose BTG), and all administrators are told.
 *
 * @returns until when.
 * @throws Problem `forbidden` for other roles; `not-found` for a record that is not kept from this person.
 */
export async function openInEmergency(
  world: World,
  principal: Principal,
  { patient: patientId, reason }: { patient: string; reason: string },
  trace: Trace,
): Promise<Date> {
  mustBeDoctor(principal);
  return world.transaction(async (stores) => {
    const kept = await stores.restricted.restrictionsOf(principal.subject);
    const record = await stores.records.read('Patient', patientId, everything);
    if (!record?.resource || !isRestricted(record.resource as Patient) || !isKept(kept, patientId))
      throw new Problem('not-found', 'There is no restricted record of this id that is kept from you.');
    const access = { accountId: principal.subject, patientId, reason, seconds: openSeconds };
    const until = await stores.restricted.open(access);
    await stores.audit.append({
      action: 'E',
      event: 'access:emergency',
      outcome: 'success',
      principal,
      patients: [patientId],
      entities: [`Patient/${patientId}`],
      purpose: 'BTG',
      ...traceOf(trace),
    });
    for (const { id, email } of await stores.accounts.activeWithRole('admin'))
      await postMail(stores, world.secrets, { kind: 'alert', to: email, accountId: id, ...alert(world) });
    return until;
  });
}

/** Names nobody: the mail lies in mailboxes that are not the hospital's. */
function alert({ settings: { organizationName, publicUrl } }: Pick<World, 'settings'>): { subject: string; text: string } {
  return {
    subject: `Emergency access to a restricted record at ${organizationName}`,
    text: [
      'Hello,',
      'a doctor has opened a restricted record in an emergency. The reason and everything that was looked at are kept.',
      `Please look at it after signing in: ${publicUrl}/audit`,
    ].join('\n\n'),
  };
} // prettier-ignore

function mustBeDoctor({ role }: Principal): void {
  if (role !== 'doctor') throw new Problem('forbidden', 'Emergency access is for doctors.');
}

function isKept({ hidden, emergency }: Restrictions, id: string): boolean {
  return hidden.includes(id) || emergency.includes(id);
}

function initialsOf({ name }: Patient): string {
  const [first] = name ?? [];
  const words = [...(first?.given ?? []), first?.family ?? ''].filter((word) => word !== '');
  const all = words.length > 0 ? words : (first?.text ?? '').split(/\s+/);
  return all.map((word) => `${[...word][0] ?? ''}.`).join(' ');
}

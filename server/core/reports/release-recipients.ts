/** To whom a report goes when it is approved, and how: told before somebody approves it. */
import type { Organization, Patient, Practitioner, Task } from '@medplum/fhirtypes';
import { isPlainAddress } from '../deliveries/mail-address.ts';
import type { Principal } from '../principal.ts';
import { nameOf } from '../r4/human-name.ts';
import { idIn, type Pointer } from '../r4/pointer.ts';
import { amendmentOf } from '../workflow/amendment.ts';
import { otherRecipients } from '../workflow/release-amendment.ts';
import { input, outputOf, stepTask } from '../workflow/review-tasks.ts';
import type { Reading, World } from '../world.ts';
import { found, needed } from './look-up.ts';
import { waitingForRelease } from './preview-report.ts';
import { isWanted, reportAddress } from './report-mail.ts';

export const mailWays = ['confirmed', 'unconfirmed', 'asked-first', 'not-wanted', 'no-address', 'bad-address'] as const;
/**
 * What happens by mail: it goes to a confirmed address, or to one that nobody confirmed; the address is asked for a
 * confirmation first; nothing is sent, for that reason.
 */
export type MailWay = (typeof mailWays)[number];

export interface ReleaseRecipient {
  who: 'patient' | 'other';
  name?: string;
  address?: string;
  mail: MailWay;
  /** `report`: the PDF; `notice`: that there is a new version, and where to read it. */
  what: 'report' | 'notice';
}

export interface ReleasePlan {
  recipients: ReleaseRecipient[];
  /** An amendment of a released report. */
  newVersion: boolean;
  /** Whether this process can print a preview. */
  preview: boolean;
  /** FHIR id, for the audit trail. */
  patient: string | undefined;
}

type Stores = Pick<Reading, 'records' | 'people' | 'addresses'>;

/**
 * By the same look-ups as the delivery itself, at this moment: addresses may change until the mail leaves.
 *
 * @throws Problem as `waitingForRelease`.
 */
export async function releasePlan(world: World, principal: Principal, review: string): Promise<ReleasePlan> {
  return world.read(async (stores) => {
    const { coordination, approval } = await waitingForRelease(stores, principal, review);
    const amendment = amendmentOf(approval);
    const report = await needed(stores, 'DiagnosticReport', outputOf(coordination, 'report'));
    const others = amendment ? await otherRecipients(stores, coordination, report) : [];
    const owed = (recipient?: Pointer): Task =>
      stepTask(coordination, {
        code: 'report-delivery',
        at: world.now(),
        input: [
          ...(amendment ? [input('amended-by', amendment)] : []),
          ...(recipient ? [input('recipient', recipient)] : []),
        ],
      });
    const patient = { reference: coordination.for?.reference ?? '' };
    const recipients = [await recipientOf(world, stores, owed(), patient, 'patient')];
    for (const other of others) recipients.push(await recipientOf(world, stores, owed(other), other, 'other'));
    return {
      recipients,
      newVersion: amendment !== undefined,
      preview: world.pdf.elsewhere !== true,
      patient: idIn(patient, 'Patient'),
    };
  });
}

async function recipientOf(
  { settings }: Pick<World, 'settings'>,
  stores: Stores,
  step: Task,
  person: Pointer,
  who: ReleaseRecipient['who'],
): Promise<ReleaseRecipient> {
  const what = who === 'patient' ? 'report' : 'notice';
  const name = await nameBehind(stores, person);
  const about = { who, what, ...(name !== undefined && { name }) } as const;
  if (!(await isWanted(stores, step))) return { ...about, mail: 'not-wanted' };
  const address = await reportAddress(stores, step);
  if (address === undefined || address === '') return { ...about, mail: 'no-address' };
  if (!isPlainAddress(address)) return { ...about, address, mail: 'bad-address' };
  if (await stores.addresses.isConfirmed(address, person.reference)) return { ...about, address, mail: 'confirmed' };
  const isAsked = who === 'patient' && settings.reportMail !== 'always';
  return { ...about, address, mail: isAsked ? 'asked-first' : 'unconfirmed' };
}

async function nameBehind(stores: Stores, person: Pointer): Promise<string | undefined> {
  const patient = await found(stores, 'Patient', person);
  if (patient) return nameOf((patient as Patient).name);
  const practitioner = await found(stores, 'Practitioner', person);
  if (practitioner) return nameOf((practitioner as Practitioner).name);
  return ((await found(stores, 'Organization', person)) as Organization | undefined)?.name;
}

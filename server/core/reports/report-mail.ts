import type { Communication, DiagnosticReport, Task } from '@medplum/fhirtypes';
import type { OutgoingMail } from '../deliveries/mailer.ts';
import { oweDelivery } from '../deliveries/owe-delivery.ts';
import type { Reading, Stores, Surroundings, WriteContext } from '../world.ts';
import { dataConcept, reasonConcept, type ReviewReason } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import { derivedId } from '../derived-id.ts';
import type { Settings } from '../settings.ts';
import { amendmentOf } from '../workflow/amendment.ts';
import { withholding } from '../vocabulary/security-labels.ts';
import { endDelivery } from '../workflow/release.ts';
import { oweWithdrawal } from '../workflow/withdrawal.ts';
import { lockedStep } from '../workflow/review.ts';
import { inputOf, outputOf } from '../workflow/review-tasks.ts';
import { mustMatch } from '../records/attachment-check.ts';
import { idIn, type Pointer, referenceTo } from '../r4/pointer.ts';
import { create, type Kept, locked } from '../records/server-write.ts';
import { found, needed } from './look-up.ts';
import { isPlainAddress } from '../deliveries/mail-address.ts';
import { numberOf } from './report-number.ts';
import { contactOf } from './person.ts';

export type Message =
  /** `patient`: whose health data it brings. */
  | { kind: 'mail'; mail: OutgoingMail; patient?: string }
  /** There is nowhere to send it to. */
  | { kind: 'none'; reason: ReviewReason };

/**
 * The mail that brings a released report to its patient, or tells others of a new version. Subject and text carry no health data and no name:
 * both travel and are stored in clear. The message id follows from the delivery step, so that a second try
 * after a crash is recognised as the same message.
 *
 * @param chosen the address that an administrator chose for it, if that is so.
 * @throws Problem `conflict` if the document is not there; `exception` if the stored PDF is not the one that was released.
 */
export async function reportMessage(
  { settings }: Pick<Surroundings, 'settings'>,
  stores: Pick<Reading, 'records' | 'people' | 'addresses'>,
  delivery: Kept<'Task'>,
  chosen?: string,
): Promise<Message> {
  if (!(await isWanted(stores, delivery))) return { kind: 'none', reason: 'not-wanted' };
  const to = chosen ?? (await reportAddress(stores, delivery));
  if (to === undefined || to === '') return { kind: 'none', reason: 'no-address' };
  if (!isPlainAddress(to)) return { kind: 'none', reason: 'bad-address' };
  const document = await needed(stores, 'DocumentReference', outputOf(delivery, 'document'));
  const number = document.identifier?.[0]?.value ?? document.masterIdentifier?.value ?? '';
  const envelope = { messageId: messageIdOf(delivery, settings.publicUrl), to };
  const isNew = amendmentOf(delivery) !== undefined;
  if (inputOf(delivery, 'recipient')) return { kind: 'mail', mail: { ...envelope, ...notice(settings, number) } };
  const { attachment } = document.content[0]!;
  const binary = await needed(stores, 'Binary', { reference: attachment.url ?? '' });
  mustMatch(attachment, binary);
  const bytes = Buffer.from(binary.data ?? '', 'base64');
  return {
    kind: 'mail',
    patient: delivery.for?.reference ?? '',
    mail: {
      ...envelope,
      ...(isNew ? anew(settings, number) : first(settings, number)),
      attachments: [
        { name: `${document.masterIdentifier?.value ?? number}.pdf`, contentType: 'application/pdf', bytes },
      ],
    },
  };
}

type Words = Pick<OutgoingMail, 'subject' | 'text'>;

const closing = 'Please do not answer this message. If you have questions about your report, ask your doctor.';

function first({ organizationName, publicUrl }: Settings, number: string): Words {
  return {
    subject: `Your report ${number} is ready`,
    text: [
      'Hello,',
      `your diagnostic report ${number} from ${organizationName} has been released. It is attached as a PDF file.`,
      `You can also read it after signing in at ${publicUrl}.`,
      closing,
    ].join('\n\n'),
  };
}

function anew({ organizationName, publicUrl }: Settings, number: string): Words {
  return {
    subject: `Your report ${number} has a new version`,
    text: [
      'Hello,',
      `your diagnostic report ${number} from ${organizationName} has a new version, which is attached as a PDF file. It takes the place of the one that you have: please do not use that any more.`,
      `You can also read the new version after signing in at ${publicUrl}.`,
      closing,
    ].join('\n\n'),
  };
}

/** For others than the patient: that there is a new version, and where it is; the report itself they read there. */
function notice({ organizationName, publicUrl }: Settings, number: string): Words & Pick<OutgoingMail, 'attachments'> {
  return {
    subject: `Report ${number} has a new version`,
    text: [
      'Hello,',
      `the diagnostic report ${number} from ${organizationName}, of which you were told before, has a new version. Please do not use the earlier one any more.`,
      `You can read the new version after signing in at ${publicUrl}.`,
      'Please do not answer this message.',
    ].join('\n\n'),
    attachments: [],
  };
}

/**
 * A patient may want no mail about a report that is ready, and finds it in the portal. A new version is told of all the
 * same: the patient may hold the one that it replaces.
 */
export async function isWanted({ people }: Pick<Reading, 'people'>, delivery: Task): Promise<boolean> {
  if (inputOf(delivery, 'recipient') || amendmentOf(delivery) !== undefined) return true;
  const patient = idIn(delivery.for, 'Patient');
  return patient === undefined || people.wantsReportMail(patient);
}

/** Types of recipients that have addresses of their own. */
const addressed = ['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Organization'] as const;

/** Where the mail of a delivery step goes by the record of its recipient, as it is now. */
export async function reportAddress(
  stores: Pick<Reading, 'records' | 'addresses'>,
  delivery: Task,
): Promise<string | undefined> {
  const recipient = recipientOf(delivery);
  const type = addressed.find((known) => recipient.reference.startsWith(`${known}/`));
  const person = type && (await needed(stores, type, recipient));
  const told = contactOf(person?.telecom, 'email')?.trim();
  if ((told !== undefined && told !== '') || type !== 'Patient') return told;
  // Images bring no address, and an account has one that was confirmed.
  return stores.addresses.ofAccount(recipient.reference);
}

function recipientOf(delivery: Task): Pointer {
  return inputOf(delivery, 'recipient') ?? { reference: delivery.for?.reference ?? '' };
}

/** The mail of a delivery step is owed, in the transaction that begins the step. */
export async function oweReportMail(
  stores: Pick<Stores, 'records' | 'deliveries' | 'jobs' | 'addresses'>,
  step: Kept<'Task'>,
  chosen?: string,
): Promise<string> {
  return oweDelivery(stores, {
    kind: 'report',
    subjectOf: `Task/${step.id}`,
    recipient: chosen ?? (await reportAddress(stores, step)) ?? '',
    ...(chosen !== undefined && { fixed: true }),
  });
}

/** RFC 5322 3.6.4: unique for ever, the same for every try. */
export function messageIdOf(delivery: Task, publicUrl: string): string {
  return `<report.${delivery.id}@${new URL(publicUrl).hostname.replace(/[^A-Za-z0-9.-]/g, '')}>`;
}

/** The delivery step as the worker finds it: undefined if it is done, or its Communication exists. */
export async function openDelivery(
  stores: Pick<Reading, 'records'>,
  taskId: string,
): Promise<Kept<'Task'> | undefined> {
  const delivery = await found(stores, 'Task', { reference: `Task/${taskId}` });
  return delivery?.status === 'in-progress' ? delivery : undefined;
}

/**
 * Writes down how the delivery ended: a Communication without any text of the report, and the end of the step.
 * Nothing happens if it is written down already.
 */
export async function recordDelivery(
  context: WriteContext,
  taskId: string,
  end: { sent: true } | { sent: false; reason: ReviewReason },
): Promise<void> {
  const delivery = await lockedStep(context, taskId);
  if (delivery.status === 'cancelled' && end.sent && !isCalledOff(delivery)) return sentTooLate(context, delivery);
  if (delivery.status !== 'in-progress') return;
  const coordination = await locked(context, 'Task', delivery.partOf?.[0]);
  const report = await needed(context.stores, 'DiagnosticReport', outputOf(coordination, 'report'));
  const message = await create(context, communication(context, delivery, report, end));
  const reason = end.sent ? undefined : end.reason;
  await endDelivery(context, delivery, {
    status: reason === undefined ? 'completed' : (endedAs[reason] ?? 'failed'),
    ...(reason && { reason }),
    message: referenceTo(message),
  });
}

/** Without an address there is nothing left to be done: the report waits in the portal. */
const endedAs: Partial<Record<ReviewReason, 'completed' | 'cancelled'>> = {
  'no-address': 'completed',
  'not-wanted': 'completed',
  'delivery-cancelled': 'cancelled',
};

/** An administrator called the mail off, and it went out all the same: the report is valid, nobody has to be warned of it. */
function isCalledOff({ statusReason }: Task): boolean {
  return statusReason?.coding?.some(({ code }) => code === 'delivery-cancelled') === true;
}

/** The review was retracted while its report was on the way: that it went out stands, and whoever has it is told. */
async function sentTooLate(context: WriteContext, delivery: Kept<'Task'>): Promise<void> {
  const id = derivedId('report-message', delivery.id);
  if (await found(context.stores, 'Communication', { reference: `Communication/${id}` })) return;
  const coordination = await locked(context, 'Task', delivery.partOf?.[0]);
  const report = await needed(context.stores, 'DiagnosticReport', outputOf(coordination, 'report'));
  const message = communication(context, delivery, report, { sent: true });
  await create(context, { ...message, meta: withholding(message.meta) });
  await oweWithdrawal(context, delivery);
}

function communication(
  context: WriteContext,
  delivery: Kept<'Task'>,
  report: DiagnosticReport,
  end: { sent: true } | { sent: false; reason: ReviewReason },
): Communication & { id: string } {
  const at = context.world.now().toISOString();
  const patient = { reference: delivery.for?.reference ?? '' };
  const document = outputOf(delivery, 'document');
  const study = inputOf(delivery, 'study');
  return {
    resourceType: 'Communication',
    id: derivedId('report-message', delivery.id),
    identifier: [{ system: systems.messageId, value: messageIdOf(delivery, context.world.settings.publicUrl) }],
    partOf: [referenceTo(delivery)],
    status: end.sent ? 'completed' : 'not-done',
    ...(!end.sent && { statusReason: reasonConcept(end.reason) }),
    category: [dataConcept('message')],
    medium: [{ coding: [{ system: systems.participationMode, code: 'EMAILWRIT', display: 'email' }] }],
    subject: patient,
    about: [referenceTo(report), ...(study ? [study] : [])],
    recipient: [recipientOf(delivery)] as NonNullable<Communication['recipient']>,
    ...(end.sent && { sent: at }),
    note: [{ text: numberOf(report) ?? '', time: at }],
    ...(document && { payload: [{ contentReference: document }] }),
  };
}

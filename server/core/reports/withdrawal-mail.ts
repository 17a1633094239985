import type { Communication } from '@medplum/fhirtypes';
import type { Kept } from '../records/server-write.ts';
import type { Reading, Surroundings } from '../world.ts';
import { found, needed } from './look-up.ts';
import { isPlainAddress } from '../deliveries/mail-address.ts';
import { contactOf } from './person.ts';
import type { Message } from './report-mail.ts';

/** The message that is owed, as the worker finds it: undefined if it has ended. */
export async function openWithdrawal(
  stores: Pick<Reading, 'records'>,
  id: string,
): Promise<Kept<'Communication'> | undefined> {
  const message = await found(stores, 'Communication', { reference: `Communication/${id}` });
  return message?.status === 'preparation' ? message : undefined;
}

/**
 * The mail to whoever was sent a report that is not valid any more. It says which by its number, nothing of what was in
 * it, and not why: it may have been about somebody else.
 *
 * @param known where the report went; without it the patient's address as it is now.
 * @throws Problem `conflict` if the patient is not there.
 */
export async function withdrawalMail(
  { settings }: Pick<Surroundings, 'settings'>,
  stores: Pick<Reading, 'records'>,
  message: Kept<'Communication'>,
  known?: string,
): Promise<Message> {
  const patient = await needed(stores, 'Patient', message.subject);
  const to = known ?? contactOf(patient.telecom, 'email')?.trim();
  if (to === undefined || to === '') return { kind: 'none', reason: 'no-address' };
  if (!isPlainAddress(to)) return { kind: 'none', reason: 'bad-address' };
  const number = (message satisfies Communication).note?.[0]?.text ?? '';
  const { organizationName, publicUrl } = settings;
  return {
    kind: 'mail',
    patient: message.subject?.reference ?? '',
    mail: {
      messageId: message.identifier?.[0]?.value ?? '',
      to,
      subject: `The report ${number} was withdrawn`,
      text: [
        'Hello,',
        `the report ${number}, which ${organizationName} sent you, was withdrawn. It is not valid any more.`,
        'Please delete the PDF file, and do not act on what it says. If you have done so already, ask your doctor.',
        `You can sign in at ${publicUrl}; the report is not shown there any more.`,
        'Please do not answer this message.',
      ].join('\n\n'),
      attachments: [],
    },
  };
}

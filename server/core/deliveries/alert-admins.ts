import type { WriteContext } from '../world.ts';
import type { Delivery } from './delivery-store.ts';
import { isPlainAddress } from './mail-address.ts';
import { postMail } from './post-mail.ts';

type Alerting = Pick<WriteContext, 'stores' | 'world'>;

/** Owes every administrator a mail; it names no patient. While the relay is away it waits like all others. */
export async function alertAdmins(
  { stores, world }: Alerting,
  alert: { subject: string; text: string },
): Promise<void> {
  for (const { email, id } of await stores.accounts.activeWithRole('admin')) {
    if (!isPlainAddress(email)) continue;
    await postMail(stores, world.secrets, { kind: 'alert', to: email, accountId: id, ...alert });
  }
}

/** The relay has taken nothing for a while. The mail arrives when that is over; until then the page of deliveries says it. */
export async function alertOfRelay(context: Alerting, answer: string): Promise<void> {
  const { world, stores } = context;
  const { since = world.now() } = await stores.relay.state();
  const waiting = await stores.deliveries.waiting();
  await alertAdmins(context, {
    subject: 'The mail relay does not take our messages',
    text: [
      'Hello,',
      `since ${since.toISOString().slice(0, 16)}Z the mail relay of ${world.settings.organizationName} has not taken the messages of this server. Its last answer was: ${answer}.`,
      `${waiting} messages waited when this was written. They are tried again by themselves; none of them is lost.`,
      'When you read this as a mail, the relay works again.',
      `All messages and their state: ${world.settings.publicUrl}/deliveries`,
    ].join('\n\n'),
  });
}

/** One message has trouble, or came to nothing. */
export async function alertOfDelivery(
  context: Alerting,
  { id, kind }: Pick<Delivery, 'id' | 'kind'>,
  trouble: { answer: string; over: boolean },
): Promise<void> {
  const { publicUrl } = context.world.settings;
  await alertAdmins(context, {
    subject: trouble.over ? 'A message could not be delivered' : 'A message is not taken',
    text: [
      'Hello,',
      trouble.over
        ? `a message of the kind ${kind} was given up. The last answer was: ${trouble.answer}.`
        : `a message of the kind ${kind} is not taken by its recipient's mailbox (${trouble.answer}). It is tried again for some days by itself.`,
      trouble.over ? 'Somebody has to reach its recipient in another way, or by another address.' : '',
      `You find it at ${publicUrl}/deliveries?id=${id}`,
    ].filter((line) => line !== '').join('\n\n'),
  }); // prettier-ignore
}

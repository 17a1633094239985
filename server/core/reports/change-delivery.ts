/** What an administrator does with a message that waits or came to nothing. */
import type { Delivery } from '../deliveries/delivery-store.ts';
import { isPlainAddress } from '../deliveries/mail-address.ts';
import { jobOf } from '../deliveries/owe-delivery.ts';
import { Problem } from '../problem.ts';
import { endWithdrawal, reopenWithdrawal } from '../workflow/withdrawal.ts';
import { reopenDelivery } from '../workflow/reopen-delivery.ts';
import type { WriteContext } from '../world.ts';
import { oweReportMail, recordDelivery } from './report-mail.ts';

/**
 * Sends it again: at once if it waits; a report or withdrawal that came to nothing is owed anew.
 *
 * @returns the id of the delivery that is owed now: a report's is a new one, of a new step.
 * @throws Problem `not-found`; `conflict` if it was sent, is in a worker's hands, or its words are not kept.
 */
export function sendAgain(context: WriteContext, id: string): Promise<string> {
  return again(context, id, undefined);
}

/**
 * Sends a report or a withdrawal to another address, under the same rules: where addresses are confirmed before a
 * report goes there, this one is, too.
 *
 * @throws Problem as `sendAgain`; `value` if the address is no plain one; `business-rule` for a message about an account.
 */
export function sendElsewhere(context: WriteContext, id: string, email: string): Promise<string> {
  const address = email.trim();
  if (!isPlainAddress(address)) throw new Problem('value', 'This is not an e-mail address.', { expression: 'email' });
  return again(context, id, address);
}

/** @throws Problem `not-found`; `conflict` if it does not wait, or is in a worker's hands. */
export async function cancelDelivery(context: WriteContext, id: string): Promise<void> {
  const { deliveries } = context.stores;
  const delivery = await known(context, id);
  mustWait(delivery);
  const subject = subjectIdOf(delivery);
  const end = { sent: false, reason: 'delivery-cancelled' } as const;
  if (delivery.kind === 'report') await recordDelivery(context, subject, end);
  if (delivery.kind === 'withdrawal') await endWithdrawal(context, subject, end);
  mustWait((await deliveries.lock(id))!);
  await deliveries.tried(id, { state: 'cancelled', untried: true });
}

async function again(context: WriteContext, id: string, address: string | undefined): Promise<string> {
  const { deliveries, jobs } = context.stores;
  const delivery = await known(context, id);
  if (address !== undefined && delivery.kind !== 'report' && delivery.kind !== 'withdrawal')
    throw new Problem(
      'business-rule',
      'Only reports and withdrawals go to another address: what is about an account goes to the address of that account. Change that, or invite the person again.',
    );
  if (delivery.state === 'sent')
    throw new Problem('conflict', 'The relay took this message: it is not sent a second time.');
  const recipient = address === undefined ? {} : { recipient: address };
  if (delivery.state === 'waiting') {
    if ((await deliveries.lock(id))?.inHand) throw inHand();
    await deliveries.oweAgain(id, recipient);
    await jobs.enqueue(jobOf(delivery, { now: true }));
    return id;
  }
  if (delivery.kind === 'report') {
    const step = await reopenDelivery(context, subjectIdOf(delivery));
    return oweReportMail(context.stores, step, address ?? (delivery.fixed ? delivery.recipient : undefined));
  }
  if (delivery.kind !== 'withdrawal')
    throw new Problem('conflict', 'The words of this message are not kept. Do again what it told of: invite, or send a new link.');
  await reopenWithdrawal(context, subjectIdOf(delivery));
  await deliveries.oweAgain(id, recipient);
  await jobs.enqueue(jobOf(delivery, { now: true }));
  return id;
} // prettier-ignore

async function known({ stores }: WriteContext, id: string): Promise<Delivery> {
  const delivery = await stores.deliveries.byId(id);
  if (!delivery) throw new Problem('not-found', 'There is no such delivery.');
  return delivery;
}

function mustWait(delivery: Delivery): void {
  if (delivery.state !== 'waiting') throw new Problem('conflict', `The message is ${delivery.state}: nothing waits.`);
  if (delivery.inHand) throw inHand();
}

function inHand(): Problem {
  return new Problem('conflict', 'The message is being handed to the relay at this moment. Look again in a minute.');
}

function subjectIdOf({ subjectOf = '' }: Delivery): string {
  return subjectOf.split('/')[1] ?? '';
}

import { deliveryOf } from '../core/deliveries/owe-delivery.ts';
import { openLetter } from '../core/deliveries/post-mail.ts';
import type { Delivery } from '../core/deliveries/delivery-store.ts';
import type { TakenJob } from '../core/jobs.ts';
import { recordDelivery } from '../core/reports/report-mail.ts';
import type { World, WriteContext } from '../core/world.ts';
import { handOver, type Errand, type Made, type MailEnd } from './hand-over.ts';

/**
 * Hands a mail that brings no health data to the relay, once (`handOver`). One that is worth nothing any more is not sent.
 *
 * @param job data.delivery: its id.
 * @throws Problem `exception` when it cannot be opened.
 */
export function sendMail(world: World, job: TakenJob): Promise<void> {
  return handOver(world, String(job.data['delivery']), letters(world), job.data['now'] === true);
}

function letters(world: World): Errand {
  return { message: async (delivery) => letter(world, delivery), ended: endNotice };
}

function letter(world: World, delivery: Delivery): Made {
  const { subject, text, usefulSeconds: useful } = openLetter(world.secrets, delivery);
  const age = (world.now().getTime() - delivery.createdAt.getTime()) / 1000;
  if (useful !== undefined && age > useful) return { kind: 'none', reason: 'too-late' };
  const messageId = `<${delivery.id}@${new URL(world.settings.publicUrl).hostname}>`;
  return { kind: 'mail', useful, mail: { messageId, to: delivery.recipient, subject, text, attachments: [] } };
}

/** An address that cannot be asked whether it is the right one cannot be sent the report either. */
async function endNotice(context: WriteContext, { kind, subjectOf = '' }: Delivery, end: MailEnd): Promise<void> {
  if (end.sent || kind !== 'notice' || !subjectOf.startsWith('Task/')) return;
  await recordDelivery(context, subjectOf.slice('Task/'.length), end);
  const answer = 'address not verified';
  await context.stores.deliveries.tried(deliveryOf(subjectOf), { state: 'refused', answer, untried: true });
}

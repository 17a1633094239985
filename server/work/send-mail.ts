import { openLetter } from '../core/deliveries/post-mail.ts';
import type { TakenJob } from '../core/jobs.ts';
import { Problem } from '../core/problem.ts';
import type { World } from '../core/world.ts';

/**
 * Hands a mail that brings no health data to the relay, once: a delivery that is written down as sent is not sent again.
 *
 * @param job data.delivery: its id.
 * @throws Problem `transient` while the relay is away, until the last try.
 */
export async function sendMail(world: World, job: TakenJob): Promise<void> {
  const id = String(job.data['delivery']);
  const delivery = await world.transaction(({ deliveries }) => deliveries.byId(id));
  if (delivery?.state !== 'waiting') return;
  const { subject, text, usefulSeconds } = openLetter(world.secrets, delivery);
  const age = (world.now().getTime() - delivery.createdAt.getTime()) / 1000;
  if (usefulSeconds !== undefined && age > usefulSeconds)
    return world.transaction(({ deliveries }) => deliveries.tried(id, { state: 'ended', answer: 'too late' }));
  const messageId = `<${id}@${new URL(world.settings.publicUrl).hostname}>`;
  try {
    await world.mailer.send({ messageId, to: delivery.recipient, subject, text, attachments: [] });
  } catch (error) {
    const refused = error instanceof Problem && (error.code === 'business-rule' || error.code === 'value');
    const state = refused ? 'refused' : job.final ? 'ended' : 'waiting';
    await world.transaction(({ deliveries }) => deliveries.tried(id, { state }));
    if (state === 'waiting') throw error;
    return;
  }
  await world.transaction(({ deliveries }) => deliveries.tried(id, { state: 'sent' }));
}

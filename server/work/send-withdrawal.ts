import { systemPrincipal } from '../core/principal.ts';
import { inOneTransaction } from '../core/records/write.ts';
import { openWithdrawal, withdrawalMail } from '../core/reports/withdrawal-mail.ts';
import type { TakenJob } from '../core/jobs.ts';
import type { World } from '../core/world.ts';
import { Problem } from '../core/problem.ts';
import type { ReviewReason } from '../core/vocabulary/review-codes.ts';
import { endWithdrawal } from '../core/workflow/withdrawal.ts';

/**
 * Tells whoever was sent a report that it was withdrawn, once; a second copy after a crash has the same Message-ID.
 *
 * @param job data.communication: id of the message.
 * @throws Problem `transient` while the relay is away, until the last try; then the message is `not-done`.
 */
export async function sendWithdrawal(world: World, job: TakenJob): Promise<void> {
  const id = String(job.data['communication']);
  const message = await world.read(async (stores) => {
    const owed = await openWithdrawal(stores, id);
    return owed && withdrawalMail(world, stores, owed);
  });
  if (!message) return;
  if (message.kind === 'none') return recordWithdrawal(world, id, { sent: false, reason: message.reason });
  try {
    await world.mailer.send(message.mail);
  } catch (error) {
    const hopeless = error instanceof Problem && (error.code === 'business-rule' || error.code === 'value');
    if (!hopeless && !job.final) throw error;
    return recordWithdrawal(world, id, { sent: false, reason: 'delivery-failed' });
  }
  await recordWithdrawal(world, id, { sent: true });
}

/** Writes the end of a message down, if it is not yet. */
export function recordWithdrawal(
  world: World,
  id: string,
  end: { sent: true } | { sent: false; reason: ReviewReason },
): Promise<void> {
  return inOneTransaction(world, { principal: systemPrincipal('mail') }, (context) => endWithdrawal(context, id, end));
}

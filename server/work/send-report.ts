import { openDelivery, recordDelivery, reportMessage } from '../core/reports/report-mail.ts';
import { inOneTransaction } from '../core/records/write.ts';
import type { World } from '../core/world.ts';
import { systemPrincipal } from '../core/principal.ts';
import { Problem } from '../core/problem.ts';
import type { ReviewReason } from '../core/vocabulary/review-codes.ts';
import type { TakenJob } from '../core/jobs.ts';

/**
 * Mails a released report to its patient, once: a delivery that is written down is never sent again. Only a
 * crash between the relay's answer and our commit can send a second copy, and that has the same Message-ID.
 *
 * @param job data.task: id of the `report-delivery` Task
 * @throws Problem `transient` while the relay is away, until the last try; then the step fails with
 * `delivery-failed`, which an admin sees. The report stays in the portal in every case.
 */
export async function sendReport(world: World, job: TakenJob): Promise<void> {
  const taskId = String(job.data['task']);
  const message = await world.read(async (stores) => {
    const delivery = await openDelivery(stores, taskId);
    return delivery && reportMessage(world, stores, delivery);
  });
  if (!message) return;
  if (message.kind === 'none') return recordEnd(world, taskId, { sent: false, reason: message.reason });
  try {
    await world.mailer.send(message.mail);
  } catch (error) {
    const hopeless = error instanceof Problem && (error.code === 'business-rule' || error.code === 'value');
    if (!hopeless && !job.final) throw error;
    return recordEnd(world, taskId, { sent: false, reason: 'delivery-failed' });
  }
  await recordEnd(world, taskId, { sent: true });
}

/** Writes the end of a delivery down, if it is not yet. */
export function recordEnd(
  world: World,
  taskId: string,
  end: { sent: true } | { sent: false; reason: ReviewReason },
): Promise<void> {
  return inOneTransaction(world, { principal: systemPrincipal('mail') }, (context) =>
    recordDelivery(context, taskId, end),
  );
}

import type { Delivery } from '../core/deliveries/delivery-store.ts';
import { deliveryOf } from '../core/deliveries/owe-delivery.ts';
import type { TakenJob } from '../core/jobs.ts';
import { askAddress, mostNotices, noticeSeconds } from '../core/reports/ask-address.ts';
import { openDelivery, oweReportMail, recordDelivery, reportMessage } from '../core/reports/report-mail.ts';
import { inputOf } from '../core/workflow/review-tasks.ts';
import type { World, WriteContext } from '../core/world.ts';
import { handOver, type Made } from './hand-over.ts';

/**
 * Mails a released report to its patient, once (`handOver`); where `REPORT_MAIL` is `verified`, only after the patient
 * has confirmed the address. The report stays in the portal in every case.
 *
 * @param job data.task: id of the `report-delivery` Task
 * @throws Problem `conflict`, `exception` when the message cannot be made; it waits for another try.
 */
export async function sendReport(world: World, job: TakenJob): Promise<void> {
  const taskId = String(job.data['task']);
  await oweIfMissing(world, taskId);
  const errand = {
    message: (delivery: Delivery) => reportMail(world, taskId, delivery),
    ended: (context: WriteContext, _: Delivery, end: Parameters<typeof recordDelivery>[2]) =>
      recordDelivery(context, taskId, end),
  };
  await handOver(world, deliveryOf(`Task/${taskId}`), errand, job.data['now'] === true);
}

/** A step that an earlier release began has no delivery yet. */
async function oweIfMissing(world: World, taskId: string): Promise<void> {
  const id = deliveryOf(`Task/${taskId}`);
  const step = await world.read(async (stores) =>
    (await stores.deliveries.byId(id)) ? undefined : openDelivery(stores, taskId),
  );
  if (step) await world.transaction((stores) => oweReportMail(stores, step));
}

function reportMail(world: World, taskId: string, delivery: Delivery): Promise<Made> {
  return world.read(async (stores): Promise<Made> => {
    const step = await openDelivery(stores, taskId);
    if (!step) return { kind: 'void' };
    const made = await reportMessage(world, stores, step, delivery.fixed ? delivery.recipient : undefined);
    if (made.kind !== 'mail' || world.settings.reportMail === 'always' || inputOf(step, 'recipient')) return made;
    const { to } = made.mail;
    const patient = step.for?.reference ?? '';
    if (await stores.addresses.isConfirmed(to, patient)) return made;
    const question = { address: to, patient, step: `Task/${taskId}` };
    return {
      kind: 'wait',
      recipient: to,
      reason: 'address-unconfirmed',
      ask: (context) => askAgain(context, delivery, question),
    };
  });
}

/** Seconds until the next notice; undefined when the last one was not answered either. */
async function askAgain(
  context: WriteContext,
  { id, recipient, asked, askedAt }: Delivery,
  question: Parameters<typeof askAddress>[1],
): Promise<number | undefined> {
  const since = askedAt && (context.world.now().getTime() - askedAt.getTime()) / 1000;
  const isSameAddress = recipient.toLowerCase() === question.address.toLowerCase();
  // The job may come early: somebody else has confirmed the same address for another record.
  if (since !== undefined && since < noticeSeconds - 60 && isSameAddress) return noticeSeconds - since;
  if (asked >= mostNotices && isSameAddress) return undefined;
  await askAddress(context, question);
  await context.stores.deliveries.asked(id);
  return noticeSeconds;
}

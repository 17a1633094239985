import type { Delivery } from '../core/deliveries/delivery-store.ts';
import { deliveryOf, oweDelivery } from '../core/deliveries/owe-delivery.ts';
import { openWithdrawal, withdrawalMail } from '../core/reports/withdrawal-mail.ts';
import type { TakenJob } from '../core/jobs.ts';
import type { World } from '../core/world.ts';
import { endWithdrawal } from '../core/workflow/withdrawal.ts';
import { handOver, type Errand, type Made } from './hand-over.ts';

/**
 * Tells whoever was sent a report that it was withdrawn, once (`handOver`), at the address that the report went to.
 *
 * @param job data.communication: id of the message.
 * @throws Problem `conflict` when the message cannot be made; it waits for another try.
 */
export async function sendWithdrawal(world: World, job: TakenJob): Promise<void> {
  const id = String(job.data['communication']);
  const subjectOf = `Communication/${id}`;
  const isMissing = await world.read(
    async (stores) => !(await stores.deliveries.byId(deliveryOf(subjectOf))) && (await openWithdrawal(stores, id)),
  );
  if (isMissing) await world.transaction((stores) => oweDelivery(stores, { kind: 'withdrawal', subjectOf, recipient: '' }));
  const errand: Errand = {
    message: (delivery: Delivery) =>
      world.read(async (stores): Promise<Made> => {
        const owed = await openWithdrawal(stores, id);
        return owed ? withdrawalMail(world, stores, owed, delivery.fixed ? delivery.recipient : undefined) : { kind: 'void' };
      }),
    ended: (context, _, end) => endWithdrawal(context, id, end),
  };
  await handOver(world, deliveryOf(subjectOf), errand, job.data['now'] === true);
} // prettier-ignore

import { derivedId } from '../derived-id.ts';
import type { Job } from '../jobs.ts';
import type { Stores } from '../world.ts';
import type { Delivery, DeliveryKind, DeliveryState } from './delivery-store.ts';
import { mailJob } from './post-mail.ts';

export const deliveryKinds = [
  'report', 'withdrawal', 'invitation', 'sign-in-code', 'link', 'notice', 'alert', 'test',
] as const satisfies readonly DeliveryKind[]; // prettier-ignore
export const deliveryStates = [
  'waiting', 'sent', 'refused', 'ended', 'cancelled',
] as const satisfies readonly DeliveryState[]; // prettier-ignore

/** A message whose words are made when it is sent, because they bring health data. */
export interface OwedDelivery {
  kind: 'report' | 'withdrawal';
  /** `Task/id` of the delivery step, `Communication/id` of the message. */
  subjectOf: string;
  recipient: string;
  /** An administrator chose the address. */
  fixed?: boolean;
}

/** The delivery of that subject: whoever owes it twice owes it once. */
export function deliveryOf(subjectOf: string): string {
  return derivedId('delivery', subjectOf);
}

/** Owes it, in the transaction of what it tells of. @returns its id. */
export async function oweDelivery(
  { deliveries, jobs }: Pick<Stores, 'deliveries' | 'jobs'>,
  owed: OwedDelivery,
): Promise<string> {
  const id = deliveryOf(owed.subjectOf);
  await deliveries.insert({ id, ...owed });
  await jobs.enqueue(jobOf({ id, ...owed }));
  return id;
}

/** What hands it to the relay. @param now also while others wait for the relay. */
export function jobOf(
  { id, kind, subjectOf = '' }: Pick<Delivery, 'id' | 'kind' | 'subjectOf'>,
  { now = false }: { now?: boolean } = {},
): Job {
  const subject = subjectOf.split('/')[1] ?? '';
  const more = now ? { now } : {};
  if (kind === 'report') return { kind: 'send-report', key: subject, data: { task: subject, ...more } };
  if (kind === 'withdrawal')
    return { kind: 'send-withdrawal', key: subject, data: { communication: subject, ...more } };
  const job = mailJob(id);
  return { ...job, data: { ...job.data, ...more } };
}

import { newId } from '../identifier.ts';
import type { Job } from '../jobs.ts';
import { Problem } from '../problem.ts';
import type { SecretBox } from '../secret-box.ts';
import type { Stores } from '../world.ts';
import type { Delivery, DeliveryKind } from './delivery-store.ts';
import { isPlainAddress } from './mail-address.ts';

export interface Letter {
  kind: DeliveryKind;
  to: string;
  subject: string;
  /** Plain text without health data; it may hold a link or a code. */
  text: string;
  accountId?: string;
  /** FHIR reference of what it is about. */
  subjectOf?: string;
  /** Seconds after which it is worth nothing (a code's lifetime): it is not sent then. */
  usefulSeconds?: number;
}

/**
 * Owes a mail, in the transaction of what it tells of. A worker hands it to the relay; until then its words lie sealed,
 * because they may open an account.
 *
 * @returns the id of its delivery.
 * @throws Problem `value` if the address is no plain one.
 */
export async function postMail(
  { deliveries, jobs }: Pick<Stores, 'deliveries' | 'jobs'>,
  box: SecretBox,
  letter: Letter,
): Promise<string> {
  if (!isPlainAddress(letter.to)) throw new Problem('value', 'This is not an e-mail address.', { expression: 'email' });
  const id = newId();
  const { subject, text, usefulSeconds } = letter;
  await deliveries.insert({
    id,
    kind: letter.kind,
    recipient: letter.to,
    content: box.seal(JSON.stringify({ subject, text, usefulSeconds }), aboutOf(id)),
    ...(letter.accountId !== undefined && { accountId: letter.accountId }),
    ...(letter.subjectOf !== undefined && { subjectOf: letter.subjectOf }),
  });
  await jobs.enqueue(mailJob(id));
  return id;
}

export function mailJob(id: string): Job {
  return { kind: 'send-mail', key: id, data: { delivery: id }, priority: 5 };
}

/** @throws Problem `exception` when it cannot be opened. */
export function openLetter(box: SecretBox, delivery: Delivery): Pick<Letter, 'subject' | 'text' | 'usefulSeconds'> {
  return JSON.parse(box.open(delivery.content ?? '', aboutOf(delivery.id))) as Letter;
}

function aboutOf(id: string): string {
  return `delivery ${id}`;
}

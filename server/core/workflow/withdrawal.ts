/** The message that a report which was sent is not valid any more: what is owed of it, and how it ended. */
import type { Communication, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import { derivedId } from '../derived-id.ts';
import { deliveryOf, oweDelivery } from '../deliveries/owe-delivery.ts';
import { Problem } from '../problem.ts';
import { create, type Kept, locked, put } from '../records/server-write.ts';
import { dataConcept, reasonConcept, type ReviewReason } from '../vocabulary/review-codes.ts';
import { systems } from '../vocabulary/systems.ts';
import type { Reading, WriteContext } from '../world.ts';
import { idIn } from '../r4/pointer.ts';
import { outputsOf } from './review-tasks.ts';

/** Whether the report of a delivery step went out to its patient. */
export async function reportWasSent({ records }: Pick<Reading, 'records'>, delivery: Task): Promise<boolean> {
  for (const { valueReference } of outputsOf(delivery, 'message')) {
    const id = idIn(valueReference, 'Communication');
    const message = id === undefined ? undefined : (await records.read('Communication', id, everything))?.resource;
    if ((message as Communication | undefined)?.status === 'completed') return true;
  }
  return false;
}

/**
 * Owes whoever was sent the report a message that it was withdrawn. The message is a Communication of theirs, which
 * they read in the portal too; it names the report by its number and says nothing of what was in it, nor of whom.
 */
export async function oweWithdrawal(context: WriteContext, delivery: Kept<'Task'>): Promise<Kept<'Communication'>> {
  const id = derivedId('withdrawal-message', delivery.id);
  const standing = (await context.stores.records.lock('Communication', id))?.resource;
  if (standing) return standing as Kept<'Communication'>;
  const patient = { reference: delivery.for?.reference ?? '' };
  const number = await reportNumberOf(context, delivery);
  const message = await create(context, {
    resourceType: 'Communication',
    id,
    identifier: [{ system: systems.messageId, value: messageIdOf(id, context.world.settings.publicUrl) }],
    status: 'preparation',
    category: [dataConcept('message')],
    medium: [{ coding: [{ system: systems.participationMode, code: 'EMAILWRIT', display: 'email' }] }],
    subject: patient,
    recipient: [patient],
    payload: [{ contentString: `The report ${number} was withdrawn. It is not valid any more.` }],
    note: [{ text: number }],
  });
  // Where the report went, whatever the record of the patient says today.
  const sent = await context.stores.deliveries.byId(deliveryOf(`Task/${delivery.id}`));
  const recipient = sent?.recipient ?? '';
  const fixed = recipient !== '';
  await oweDelivery(context.stores, { kind: 'withdrawal', subjectOf: `Communication/${id}`, recipient, fixed });
  return message;
}

/** One that was not done is owed again. @throws Problem `conflict` if it was. */
export async function reopenWithdrawal(context: WriteContext, id: string): Promise<void> {
  const { statusReason: _, ...message } = await locked(context, 'Communication', { reference: `Communication/${id}` });
  if (message.status !== 'not-done') throw new Problem('conflict', 'This message is not one that failed.');
  await put(context, { ...message, status: 'preparation' });
}

/** Writes down how the message ended, if it is not yet. */
export async function endWithdrawal(
  context: WriteContext,
  id: string,
  end: { sent: true } | { sent: false; reason: ReviewReason },
): Promise<void> {
  const message = await locked(context, 'Communication', { reference: `Communication/${id}` });
  if (message.status !== 'preparation') return;
  await put(context, {
    ...message,
    status: end.sent ? 'completed' : 'not-done',
    ...(end.sent ? { sent: context.world.now().toISOString() } : { statusReason: reasonConcept(end.reason) }),
  });
}

/** What the patient calls the report by: it stands on the message that brought it. */
async function reportNumberOf({ stores }: WriteContext, delivery: Task): Promise<string> {
  for (const { valueReference } of outputsOf(delivery, 'document')) {
    const id = idIn(valueReference, 'DocumentReference');
    const document = id === undefined ? undefined : await stores.records.read('DocumentReference', id, everything);
    if (document?.resource?.resourceType !== 'DocumentReference') continue;
    const { value } = document.resource.masterIdentifier ?? {};
    if (value !== undefined) return value;
  }
  return 'that you were sent';
}

/** RFC 5322 3.6.4: unique for ever, the same for every try. */
function messageIdOf(id: string, publicUrl: string): string {
  return `<withdrawal.${id}@${new URL(publicUrl).hostname.replace(/[^A-Za-z0-9.-]/g, '')}>`;
}

/** What was sent of a report, where, and what became of it. */
import type { Communication, Task } from '@medplum/fhirtypes';
import { everything } from '../access/narrowing.ts';
import type { Delivery } from '../deliveries/delivery-store.ts';
import { deliveryOf } from '../deliveries/owe-delivery.ts';
import { derivedId } from '../derived-id.ts';
import { idIn } from '../r4/pointer.ts';
import type { Kept } from '../records/server-write.ts';
import { stepOf } from '../vocabulary/review-codes.ts';
import { inputOf, outputOf, outputsOf } from '../workflow/review-tasks.ts';
import type { Reading } from '../world.ts';
import { isRelease } from './timeline.ts';

export interface Sent {
  /** `news`: others were told that there is a new version, without the report. */
  kind: 'report' | 'news' | 'withdrawal';
  state: 'waiting' | 'sent' | 'failed' | 'called-off';
  /** The patient's own address, or the name of who was told. */
  to?: string;
  at: string;
}

const stateOf: Record<Delivery['state'], Sent['state']> = {
  waiting: 'waiting',
  sent: 'sent',
  refused: 'failed',
  ended: 'failed',
  cancelled: 'called-off',
};

/** Oldest first. */
export async function sentOf(
  stores: Pick<Reading, 'records' | 'deliveries'>,
  steps: readonly Kept<'Task'>[],
): Promise<Sent[]> {
  const all: Sent[] = [];
  for (const step of steps.filter(({ code }) => stepOf(code) === 'report-delivery')) {
    const recipient = inputOf(step, 'recipient');
    const kind = recipient ? 'news' : 'report';
    const report = await sentAbout(stores, `Task/${step.id}`, outputOf(step, 'message')?.reference);
    const name = recipient && nameIn(step);
    if (report) all.push({ kind, ...report, ...(recipient && { to: name ?? '' }) });
    const withdrawal = `Communication/${derivedId('withdrawal-message', step.id)}`;
    const told = await sentAbout(stores, withdrawal, withdrawal);
    if (told) all.push({ kind: 'withdrawal', ...told, ...(recipient && { to: name ?? '' }) });
  }
  return all.sort((one, other) => (one.at < other.at ? -1 : 1));
}

/** By the outbox as long as it remembers; the message itself is kept for ever. */
async function sentAbout(
  { records, deliveries }: Pick<Reading, 'records' | 'deliveries'>,
  subject: string,
  message: string | undefined,
): Promise<Omit<Sent, 'kind'> | undefined> {
  const delivery = await deliveries.byId(deliveryOf(subject));
  if (delivery) {
    const { state, recipient, changedAt } = delivery;
    return { state: stateOf[state], at: changedAt.toISOString(), ...(recipient !== '' && { to: recipient }) };
  }
  const id = idIn({ reference: message ?? '' }, 'Communication');
  const kept = id === undefined ? undefined : (await records.read('Communication', id, everything))?.resource;
  const { status, sent, meta } = (kept ?? {}) as Partial<Communication>;
  if (status === 'completed') return { state: 'sent', at: sent ?? meta?.lastUpdated ?? '' };
  return status === 'not-done' ? { state: 'failed', at: meta?.lastUpdated ?? '' } : undefined;
}

function nameIn(step: Task): string | undefined {
  const named = step.input?.find(({ type }) => type.coding?.some(({ code }) => code === 'recipient'));
  return named?.valueReference?.display;
}

/** When the report of a review was released first; undefined if it never was. */
export function wasReleased(steps: readonly Kept<'Task'>[]): string | undefined {
  const first = steps.find(
    (step) => stepOf(step.code) === 'report-delivery' && outputsOf(step, 'document').length > 0 && isRelease(step),
  );
  return first && (first.executionPeriod?.start ?? first.authoredOn);
}

/** What follows on a refusal, in one table. */
import type { DeliveryKind, DeliveryState } from './delivery-store.ts';
import type { Refusal, RelayAnswer } from './relay-answer.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

interface Policy {
  /** Seconds to the second try, doubled each time up to `most`; without them there is no second one. */
  first?: number;
  most?: number;
  /** What it ends as. */
  end: Extract<DeliveryState, 'refused' | 'ended'>;
  /** Seconds since the first such answer after which administrators are told; of a relay once for each outage. */
  tell?: number;
}

export const policies: Record<Refusal, Policy> = {
  /** Somebody puts it right: the operator, or the relay's. Restarts and short breaks concern nobody. */
  relay: { first: 5, most: 4 * hour, end: 'ended', tell: 5 * minute },
  /** A full mailbox: its owner has to do something. */
  mailbox: { first: 15 * minute, most: 4 * hour, end: 'ended', tell: 0 },
  /** Greylisting and the like: over in minutes as a rule. */
  later: { first: minute, most: 4 * hour, end: 'ended', tell: hour },
  address: { end: 'refused' },
  message: { end: 'ended', tell: 0 },
};

/** Nobody waits for a mail that is older. */
export const giveUpSeconds = 5 * day;

/** How long other messages wait after the relay failed that often in a row, so that an outage is not a storm of sign-ins. */
export function relayPause(failures: number): number {
  return failures < 3 ? 0 : Math.min(5 * 2 ** (failures - 1), 15 * minute);
}

/** A wrong password or certificate mends itself as little as a missing STARTTLS: that is told at once. */
export function tellAfter(refusal: Refusal, { step, code, reply }: RelayAnswer): number | undefined {
  const ours = step === 'sign-in' || step === 'sender' || reply === 530 || /TLS|CERT|SIGNED|VERIFY/.test(code ?? '');
  return refusal === 'relay' && ours && (reply === undefined || reply >= 500) ? 0 : policies[refusal].tell;
}

/**
 * What becomes of a delivery after a refusal.
 *
 * @param tries with this one.
 * @param age seconds since it is owed; `useful`: how long it is worth anything.
 */
export function afterRefusal(
  kind: DeliveryKind,
  refusal: Refusal,
  { tries, age, useful = giveUpSeconds }: { tries: number; age: number; useful?: number | undefined },
): { state: 'waiting'; seconds: number } | { state: 'refused' | 'ended' } {
  const { first, most, end } = policies[refusal];
  // Whoever tests looks at the answer now.
  if (first === undefined || most === undefined || kind === 'test') return { state: end };
  const seconds = Math.min(first * 2 ** Math.min(tries - 1, 20), most);
  return age + seconds > Math.min(useful, giveUpSeconds) ? { state: 'ended' } : { state: 'waiting', seconds };
}

/** Kinds whose failure administrators are told of by a mail: not of a code that nobody waits for, nor of a mail to them. */
export function isTold(kind: DeliveryKind): boolean {
  return kind !== 'alert' && kind !== 'test' && kind !== 'sign-in-code';
}

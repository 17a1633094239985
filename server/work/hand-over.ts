import type { Delivery } from '../core/deliveries/delivery-store.ts';
import { alertOfDelivery, alertOfRelay } from '../core/deliveries/alert-admins.ts';
import type { OutgoingMail } from '../core/deliveries/mailer.ts';
import { answerIn, cleanWords, codesOf, type Refusal, type RelayAnswer } from '../core/deliveries/relay-answer.ts';
import { afterRefusal, isTold, policies, relayPause, tellAfter } from '../core/deliveries/retry-policy.ts';
import { systemPrincipal } from '../core/principal.ts';
import { inOneTransaction } from '../core/records/write.ts';
import type { ReviewReason } from '../core/vocabulary/review-codes.ts';
import type { World, WriteContext } from '../core/world.ts';

export type MailEnd = { sent: true } | { sent: false; reason: ReviewReason };

export type Made =
  /** `useful`: seconds after which it is worth nothing; `patient`: whose health data it brings. */
  | { kind: 'mail'; mail: OutgoingMail; useful?: number | undefined; patient?: string }
  /** Nobody wants it any more. */
  | { kind: 'void' }
  /** There is nowhere to send it to, or it is too late. */
  | { kind: 'none'; reason: ReviewReason | 'too-late' }
  /** Its person has to do something first; `ask` asks for that, and gives the seconds until it is asked again, or nothing if it was asked often enough. */
  | { kind: 'wait'; recipient: string; ask(context: WriteContext): Promise<number | undefined>; reason: ReviewReason };

/** One kind of message. */
export interface Errand {
  message(delivery: Delivery): Promise<Made>;
  /** Writes down how it ended, in the transaction in which the delivery ends. */
  ended?(context: WriteContext, delivery: Delivery, end: MailEnd): Promise<void>;
}

/**
 * Longer than a relay may take over one message. A worker that dies keeps its message for so long.
 */
const leaseSeconds = 300;

/**
 * Hands a message to the relay, once: of several workers one gets it, and one that is written down as sent is never sent
 * again. Only a crash, or a connection that breaks, between the relay's answer to the message and our commit can send a
 * second copy; it has the same Message-ID. A refusal is no failure of this job: the delivery's row says what follows.
 *
 * @param now also while others wait for the relay.
 * @throws what a fault of ours threw; the delivery waits for another try all the same.
 */
export async function handOver(world: World, id: string, errand: Errand, now = false): Promise<void> {
  const delivery = await world.transaction(({ deliveries }) => deliveries.take(id, leaseSeconds));
  if (!delivery) return;
  const pause = now || delivery.kind === 'test' ? 0 : await world.read(({ relay }) => relay.pause());
  if (pause > 0) return putOff(world, id, pause);
  try {
    const made = await errand.message(delivery);
    if (made.kind !== 'mail') return await withoutMail(world, errand, delivery, made);
    const answer = await send(world, errand, delivery, made);
    if (answer) await sent(world, errand, delivery, { mail: made, answer });
  } catch (error) {
    // If that fails as well, the lease ends by itself.
    await faulty(world, delivery).catch(() => undefined);
    throw error;
  }
}

type Mail = Extract<Made, { kind: 'mail' }>;

/** @returns the relay's answer if it took the message; else the refusal is written down. */
async function send(world: World, errand: Errand, delivery: Delivery, made: Mail): Promise<RelayAnswer | undefined> {
  try {
    return (await world.mailer.send(made.mail)) ?? { step: 'message' };
  } catch (error) {
    const refused = answerIn(error);
    if (!refused) throw error;
    await refuse(world, errand, delivery, made, refused);
    return undefined;
  }
}

async function sent(
  world: World,
  errand: Errand,
  delivery: Delivery,
  { mail, answer }: { mail: Mail; answer: RelayAnswer },
): Promise<void> {
  const isBack = await settle(world, async (context) => {
    await errand.ended?.(context, delivery, { sent: true });
    const end = { state: 'sent', recipient: mail.mail.to, answer: shown(delivery, answer) } as const;
    await context.stores.deliveries.tried(delivery.id, end);
    await note(context, delivery, 'success', mail.patient);
    return context.stores.relay.took();
  });
  if (isBack) await world.transaction(({ deliveries }) => deliveries.relayIsBack());
}

async function refuse(
  world: World,
  errand: Errand,
  delivery: Delivery,
  { mail, useful, patient }: Mail,
  { answer, refusal }: { answer: RelayAnswer; refusal: Refusal },
): Promise<void> {
  const age = ageOf(world, delivery);
  const next = afterRefusal(delivery.kind, refusal, { tries: delivery.tries + 1, age, useful });
  const codes = codesOf(answer);
  await settle(world, async (context) => {
    const { deliveries } = context.stores;
    const over = next.state !== 'waiting';
    if (over) await errand.ended?.(context, delivery, { sent: false, reason: 'delivery-failed' });
    await deliveries.tried(delivery.id, {
      state: next.state,
      recipient: mail.to,
      answer: shown(delivery, answer),
      ...(next.state === 'waiting' && { nextTrySeconds: next.seconds }),
      ...(refusal === 'relay' && { waitsFor: 'relay' }),
    });
    if (over) await note(context, delivery, 'failed', patient);
    await tell(context, delivery, { codes, refusal, over, age });
    if (refusal === 'relay') await relayFailed(context, answer);
  });
}

/** Administrators hear once of a message in trouble, and of one that ends without having been sent. */
async function tell(
  context: WriteContext,
  delivery: Delivery,
  { codes, refusal, over, age }: { codes: string; refusal: Refusal; over: boolean; age: number },
): Promise<void> {
  if (!isTold(delivery.kind)) return;
  const bringsHealthData = delivery.kind === 'report' || delivery.kind === 'withdrawal';
  const { tell: after } = policies[refusal];
  // Of the relay they hear as a whole, and of an address that does not exist only where a report did not arrive.
  const due = over
    ? refusal !== 'address' || bringsHealthData
    : refusal !== 'relay' && after !== undefined && age >= after;
  if (!due) return;
  if (over || (await context.stores.deliveries.told(delivery.id)))
    await alertOfDelivery(context, delivery, { answer: codes, over });
}

/** The relay fails for everybody: after some times in a row the others wait, and administrators are told once. */
async function relayFailed(context: WriteContext, answer: RelayAnswer): Promise<void> {
  const { relay } = context.stores;
  const failures = await relay.failed(codesOf(answer));
  const pause = relayPause(failures);
  if (pause > 0) await relay.pauseFor(pause);
  const after = tellAfter('relay', answer);
  if (after !== undefined && (await relay.mustTell(after))) await alertOfRelay(context, codesOf(answer));
}

async function withoutMail(world: World, errand: Errand, delivery: Delivery, made: Exclude<Made, Mail>): Promise<void> {
  await settle(world, async (context) => {
    const { deliveries } = context.stores;
    const end = async (answer: string, reason?: ReviewReason) => {
      if (reason) await errand.ended?.(context, delivery, { sent: false, reason });
      await deliveries.tried(delivery.id, { state: 'ended', answer, untried: true });
    };
    if (made.kind === 'void') return deliveries.tried(delivery.id, { state: 'cancelled', untried: true });
    if (made.kind === 'none') return end(made.reason, made.reason === 'too-late' ? undefined : made.reason);
    const seconds = await made.ask(context);
    if (seconds === undefined) {
      await end('address not verified', made.reason);
      return alertOfDelivery(context, delivery, { answer: 'address not verified', over: true });
    }
    await deliveries.tried(delivery.id, {
      state: 'waiting',
      answer: 'address not verified',
      recipient: made.recipient,
      nextTrySeconds: seconds,
      waitsFor: 'address',
      untried: true,
    });
  });
}

async function putOff(world: World, id: string, seconds: number): Promise<void> {
  // Not all at the same moment.
  const nextTrySeconds = seconds + (Number.parseInt(id.slice(-4), 16) % 100) / 10 || seconds;
  await world.transaction(({ deliveries }) =>
    deliveries.tried(id, { state: 'waiting', nextTrySeconds, waitsFor: 'relay', untried: true }),
  );
}

/** It could not be made, or its end not be written down: that is for the log, and for another try. */
async function faulty(world: World, delivery: Delivery): Promise<void> {
  const age = ageOf(world, delivery);
  const next = afterRefusal(delivery.kind, 'later', { tries: delivery.tries + 1, age });
  const seconds = next.state === 'waiting' ? next.seconds : policies.later.most!;
  await world.transaction(({ deliveries }) =>
    deliveries.tried(delivery.id, { state: 'waiting', answer: 'fault of this server', nextTrySeconds: seconds }),
  );
}

function shown({ kind }: Delivery, answer: RelayAnswer): string {
  const words = kind === 'test' && answer.words !== undefined ? `: ${cleanWords(answer.words)}` : '';
  return answer.reply === undefined && answer.code === undefined ? 'taken' : codesOf(answer) + words;
}

function ageOf(world: World, { owedSince }: Delivery): number {
  return Math.max(0, (world.now().getTime() - owedSince.getTime()) / 1000);
}

function settle<T>(world: World, work: (context: WriteContext) => Promise<T>): Promise<T> {
  return inOneTransaction(world, { principal: systemPrincipal('mail') }, work);
}

/** What left this house, and to whom it did not. */
function note(
  { stores, principal }: WriteContext,
  { id, subjectOf }: Delivery,
  outcome: 'success' | 'failed',
  patient: string | undefined,
): Promise<void> {
  const patientId = patient?.startsWith('Patient/') ? patient.slice('Patient/'.length) : undefined;
  return stores.audit.append({
    action: 'E',
    event: 'mail:send',
    outcome,
    principal,
    entities: [`delivery/${id}`, ...(subjectOf === undefined ? [] : [subjectOf])],
    ...(patientId !== undefined && { patients: [patientId] }),
  });
}

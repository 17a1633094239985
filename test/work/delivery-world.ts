/** A server without workers and relays that misbehave, so that tests decide who hands over which message when. */
import type { Communication, Task } from '@medplum/fhirtypes';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Delivery, DeliveryQuery } from '../../server/core/deliveries/delivery-store.ts';
import { deliveryOf } from '../../server/core/deliveries/owe-delivery.ts';
import { postMail, type Letter } from '../../server/core/deliveries/post-mail.ts';
import { inOneTransaction } from '../../server/core/records/write.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import type { World, WriteContext } from '../../server/core/world.ts';
import { smtpMailer, type SmtpMailer, type SmtpOptions } from '../../server/infrastructure/mail/smtp-mailer.ts';
import { sendMail } from '../../server/work/send-mail.ts';
import { taken } from '../harness/jobs.ts';
import { startMailRelay, type MailRelay, type RelayScript } from '../harness/mail-relay.ts';
import { read, releasedReview, reviewWorld, type ReviewWorld } from './review-world.ts';

/** Live: made before the tests of a file, the relay anew before each. */
export let place: ReviewWorld;
export let relay: MailRelay;
const mailers: SmtpMailer[] = [];
const relays: MailRelay[] = [];
beforeAll(async () => {
  place = await reviewWorld();
}, 120_000);
beforeEach(async () => {
  relay = await relayWith();
  await query(`delete from delivery`);
  await query(`update relay_state set failing_since = null, failures = 0, paused_until = null, told = false, told_at = null, took_at = null`); // prettier-ignore
});
afterEach(async () => {
  for (const mailer of mailers.splice(0)) mailer.close();
  for (const one of relays.splice(0)) await one.close();
});
afterAll(() => place.stop());

export const query = <Row>(text: string, values: unknown[] = []) => place.server.system.sql.query<Row>(text, values);
export async function relayWith(
  script: RelayScript = {},
  options: { clear?: boolean } = { clear: true },
): Promise<MailRelay> {
  const made = await startMailRelay({ ...options, script });
  relays.push(made);
  return made;
}
/** The world with a mailer to that relay; `user` signs in. */
export function by(one: MailRelay, options: Partial<SmtpOptions> & { user?: string } = {}): World {
  const { user, ...more } = options;
  const url = user === undefined ? one.url : one.url.replace('//', `//${user}:secret@`);
  const mailer = smtpMailer({ url, from: 'reports@csss.example', requireTls: false, ...more });
  mailers.push(mailer);
  return { ...place.world, mailer };
}
export const after = (world: World, seconds: number): World => ({
  ...world,
  now: () => new Date(place.world.now().getTime() + seconds * 1000),
});
export const job = (step: { id: string }, now = false) =>
  taken({ kind: 'send-report', key: step.id, data: { task: step.id, ...(now && { now }) } });
export const released = (email: string | undefined = 'a@example.org') => releasedReview(place, email);
export const byId = async (id: string): Promise<Delivery> =>
  (await place.world.read(({ deliveries }) => deliveries.byId(id)))!;
export const rowOf = (step: { id: string }) => byId(deliveryOf(`Task/${step.id}`));
export const all = async (query: Partial<DeliveryQuery> = {}) =>
  (await place.world.read(({ deliveries }) => deliveries.search({ offset: 0, limit: 100, ...query }))).found;
export const relayState = () => place.world.read(({ relay }) => relay.state());
export const secondsUntil = (date: Date | undefined) => Math.round(((date?.getTime() ?? 0) - Date.now()) / 1000);
export const stepOfDelivery = (step: { id: string }) => read<Task>(place.world, 'Task', step.id);
export const asAdmin = <T>(work: (context: WriteContext) => Promise<T>) =>
  inOneTransaction(place.world, { principal: place.people.admin }, work);
export const post = (letter: Partial<Letter> = {}) =>
  place.world.transaction((stores) =>
    postMail(stores, place.world.secrets, { kind: 'link', to: 'b@example.org', subject: 'A link', text: 'https://x', ...letter }),
  ); // prettier-ignore
export const mail = (world: World, id: string) =>
  sendMail(world, taken({ kind: 'send-mail', key: id, data: { delivery: id } }));
export const messageOf = async (step: Task) =>
  read<Communication>(place.world, 'Communication', outputOf(step, 'message')!.reference.split('/')[1]!);

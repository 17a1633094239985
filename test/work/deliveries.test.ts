import type { Communication, Patient, Task } from '@medplum/fhirtypes';
import { expect, test } from 'vitest';
import { deliveryOf, jobOf } from '../../server/core/deliveries/owe-delivery.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { locked } from '../../server/core/records/server-write.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { cancelDelivery, sendAgain, sendElsewhere } from '../../server/core/reports/change-delivery.ts';
import { reasonConcept, statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { retractReview } from '../../server/core/workflow/retract.ts';
import { inputOf } from '../../server/core/workflow/review-tasks.ts';
import { forgetDeliveries } from '../../server/work/forget-deliveries.ts';
import { oweMails } from '../../server/work/owed-work.ts';
import { sendMail } from '../../server/work/send-mail.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { sendWithdrawal } from '../../server/work/send-withdrawal.ts';
import { taken } from '../harness/jobs.ts';
import { read, steps, type Opened } from './review-world.ts';
import {
  after,
  all,
  asAdmin,
  by,
  byId,
  job,
  mail,
  messageOf,
  place,
  post,
  query,
  relay,
  relayState,
  relayWith,
  released,
  rowOf,
  secondsUntil,
  stepOfDelivery,
} from './delivery-world.ts';

// Real relays that refuse, hang and come back: what becomes of a message, and what people hear of it.
test('a sign-in that the relay refuses (535) waits, alerts the administrators once, and is made up for when it is right', async () => {
  relay.script.signIn = [535, '5.7.8 Authentication credentials invalid'];
  const { delivery } = await released();
  const wrong = by(relay, { user: 'csss' });
  for (let i = 0; i < 2; i++) await sendReport(wrong, job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'waiting', tries: 2, answer: 'EAUTH 535 5.7.8', recipient: 'a@example.org' }); // prettier-ignore
  expect(secondsUntil((await rowOf(delivery)).nextTry)).toBeGreaterThan(5);
  expect((await stepOfDelivery(delivery)).status).toBe('in-progress');
  expect(await relayState()).toMatchObject({ state: 'failing', answer: 'EAUTH 535 5.7.8', since: expect.any(Date) as unknown }); // prettier-ignore
  const alerts = await all({ kind: 'alert' });
  expect(alerts.map(({ recipient, state }) => [recipient, state])).toEqual([['admin@demo.csss.example', 'waiting']]);

  delete relay.script.signIn;
  await sendReport(wrong, job(delivery));
  await mail(wrong, alerts[0]!.id);
  expect(relay.mails.map(({ to }) => to)).toEqual([['a@example.org'], ['admin@demo.csss.example']]);
  expect(relay.mails[1]!.mail.text).toContain('EAUTH 535 5.7.8');
  expect(await relayState()).toEqual({ state: 'ok' });
  expect((await stepOfDelivery(delivery)).status).toBe('completed');
  expect((await rowOf(delivery)).state).toBe('sent');
});

test.each([
  ['has no STARTTLS', { clear: true }, /ETLS/],
  ['shows a certificate that nobody knows', {}, /SELF_SIGNED|UNABLE_TO_VERIFY|CERT/],
])('a relay that %s gets nothing; that is told at once and never final', async (_what, options, answer) => {
  const strict = await relayWith({}, options);
  const { delivery } = await released();
  await sendReport(by(strict, { requireTls: true }), job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'waiting', answer: expect.stringMatching(answer) as unknown });
  expect(strict.mails).toEqual([]);
  expect(await all({ kind: 'alert' })).toHaveLength(1);
  await sendReport(after(by(strict, { requireTls: true }), 4 * 86_400), job(delivery, true));
  expect((await rowOf(delivery)).state).toBe('waiting');
  await sendReport(after(by(strict, { requireTls: true }), 5 * 86_400), job(delivery, true));
  expect((await rowOf(delivery)).state).toBe('ended');
  expect((await stepOfDelivery(delivery)).statusReason!.coding![0]!.code).toBe('delivery-failed');
});

test('a full mailbox (452 4.2.2) waits for days, and an administrator hears of it once; the relay itself is well', async () => {
  relay.script.recipient = [452, '4.2.2 The mailbox is over its quota'];
  const { delivery } = await released();
  for (let i = 0; i < 3; i++) await sendReport(by(relay), job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'waiting', tries: 3, answer: 'EENVELOPE 452 4.2.2' });
  expect(secondsUntil((await rowOf(delivery)).nextTry)).toBeGreaterThan(15 * 60);
  expect(await all({ kind: 'alert' })).toHaveLength(1);
  expect((await relayState()).state).not.toBe('failing');
  delete relay.script.recipient;
  await sendReport(by(relay), job(delivery));
  expect((await stepOfDelivery(delivery)).status).toBe('completed');
});

test('greylisting (450) is over in minutes, and nobody hears of it', async () => {
  relay.script.recipient = [450, '4.2.0 Greylisted, try later'];
  const { delivery } = await released();
  await sendReport(by(relay), job(delivery));
  expect(secondsUntil((await rowOf(delivery)).nextTry)).toBeGreaterThan(50);
  expect(secondsUntil((await rowOf(delivery)).nextTry)).toBeLessThan(70);
  expect(await all({ kind: 'alert' })).toEqual([]);
  delete relay.script.recipient;
  await sendReport(by(relay), job(delivery));
  expect(relay.mails).toHaveLength(1);
});

test('an address that does not exist (550 5.1.1) ends; to another address it begins as a step of its own, and the history stays true', async () => {
  relay.script.recipient = [550, '5.1.1 No such person'];
  const { review, delivery } = await released('wrong@example.org');
  await sendReport(by(relay), job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'refused', answer: 'EENVELOPE 550 5.1.1', tries: 1 });
  const failed = await stepOfDelivery(delivery);
  expect([failed.status, failed.statusReason!.coding![0]!.code]).toEqual(['failed', 'delivery-failed']);

  delete relay.script.recipient;
  const id = await asAdmin((context) => sendElsewhere(context, deliveryOf(`Task/${delivery.id}`), ' right@example.org '));
  const next = (await steps(place.world, review.coordinationId)).find((step) => inputOf(step, 'retry-of'))!;
  expect(inputOf(next, 'retry-of')).toEqual({ reference: `Task/${delivery.id}` });
  expect(await byId(id)).toMatchObject({ state: 'waiting', subjectOf: `Task/${next.id}`, recipient: 'right@example.org' });
  await sendReport(by(relay), job(next));
  await sendReport(by(relay), job(next));
  expect(relay.mails.map(({ to }) => to)).toEqual([['right@example.org']]);
  expect((await stepOfDelivery(next)).status).toBe('completed');
  expect((await messageOf(await stepOfDelivery(next))).status).toBe('completed');
  expect(await stepOfDelivery(delivery)).toEqual(failed);
  expect(await messageOf(failed)).toMatchObject({ status: 'not-done', statusReason: { coding: [{ code: 'delivery-failed' }] } }); // prettier-ignore
  expect(statusOf((await read<Task>(place.world, 'Task', review.coordinationId)).businessStatus)).toBe('REPORT_READY');
  await expect(asAdmin((context) => sendAgain(context, id))).rejects.toMatchObject({ code: 'conflict' });
}); // prettier-ignore

test('a message that is refused as such (554) ends, and the administrators hear of it', async () => {
  relay.script.message = [554, '5.6.0 Message content rejected'];
  const { delivery } = await released();
  await sendReport(by(relay), job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'ended', answer: 'EMESSAGE 554 5.6.0' });
  const alerts = await all({ kind: 'alert' });
  expect(alerts).toHaveLength(1);
  delete relay.script.message;
  await mail(by(relay), alerts[0]!.id);
  expect(relay.mails[0]!.mail.text).toContain('EMESSAGE 554 5.6.0');
  expect(relay.mails[0]!.mail.text).not.toMatch(/a@example|Rao|Arjun/);
});

test('sent again, a report that ended goes out by a new step; twice at once gives one', async () => {
  relay.script.message = [554, 'no'];
  const { delivery } = await released();
  await sendReport(by(relay), job(delivery));
  delete relay.script.message;
  const id = deliveryOf(`Task/${delivery.id}`);
  const outcomes = await Promise.allSettled([1, 2].map(() => asAdmin((context) => sendAgain(context, id))));
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await all({ kind: 'report', state: 'waiting' })).toHaveLength(1);
});

test('a relay that hangs up after the message has it, perhaps: the second copy has the same Message-ID', async () => {
  relay.script.dropsAfterData = true;
  const { delivery } = await released();
  await sendReport(by(relay), job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ state: 'waiting', tries: 1 });
  expect(relay.mails).toHaveLength(1); // the pool sends nothing again by itself
  delete relay.script.dropsAfterData;
  await sendReport(by(relay), job(delivery));
  expect(relay.mails).toHaveLength(2);
  expect(relay.mails[0]!.mail.messageId).toBe(relay.mails[1]!.mail.messageId);
  expect((await rowOf(delivery)).state).toBe('sent');
});

test('a relay that takes for ever over an answer holds no worker', async () => {
  relay.script.slow = 5_000;
  const { delivery } = await released();
  const start = Date.now();
  await sendReport(by(relay, { patience: { whole: 300 } }), job(delivery));
  expect(Date.now() - start).toBeLessThan(4_000);
  expect(await rowOf(delivery)).toMatchObject({ state: 'waiting', answer: 'ETIMEDOUT' });
});

test('of several workers at once one sends', async () => {
  relay.script.slow = 200;
  const { delivery } = await released();
  await Promise.all([1, 2, 3, 4].map(() => sendReport(by(relay), job(delivery))));
  expect(relay.mails).toHaveLength(1);
  expect(await rowOf(delivery)).toMatchObject({ state: 'sent', tries: 1 });
});

test('a message whose worker died is taken by another one when its lease is over', async () => {
  const { delivery } = await released();
  const id = deliveryOf(`Task/${delivery.id}`);
  expect(await place.world.transaction(({ deliveries }) => deliveries.take(id, 300))).toBeDefined();
  await sendReport(by(relay), job(delivery));
  expect(relay.mails).toEqual([]);
  await expect(asAdmin((context) => cancelDelivery(context, id))).rejects.toMatchObject({ code: 'conflict' });
  await query(`update delivery set taken_until = now() - interval '1 second'`);
  await sendReport(by(relay), job(delivery));
  expect(relay.mails).toHaveLength(1);
});

test('while the relay is away it is not asked for every message, and all that waited goes when it is back', async () => {
  await relay.away();
  const world = by(relay);
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push(await post({ to: `p${i}@example.org` }));
  for (const id of ids) await mail(world, id);
  const tries = (await all({ kind: 'link' })).map((one) => one.tries);
  expect(tries.filter((count) => count === 1)).toHaveLength(3);
  expect(tries.filter((count) => count === 0)).toHaveLength(3);
  expect(await all({ kind: 'alert' })).toEqual([]); // a break of seconds concerns nobody
  await query(`delete from job.job where name = 'send-mail'`);
  expect(await oweMails(place.world)).toBe(0);

  await relay.back();
  await sendMail(world, taken(jobOf(await byId(ids[0]!), { now: true })));
  expect(relay.mails).toHaveLength(1);
  expect(await oweMails(place.world)).toBe(5);
  for (const id of ids) await mail(world, id);
  expect(relay.mails.map(({ to }) => to[0]).sort()).toEqual(ids.map((_, i) => `p${i}@example.org`));
  expect(await all({ state: 'waiting' })).toEqual([]);
});

test('an outage of more than some minutes is told once, whoever fails by it, and not again for an hour', async () => {
  await relay.away();
  const world = by(relay);
  const ids = [await post(), await post()];
  await mail(world, ids[0]!);
  await query(`update relay_state set failing_since = now() - interval '6 minutes', paused_until = null`);
  for (const id of ids) {
    await query(`update relay_state set paused_until = null`);
    await mail(world, id);
  }
  const alerts = await all({ kind: 'alert' });
  expect(alerts).toHaveLength(1);
  await relay.back();
  await query(`update relay_state set paused_until = null`);
  for (const id of [...ids, alerts[0]!.id]) await mail(world, id);
  expect(relay.mails).toHaveLength(3);
  await relay.away();
  const later = await post();
  await mail(world, later);
  await query(`update relay_state set failing_since = now() - interval '6 minutes', paused_until = null`);
  await mail(world, later);
  expect(await all({ kind: 'alert' })).toHaveLength(1); // a relay that comes and goes does not fill mailboxes
});

test('a code that is too late is not sent, and one that cannot come in time is given up', async () => {
  const late = await post({ kind: 'sign-in-code', usefulSeconds: 300 });
  await mail(after(by(relay), 301), late);
  expect(await byId(late)).toMatchObject({ state: 'ended', answer: 'too-late' });
  expect(await byId(late)).not.toHaveProperty('content');
  relay.script.recipient = [450, '4.2.0 Greylisted'];
  const soon = await post({ kind: 'sign-in-code', usefulSeconds: 300 });
  await mail(after(by(relay), 290), soon);
  expect((await byId(soon)).state).toBe('ended');
  expect(relay.mails).toEqual([]);
  expect(await all({ kind: 'alert' })).toEqual([]);
});

test('a test ends at once with the words of the relay, cleaned; nothing else keeps words', async () => {
  relay.script.recipient = [450, '4.7.1 <b@example.org>: try later'];
  const [trial, link] = [await post({ kind: 'test' }), await post()];
  for (const id of [trial, link]) await mail(by(relay), id);
  expect(await byId(trial)).toMatchObject({ state: 'ended', answer: 'EENVELOPE 450 4.7.1: (address): try later' });
  expect(await byId(link)).toMatchObject({ state: 'waiting', answer: 'EENVELOPE 450 4.7.1' });
  delete relay.script.recipient;
  const good = await post({ kind: 'test' });
  await mail(by(relay), good);
  expect(await byId(good)).toMatchObject({ state: 'sent', answer: expect.stringMatching(/^250/) as unknown });
});

test('a fault of ours is logged and tried again, and what is sealed with a lost key ends nothing', async () => {
  const id = await post();
  await query(`update delivery set content = 'v1.nothing' where id = $1`, [id]);
  await expect(mail(by(relay), id)).rejects.toMatchObject({ code: 'exception' });
  expect(await byId(id)).toMatchObject({ state: 'waiting', answer: 'fault of this server', inHand: false });
});

test('what is called off is not sent: the step says so, and it can begin again', async () => {
  const { review, delivery } = await released();
  const id = deliveryOf(`Task/${delivery.id}`);
  await asAdmin((context) => cancelDelivery(context, id));
  await sendReport(by(relay), job(delivery));
  const step = await stepOfDelivery(delivery);
  expect([step.status, step.statusReason!.coding![0]!.code]).toEqual(['cancelled', 'delivery-cancelled']);
  expect((await messageOf(step)).status).toBe('not-done');
  await expect(asAdmin((context) => cancelDelivery(context, id))).rejects.toMatchObject({ code: 'conflict' });
  await asAdmin((context) => sendAgain(context, id));
  const next = (await steps(place.world, review.coordinationId)).find((one) => inputOf(one, 'retry-of'))!;
  await sendReport(by(relay), job(next));
  expect(relay.mails).toHaveLength(1);
});

const retract = ({ coordinationId }: Opened) =>
  asAdmin(async (context) => {
    const coordination = await locked(context, 'Task', { reference: `Task/${coordinationId}` });
    await retractReview(context, coordination, { reason: reasonConcept('entered-in-error') });
  });

test('a report that was retracted is neither sent nor sent again', async () => {
  relay.script.message = [554, 'no'];
  const [ended, waits] = [await released(), await released()];
  await sendReport(by(relay), job(ended.delivery));
  delete relay.script.message;
  await retract(ended.review);
  await retract(waits.review);
  expect((await rowOf(waits.delivery)).state).toBe('cancelled');
  await sendReport(by(relay), job(waits.delivery));
  const again = asAdmin((context) => sendAgain(context, deliveryOf(`Task/${ended.delivery.id}`)));
  await expect(again).rejects.toMatchObject({ code: 'conflict' });
  expect(relay.mails).toEqual([]);
});

const patientIdOf = ({ study }: Opened) => study.subject.reference!;
const setAddress = async (review: Opened, email: string) => {
  const patient = await read<Patient>(place.world, 'Patient', review.study.subject.reference!.split('/')[1]!);
  const resource: Patient = { ...patient, telecom: [{ system: 'email', value: email }] };
  await writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: patient.id, resource });
};

test('a withdrawal goes where the report went, whatever the record says since; one that failed is owed again', async () => {
  const { review, delivery } = await released('first@example.org');
  await sendReport(by(relay), job(delivery));
  await setAddress(review, 'other@example.org');
  await retract(review);
  const [row] = await all({ kind: 'withdrawal' });
  expect(row).toMatchObject({ recipient: 'first@example.org', state: 'waiting' });
  const communication = row!.subjectOf!.split('/')[1]!;
  const work = taken({ kind: 'send-withdrawal', key: communication, data: { communication } });
  relay.script.message = [554, 'no'];
  await sendWithdrawal(by(relay), work);
  expect((await read<Communication>(place.world, 'Communication', communication)).status).toBe('not-done');
  delete relay.script.message;
  await asAdmin((context) => sendAgain(context, row!.id));
  const owed = await read<Communication>(place.world, 'Communication', communication);
  expect([owed.status, owed.statusReason]).toEqual(['preparation', undefined]);
  for (let i = 0; i < 2; i++) await sendWithdrawal(by(relay), work);
  expect(relay.mails.map(({ to }) => to[0])).toEqual(['first@example.org', 'first@example.org']);
  expect((await read<Communication>(place.world, 'Communication', communication)).status).toBe('completed');
});

test('deliveries leave when their time is over, codes and links first; what waits stays', async () => {
  const [link, alert, waits] = [await post(), await post({ kind: 'alert' }), await post()];
  await mail(by(relay), link);
  await mail(by(relay), alert);
  await query(`update delivery set changed_at = now() - interval '31 days'`);
  expect(await forgetDeliveries(place.world)).toBe(1);
  await query(`update delivery set changed_at = now() - interval '366 days'`);
  expect(await forgetDeliveries(place.world)).toBe(1);
  expect((await all()).map(({ id }) => id)).toEqual([waits]);
});

test('what leaves is in the audit trail, with the patient whose data it brings and no address', async () => {
  const { review, delivery } = await released('seen@example.org');
  await sendReport(by(relay), job(delivery));
  const rows = await query<{ row: string }>(`select to_jsonb(audit)::text as row from audit where event = 'mail:send' order by seq desc limit 1`); // prettier-ignore
  expect(rows[0]!.row).toContain(patientIdOf(review).split('/')[1]!);
  expect(rows[0]!.row).toContain(deliveryOf(`Task/${delivery.id}`));
  expect(rows[0]!.row).not.toContain('seen@example.org');
});

import { expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import { deliveryOf } from '../../server/core/deliveries/owe-delivery.ts';
import { sendElsewhere } from '../../server/core/reports/change-delivery.ts';
import type { World } from '../../server/core/world.ts';
import { oweMails } from '../../server/work/owed-work.ts';
import { sendReport } from '../../server/work/send-report.ts';
import type { Opened } from './review-world.ts';
import {
  after,
  all,
  asAdmin,
  by,
  job,
  mail,
  place,
  query,
  relay,
  released,
  rowOf,
  stepOfDelivery,
} from './delivery-world.ts';

// REPORT_MAIL=verified: health data goes to addresses that their person has confirmed.
const verified = (world: World): World => ({ ...world, settings: { ...world.settings, reportMail: 'verified' } });
const patientIdOf = ({ study }: Opened) => study.subject.reference!;
const wordIn = (text: string | undefined) => /confirm-address\/([A-Za-z0-9_-]{43})/.exec(text ?? '')![1]!;

test('a report waits until its patient has confirmed the address; the question says nothing of it, and is asked once', async () => {
  const { review, delivery } = await released('new@example.org');
  const world = verified(by(relay));
  for (let i = 0; i < 3; i++) await sendReport(world, job(delivery));
  const row = await rowOf(delivery);
  expect(row).toMatchObject({ state: 'waiting', answer: 'address not verified', recipient: 'new@example.org', tries: 0 });
  const notices = await all({ kind: 'notice' });
  expect(notices).toHaveLength(1);
  await mail(world, notices[0]!.id);
  const [notice] = relay.mails;
  expect([notice!.to, notice!.mail.attachments]).toEqual([['new@example.org'], []]);
  expect(`${notice!.mail.subject} ${notice!.mail.text}`).not.toMatch(/CSS-\d|report|Rao|Arjun|Normal/i);

  const address = `${place.server.url}/account/confirm-address/${wordIn(notice!.mail.text)}`;
  const page = await (await fetch(address)).text();
  expect(page).toContain('new@example.org');
  const proof = /name="proof" value="([^"]+)"/.exec(page)![1]!;
  const answer = (birthDate: string) =>
    fetch(address, { method: 'POST', body: new URLSearchParams({ proof, 'birth-date': birthDate }) });
  expect((await answer('1999-01-01')).status).toBe(422);
  await query(`delete from job.job where name = 'send-report'`);
  expect((await answer('1985-04-12')).status).toBe(200);
  expect((await answer('1985-04-12')).status).toBe(404); // used
  expect(await query(`select from job.job where name = 'send-report' and singleton_key = $1 and state < 'active'`, [delivery.id])).toHaveLength(1); // prettier-ignore
  await sendReport(world, job(delivery));
  expect(relay.mails[1]!.mail.attachments).toHaveLength(1);
  expect((await stepOfDelivery(delivery)).status).toBe('completed');
  const second = await place.world.read(({ addresses }) => addresses.isConfirmed('NEW@example.org', patientIdOf(review)));
  expect(second).toBe(true); // the next report goes at once
}); // prettier-ignore

test('five wrong dates of birth end the link; foreign and mistyped ones open nothing', async () => {
  const { delivery } = await released('guess@example.org');
  const world = verified(by(relay));
  await sendReport(world, job(delivery));
  await mail(world, (await all({ kind: 'notice' }))[0]!.id);
  const address = `${place.server.url}/account/confirm-address/${wordIn(relay.mails[0]!.mail.text)}`;
  const proof = /name="proof" value="([^"]+)"/.exec(await (await fetch(address)).text())![1]!;
  const answer = async (birthDate: string, body = { proof, 'birth-date': birthDate }) =>
    (await fetch(address, { method: 'POST', body: new URLSearchParams(body) })).status;
  expect(await answer('', { proof: 'other', 'birth-date': '1985-04-12' })).toBe(403);
  expect([await answer('1'), await answer('2'), await answer('3'), await answer('4')]).toEqual([422, 422, 422, 422]);
  expect(await answer('5')).toBe(404);
  expect(await answer('1985-04-12')).toBe(404);
  expect((await fetch(`${place.server.url}/account/confirm-address/${'x'.repeat(43)}`)).status).toBe(404);
  expect((await rowOf(delivery)).state).toBe('waiting');
});

test('the verified address of the own account counts, that of another person does not', async () => {
  const world = verified(by(relay));
  const [own, other] = [await released('own@example.org'), await released('shared@example.org')];
  const account = (email: string, fhirUser: string) =>
    ensureAccount(place.world, place.server.system.passwords, { email, password: 'ten words of it', role: 'patient', displayName: 'P', fhirUser }); // prettier-ignore
  await account('Own@example.org', patientIdOf(own.review));
  await account('shared@example.org', 'Patient/somebody-else');
  for (const { delivery } of [own, other]) await sendReport(world, job(delivery));
  expect(relay.mails.map(({ to }) => to[0])).toEqual(['own@example.org']);
  expect((await rowOf(other.delivery)).answer).toBe('address not verified');
});

test('an address that is confirmed meanwhile is tried without waiting for its day', async () => {
  const { review, delivery } = await released('soon@example.org');
  await sendReport(verified(by(relay)), job(delivery));
  await query(`delete from job.job`);
  await query(`update delivery set changed_at = changed_at - interval '1 minute'`);
  const before = await oweMails(place.world);
  await place.world.transaction(({ addresses }) => addresses.confirm('soon@example.org', patientIdOf(review)));
  expect([before, await oweMails(place.world)]).toEqual([1, 1]); // the notice; the report
});

test('who does not answer three times is not asked again: the step fails, and an administrator hears of it', async () => {
  const { delivery } = await released('silent@example.org');
  const world = verified(by(relay));
  for (let week = 0; week < 4; week++) await sendReport(after(world, week * 8 * 86_400), job(delivery));
  // Each notice is asked from the database's clock: the weeks are moved instead.
  for (let week = 0; week < 3; week++) {
    await query(`update delivery set asked_at = asked_at - interval '8 days'`);
    await sendReport(world, job(delivery));
  }
  expect((await all({ kind: 'notice' })).length).toBe(3);
  const step = await stepOfDelivery(delivery);
  expect([step.status, step.statusReason!.coding![0]!.code]).toEqual(['failed', 'address-unconfirmed']);
  expect(await all({ kind: 'alert' })).toHaveLength(1);
});

test('where the question cannot be delivered, the report is not either', async () => {
  relay.script.recipient = [550, '5.1.1 No such person'];
  const { delivery } = await released('gone@example.org');
  const world = verified(by(relay));
  await sendReport(world, job(delivery));
  await mail(world, (await all({ kind: 'notice' }))[0]!.id);
  expect((await rowOf(delivery)).state).toBe('refused');
  expect((await stepOfDelivery(delivery)).statusReason!.coding![0]!.code).toBe('delivery-failed');
});

test('another address is confirmed first, too', async () => {
  const { delivery } = await released('old@example.org');
  const world = verified(by(relay));
  await sendReport(world, job(delivery));
  const id = deliveryOf(`Task/${delivery.id}`);
  expect(await asAdmin((context) => sendElsewhere(context, id, 'chosen@example.org'))).toBe(id);
  await sendReport(world, job(delivery));
  expect(await rowOf(delivery)).toMatchObject({ recipient: 'chosen@example.org', answer: 'address not verified' });
  expect((await all({ kind: 'notice' })).map(({ recipient }) => recipient).sort()).toEqual(['chosen@example.org', 'old@example.org']); // prettier-ignore
});

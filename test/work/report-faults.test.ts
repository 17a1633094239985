import type { Communication, DiagnosticReport, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import type { OutgoingMail } from '../../server/core/deliveries/mailer.ts';
import type { World } from '../../server/core/world.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import {
  complete,
  approvedReview,
  releasedReview,
  open,
  read,
  reviewWorld,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

// Printing and mailing go wrong: nothing half-released, nothing twice.
let place: ReviewWorld;
const job = (task: { id: string }, final = false) =>
  taken({ kind: 'issue-report', key: task.id, data: { task: task.id } }, { final });
const coordination = (review: Opened) => read<Task>(place.world, 'Task', review.coordinationId);
const status = async (review: Opened) => statusOf((await coordination(review)).businessStatus);
const broken: World['pdf'] = { print: () => Promise.reject(new Problem('timeout', 'hung')) };
/** The world with some parts that fail: the faults come from outside the code under test. */
const but = (parts: Partial<World>): World => ({ ...place.world, ...parts });

beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

const approved = (email: string | undefined) => approvedReview(place, email);
const released = (email: string | undefined) => releasedReview(place, email);

test('a print that fails is tried again; on the last try the step fails with its reason and an approval waits', async () => {
  const review = await approved('a@example.org');
  const delivery = await open(place.world, review, 'report-delivery');
  await expect(issueReport(but({ pdf: broken }), job(delivery))).rejects.toMatchObject({ code: 'timeout' });
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('requested');
  await expect(issueReport(but({ pdf: broken }), job(delivery, true))).rejects.toMatchObject({ code: 'timeout' });
  const failed = await read<Task>(place.world, 'Task', delivery.id);
  expect([failed.status, failed.statusReason!.coding![0]!.code]).toEqual(['failed', 'print-failed']);
  expect(await status(review)).toBe('PHARMACIST_COMPLETED');

  await complete(place.world, place.people.admin, await open(place.world, review, 'release-approval'));
  const second = await open(place.world, review, 'report-delivery');
  await issueReport(place.world, job(second));
  expect(await status(review)).toBe('REPORT_READY');
  const reference = outputOf(await coordination(review), 'report')!.reference.split('/')[1]!;
  expect((await read<DiagnosticReport>(place.world, 'DiagnosticReport', reference)).identifier).toHaveLength(1);
});

test('a crash after printing and before storing releases nothing; the next try does', async () => {
  const review = await approved('a@example.org');
  const delivery = await open(place.world, review, 'report-delivery');
  let transactions = 0;
  const dying = but({
    transaction: (work) => (++transactions > 1 ? Promise.reject(new Error('killed')) : place.world.transaction(work)),
  });
  await expect(issueReport(dying, job(delivery))).rejects.toThrow('killed');
  expect(await status(review)).toBe('PHARMACIST_COMPLETED');
  await issueReport(place.world, job(delivery));
  expect(await status(review)).toBe('REPORT_READY');
});

test('a report that changed while it was printed is printed again', async () => {
  const review = await approved('a@example.org');
  const delivery = await open(place.world, review, 'report-delivery');
  const id = outputOf(await coordination(review), 'report')!.reference.split('/')[1]!;
  const meddling: World['pdf'] = {
    async print(html) {
      const report = await read<DiagnosticReport>(place.world, 'DiagnosticReport', id);
      await writeInTransaction(place.world, systemPrincipal('test'), {
        method: 'update',
        id,
        resource: { ...report, effectiveDateTime: '2026-11-20' },
      });
      return place.world.pdf.print(html);
    },
  };
  await expect(issueReport(but({ pdf: meddling }), job(delivery))).rejects.toMatchObject({ code: 'transient' });
  await issueReport(place.world, job(delivery));
  expect(await read<DiagnosticReport>(place.world, 'DiagnosticReport', id)).toMatchObject({
    status: 'final',
    effectiveDateTime: '2026-11-20',
  });
});

test('report numbers are given once each, without gaps', async () => {
  const numbers: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { review } = await released('a@example.org');
    const id = outputOf(await coordination(review), 'report')!.reference.split('/')[1]!;
    numbers.push((await read<DiagnosticReport>(place.world, 'DiagnosticReport', id)).identifier![0]!.value!);
  }
  const serials = numbers.map((number) => Number(number.slice(-5)));
  expect(serials).toEqual([serials[0], serials[0]! + 1, serials[0]! + 2]);
});

test.each([
  [undefined, 'no-address', 'completed'],
  ['a@example.org, evil@example.org', 'bad-address', 'failed'],
  ['a@example.org\u2028Bcc: evil@example.org', 'bad-address', 'failed'],
])('a patient with the address %j: released, message not done (%s)', async (email, reason, ended) => {
  const { review, delivery } = await released(email);
  const sent: OutgoingMail[] = [];
  await sendReport(but({ mailer: { send: async (mail) => void sent.push(mail) } }), job(delivery));
  expect(sent).toEqual([]);
  expect(await status(review)).toBe('REPORT_READY');
  const task = await read<Task>(place.world, 'Task', delivery.id);
  expect([task.status, task.statusReason!.coding![0]!.code]).toEqual([ended, reason]);
  const message = await read<Communication>(
    place.world,
    'Communication',
    outputOf(task, 'message')!.reference.split('/')[1]!,
  );
  expect(message).toMatchObject({ status: 'not-done', statusReason: { coding: [{ code: reason }] } });
});

test('a relay that is away: tried again with the same Message-ID, sent once when it is back', async () => {
  const { delivery } = await released('a@example.org');
  const tried: OutgoingMail[] = [];
  const away = but({
    mailer: { send: (mail) => (tried.push(mail), Promise.reject(new Problem('transient', 'away'))) },
  });
  await sendReport(away, job(delivery, true)); // however often the queue has tried: the delivery is not over
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('in-progress');
  const back = but({ mailer: { send: async (mail) => void tried.push(mail) } });
  await sendReport(back, job(delivery));
  await sendReport(back, job(delivery));
  expect(tried).toHaveLength(2);
  expect(tried[0]!.messageId).toBe(tried[1]!.messageId);
  expect((await read<Task>(place.world, 'Task', delivery.id)).status).toBe('completed');
});

test('a relay that refuses for good, or stays away for days: failed, and seen', async () => {
  for (const [code, days] of [['business-rule', 0], ['transient', 5]] as const) {
    const { review, delivery } = await released('a@example.org');
    const later = () => new Date(place.world.now().getTime() + days * 86_400_000);
    await sendReport(but({ now: later, mailer: { send: () => Promise.reject(new Problem(code, 'no')) } }), job(delivery));
    const task = await read<Task>(place.world, 'Task', delivery.id);
    expect([task.status, task.statusReason!.coding![0]!.code]).toEqual(['failed', 'delivery-failed']);
    expect(await status(review)).toBe('REPORT_READY');
  }
}); // prettier-ignore

test('mail carries no health data but the attachment: no name, no finding, no patient number in subject, text or file name', async () => {
  const { delivery } = await released('a@example.org');
  const sent: OutgoingMail[] = [];
  await sendReport(but({ mailer: { send: async (mail) => void sent.push(mail) } }), job(delivery));
  const { subject, text, attachments, to } = sent[0]!;
  const open = `${subject}\n${text}\n${attachments[0]!.name}`;
  for (const secret of ['Rao', 'Arjun', 'Normal', 'Fine.', 'P-0']) expect(open).not.toContain(secret);
  expect(to).toBe('a@example.org');
  expect(attachments[0]!.name).toMatch(/^CSS-\d{4}-\d{5}\.pdf$/);
  expect(Buffer.from(attachments[0]!.bytes.subarray(0, 5)).toString()).toBe('%PDF-');
});

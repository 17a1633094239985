import type {
  Binary,
  Communication,
  DocumentReference,
  MedicationRequest,
  Observation,
  Practitioner,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { reasonConcept, statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { oweAmendment } from '../../server/core/workflow/amendment.ts';
import { reviewAt } from '../../server/core/workflow/review.ts';
import { amendReading } from '../../server/core/workflow/amend-reading.ts';
import { cancelReview } from '../../server/core/workflow/cancel-review.ts';
import { transitionFor } from '../../server/core/workflow/scan-review.ts';
import { inputOf, outputOf, outputsOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import { taken } from '../harness/jobs.ts';
import {
  change,
  complete,
  conclusion,
  noneNeeded,
  open,
  read,
  releasedReview,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';
import { agreeing, corrections, note } from './corrections-world.ts';

// Corrections before and after the release, on PostgreSQL, with the real model and printer.
let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());
const { t0, named, status, at, as, report, request, issue, mail, waiting, release, verified, prescribed } = corrections(
  () => place,
);

test('an addendum stands below the signed text, with its own signature, in a new version; the earlier one is kept for staff', async () => {
  const { review, delivery } = await releasedReview(place, 'ada@example.org');
  await mail(delivery);
  const before = await report(review);
  const first = await named<DocumentReference>(review, 'document');
  const step = await request(review, 'addendum', 'The lateral view came in.');
  expect(await report(review)).toEqual(before);
  await complete(place.world, place.people.doctor, step, note('The lateral view shows nothing else.'));
  expect(await report(review)).toEqual(before);
  expect(await status(review)).toBe('REPORT_READY');
  const second = await release(review);

  const after = await report(review);
  const today = new Date().toISOString().slice(0, 10);
  expect(after).toMatchObject({
    status: 'appended',
    conclusion: `Fine.\n\nAddendum 1 of ${today}:\nThe lateral view shows nothing else.`,
    identifier: before.identifier,
    conclusionCode: before.conclusionCode,
  });
  expect(after.result!.length).toBe(before.result!.length + 1);
  const document = await named<DocumentReference>(review, 'document');
  expect(document).toMatchObject({
    status: 'current',
    relatesTo: [{ code: 'replaces', target: { reference: `DocumentReference/${first.id}` } }],
    masterIdentifier: { value: `${before.identifier![0]!.value}.2` },
    content: [{ attachment: { title: expect.stringContaining('version 2') as unknown } }],
  });
  const old = await read<DocumentReference>(place.world, 'DocumentReference', first.id);
  expect(old.status).toBe('superseded');
  const bytes = await read<Binary>(place.world, 'Binary', old.content[0]!.attachment.url!.split('/')[1]!);
  expect(bytes.data!.length).toBeGreaterThan(1000);
  expect(bytes.meta!.security!.map(({ code }) => code)).toContain('NOPAT');
  expect(await status(review)).toBe('REPORT_READY');

  await mail(second);
  const told = await read<Communication>(
    place.world,
    'Communication',
    outputOf(await read<Task>(place.world, 'Task', second.id), 'message')!.reference.split('/')[1]!,
  );
  expect(told).toMatchObject({ status: 'completed', payload: [{ contentReference: { reference: `DocumentReference/${document.id}` } }] }); // prettier-ignore
});

test('a correction goes by the pharmacist; the reading and the medication are replaced at its release, not before', async () => {
  const { review } = await releasedReview(place, 'bob@example.org');
  const step = await request(review, 'correction', 'Wrong side was named.', place.people.admin);
  await change(place.world, place.people.doctor, step, { status: 'in-progress' });
  await expect(
    change(place.world, place.people.doctor, step, { status: 'completed', ...note('Left side.') }),
  ).rejects.toMatchObject({ code: 'business-rule', expression: 'Task.output' });
  await change(place.world, place.people.doctor, step, {
    status: 'completed', ...note('Left lower lobe.'), output: [conclusion('Lung_Opacity')],
  }); // prettier-ignore
  const finding = await named<Observation>(review, 'clinical-finding');
  expect(finding.note![0]!.text).toBe('Fine.');
  const pharmacy = await open(place.world, review, 'pharmacist-review');
  expect(inputOf(pharmacy, 'amended-by')).toEqual({ reference: `Task/${step.id}` });
  const drug: MedicationRequest = {
    resourceType: 'MedicationRequest', id: 'm', status: 'draft', intent: 'proposal',
    subject: review.study.subject as { reference: string }, medicationCodeableConcept: { text: 'Amoxicillin 500 mg' },
  }; // prettier-ignore
  await complete(place.world, place.people.pharmacist, pharmacy, {
    ...note('Seven days.'), contained: [drug], output: [{ type: noneNeeded.type, valueReference: { reference: '#m' } }],
  }); // prettier-ignore
  expect(outputsOf(await t0(review), 'medication')[0]!.valueCodeableConcept).toBeDefined();
  expect((await report(review)).conclusion).toBe('Fine.');
  await release(review);
  expect(await report(review)).toMatchObject({ status: 'corrected', conclusion: 'Left lower lobe.' });
  expect(await read<Observation>(place.world, 'Observation', finding.id)).toMatchObject({
    status: 'corrected',
    note: [{ text: 'Left lower lobe.' }],
  });
  const medication = await named<MedicationRequest>(review, 'medication');
  expect(medication).toMatchObject({ status: 'active' });
  expect(medication.meta?.security).toBeUndefined();

  // A second correction without that medication stops it.
  const again = await request(review, 'correction', 'The medication was not needed.');
  await complete(place.world, place.people.doctor, again, agreeing);
  await complete(place.world, place.people.pharmacist, await open(place.world, review, 'pharmacist-review'), {
    ...note('None.'), output: [noneNeeded],
  }); // prettier-ignore
  await release(review);
  expect((await read<MedicationRequest>(place.world, 'MedicationRequest', medication.id)).status).toBe('stopped');
  expect((await named<DocumentReference>(review, 'document')).masterIdentifier!.value).toMatch(/\.3$/);
});

test('a correction is sent back to the doctor with the reason; one that is not needed is ended without a change', async () => {
  const { review } = await releasedReview(place, undefined);
  const before = await report(review);
  const step = await request(review, 'correction', 'Typing error.');
  await complete(place.world, place.people.doctor, step, agreeing);
  const pharmacy = await open(place.world, review, 'pharmacist-review');
  await change(place.world, place.people.pharmacist, pharmacy, {
    status: 'rejected', statusReason: { text: 'Dose unclear.' },
  }); // prettier-ignore
  const again = await open(place.world, review, 'report-amendment');
  expect(again.statusReason).toEqual({ text: 'Dose unclear.' });
  expect(inputOf(again, 'returned-from')).toEqual({ reference: `Task/${pharmacy.id}` });
  await change(place.world, place.people.doctor, again, {
    status: 'rejected', statusReason: { text: 'The text was right.' },
  }); // prettier-ignore
  expect(await report(review)).toEqual(before);
  expect(await status(review)).toBe('REPORT_READY');
  await request(review, 'addendum', 'Now an addendum.');
});

test('of two people who ask for an amendment at once one gets it; late images are added to the one that is open', async () => {
  const { review } = await releasedReview(place, undefined);
  const both = await Promise.allSettled([
    request(review, 'addendum', 'one'),
    request(review, 'correction', 'other', place.people.admin),
  ]);
  expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  const lost = both.find((one) => one.status === 'rejected')!;
  expect(lost.reason).toMatchObject({ code: 'conflict' });
  const seen = { type: { coding: [{ system: systems.reviewData, code: 'image-update' }] }, valueReference: { reference: `ImagingStudy/${review.study.id}/_history/2` } }; // prettier-ignore
  const late = { kind: 'addendum' as const, reason: reasonConcept('new-images'), inputs: [seen] };
  const owed = await as(systemPrincipal('test'), async (context) =>
    oweAmendment(await reviewAt(context, at(review)), late),
  );
  const standing = await open(place.world, review, 'report-amendment');
  expect(owed.id).toBe(standing.id);
  expect(inputOf(standing, 'image-update')).toEqual(seen.valueReference);
});

test('amend takes the reading back while the pharmacist has not begun; at the same moment one of the two wins', async () => {
  const review = await verified(agreeing);
  await expect(as(place.people.pharmacist, (context) => amendReading(context, at(review), 'x'))).rejects.toMatchObject({
    code: 'forbidden',
  });
  const step = await as(place.people.doctor, (context) => amendReading(context, at(review), 'Another look.'));
  expect(step).toMatchObject({ status: 'in-progress', owner: { reference: place.people.doctor.fhirUser } });
  expect(await status(review)).toBe('RETURNED');
  await change(place.world, place.people.doctor, step, { status: 'completed', ...agreeing });
  const pharmacy = await open(place.world, review, 'pharmacist-review');
  const race = await Promise.allSettled([
    as(place.people.doctor, (context) => amendReading(context, at(review), 'Once more.')),
    change(place.world, place.people.pharmacist, pharmacy, { status: 'in-progress' }),
  ]);
  expect(race.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(race.find((one) => one.status === 'rejected')!.reason).toMatchObject({ code: 'conflict' });
  const doctorWon = race[0].status === 'fulfilled';
  expect(await status(review)).toBe(doctorWon ? 'RETURNED' : 'DOCTOR_VERIFIED');
  expect((await read<Task>(place.world, 'Task', pharmacy.id)).status).toBe(doctorWon ? 'cancelled' : 'in-progress');
});

const cancel = (review: Opened, by = place.people.admin) =>
  as(by, (context) =>
    cancelReview(context, at(review), { text: 'Not needed.' }, ({ status: now }) =>
      transitionFor(now, 'cancel', by.role),
    ),
  );

test('a review is cancelled while the model runs, and while its PDF is printed: nothing is written after', async () => {
  const running = await place.film({ patientId: 'P-cancel' });
  const step = await open(place.world, running, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  const run = analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  const [, done] = await Promise.all([run, cancel(running)]);
  expect(statusOf(done.businessStatus)).toBe('CANCELLED');
  expect((await report(running)).status).toBe('cancelled');

  const printing = await prescribed(agreeing);
  await complete(place.world, place.people.admin, await open(place.world, printing, 'release-approval'));
  const delivery = await waiting(printing);
  const race = await Promise.allSettled([issue(delivery), cancel(printing)]);
  expect(race[0].status).toBe('fulfilled');
  const cancelled = race[1].status === 'fulfilled';
  expect(await status(printing)).toBe(cancelled ? 'CANCELLED' : 'REPORT_READY');
  expect((await report(printing)).status).toBe(cancelled ? 'cancelled' : 'final');
  expect(outputsOf(await t0(printing), 'document')).toHaveLength(cancelled ? 0 : 1);
  await expect(cancel(running)).rejects.toMatchObject({ code: 'conflict' });
});

test('an order that its EHR withdraws cancels the review; after the release that is refused, and the way is named', async () => {
  const revoke = async (review: Opened) => {
    const order = await read<ServiceRequest>(place.world, 'ServiceRequest', (await t0(review)).focus!.reference!.split('/')[1]!); // prettier-ignore
    const resource: ServiceRequest = { ...order, status: 'revoked' };
    return writeInTransaction(place.world, place.people.doctor, { method: 'update', id: order.id, resource });
  };
  const review = await place.film({ patientId: 'P-revoke' });
  await revoke(review);
  expect(await status(review)).toBe('CANCELLED');
  const { review: released } = await releasedReview(place, undefined);
  await expect(revoke(released)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('$retract') as unknown,
  });
  expect(await status(released)).toBe('REPORT_READY');
});

test('everybody who was told of the earlier version is told of the new one; a mail of the earlier that still waits is void', async () => {
  const { review, delivery } = await releasedReview(place, 'carl@example.org');
  const referrer: Practitioner = {
    resourceType: 'Practitioner',
    id: 'referrer-1',
    telecom: [{ system: 'email', value: 'dr@example.org' }],
  };
  await writeInTransaction(place.world, systemPrincipal('test'), {
    method: 'update',
    id: 'referrer-1',
    resource: referrer,
  });
  const told: Communication = {
    resourceType: 'Communication', status: 'completed', subject: review.study.subject as { reference: string },
    about: [{ reference: `DiagnosticReport/${(await report(review)).id}` }], recipient: [{ reference: 'Practitioner/referrer-1' }],
  }; // prettier-ignore
  await writeInTransaction(place.world, systemPrincipal('test'), { method: 'create', resource: told });
  await complete(place.world, place.people.doctor, await request(review, 'amendment', 'Clearer words.'), agreeing);
  const second = await release(review);
  expect(await report(review)).toMatchObject({ status: 'amended', conclusion: 'Normal film.' });
  expect(await read<Task>(place.world, 'Task', delivery.id)).toMatchObject({
    status: 'cancelled',
    statusReason: { coding: [{ code: 'superseded' }] },
  });
  await mail(delivery);
  const mailing = (await steps(place.world, review.coordinationId)).filter(
    ({ code, status: now }) => code?.coding?.[0]?.code === 'report-delivery' && now === 'in-progress',
  );
  expect(mailing.map((one) => inputOf(one, 'recipient')?.reference ?? one.for!.reference).sort()).toEqual(
    [review.study.subject.reference, 'Practitioner/referrer-1'].sort(),
  );
  for (const one of mailing) await mail(one);
  for (const one of mailing) {
    const ended = await read<Task>(place.world, 'Task', one.id);
    expect(ended.status).toBe('completed');
    const message = await read<Communication>(
      place.world,
      'Communication',
      outputOf(ended, 'message')!.reference.split('/')[1]!,
    );
    expect(message.recipient).toEqual([inputOf(one, 'recipient') ?? { reference: one.for!.reference }]);
  }
  expect(mailing.map(({ id }) => id)).toContain(second.id);
});

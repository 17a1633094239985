import type { DiagnosticReport, MedicationRequest, Observation, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { inputOf, outputOf, outputsOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import {
  change,
  complete,
  conclusion,
  disagreement,
  noneNeeded,
  open,
  read,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

// What the rule refuses, and the roads beside the main one, on PostgreSQL.
let place: ReviewWorld;
const text = (words: string) => ({ text: words });
const job = (task: { id: string }) => taken({ kind: 'analyze', key: task.id, data: { task: task.id } });
const status = async (review: Opened) =>
  statusOf((await read<Task>(place.world, 'Task', review.coordinationId)).businessStatus);
const reportOf = async (review: Opened) => {
  const reference = outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'report')!.reference;
  return read<DiagnosticReport>(place.world, 'DiagnosticReport', reference.split('/')[1]!);
};

beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

async function analyzed(): Promise<Opened> {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  await analyze(place.world, job(step));
  return review;
}

async function verified(): Promise<Opened> {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await complete(place.world, place.people.doctor, step, {
    note: [text('Normal film.')],
    output: [conclusion('Normal')],
  });
  return review;
}

async function prescribed(): Promise<Opened> {
  const review = await verified();
  const step = await open(place.world, review, 'pharmacist-review');
  await complete(place.world, place.people.pharmacist, step, { note: [text('Nothing to add.')], output: [noneNeeded] });
  return review;
}

// An empty string is no FHIR string at all (json.html#primitive): the validator refuses it before the rule is asked.
test.each([
  ['', 'value'],
  [' ', 'business-rule'],
  ['\n\t  ', 'business-rule'],
  ['\u00a0\u2003', 'business-rule'],
])('a note of %j is refused as %s and the step stays as it was', async (words, code) => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await change(place.world, place.people.doctor, step, { status: 'in-progress' });
  const attempt = change(place.world, place.people.doctor, step, {
    status: 'completed',
    note: [text(words)],
    output: [conclusion('Normal')],
  });
  await expect(attempt).rejects.toMatchObject({ code });
  expect((await read<Task>(place.world, 'Task', step.id)).status).toBe('in-progress');
  expect(await status(review)).toBe('AI_ANALYZED');
});

test('without a note, verify and prescribe are refused as business rules', async () => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await expect(
    complete(place.world, place.people.doctor, step, { output: [conclusion('Normal')] }),
  ).rejects.toMatchObject({ code: 'business-rule', expression: 'Task.note' });
  const later = await verified();
  const pharmacy = await open(place.world, later, 'pharmacist-review');
  await expect(
    complete(place.world, place.people.pharmacist, pharmacy, { output: [noneNeeded] }),
  ).rejects.toMatchObject({ code: 'business-rule', expression: 'Task.note' });
});

test('where the AI is uncertain the doctor must conclude; a conclusion is a class or words', async () => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  const finding = outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'ai-finding')!.reference.split(
    '/',
  )[1]!;
  const observation = await read<Observation>(place.world, 'Observation', finding);
  const uncertain = { coding: [{ system: systems.scanFinding, code: 'Uncertain' }] };
  const interpretation = [{ coding: [{ system: systems.interpretation, code: 'IND' }] }];
  await writeInTransaction(place.world, systemPrincipal('test'), {
    method: 'update',
    id: finding,
    resource: { ...observation, valueCodeableConcept: uncertain, interpretation },
  });
  await expect(complete(place.world, place.people.doctor, step, { note: [text('Seen.')] })).rejects.toMatchObject({
    code: 'business-rule',
    expression: 'Task.output',
  });
  const as = (output: ReturnType<typeof conclusion>) =>
    change(place.world, place.people.doctor, step, { status: 'completed', note: [text('Seen.')], output: [output] });
  await expect(as(conclusion('Uncertain'))).rejects.toMatchObject({ code: 'code-invalid' });
  await expect(as(conclusion('Gout'))).rejects.toMatchObject({ code: 'code-invalid' });
  await as({ ...conclusion('x'), valueCodeableConcept: { text: 'Old rib fracture' } } as unknown as ReturnType<
    typeof conclusion
  >);
  expect((await reportOf(review)).conclusionCode).toEqual([{ text: 'Old rib fracture' }]);
});

test('each step refuses the other roles, a service, and a person without a resource of its own', async () => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  const { doctor, pharmacist, admin } = place.people;
  for (const person of [pharmacist, admin]) {
    await expect(change(place.world, person, step, { status: 'in-progress' })).rejects.toMatchObject({
      code: 'forbidden',
    });
  }
  await expect(change(place.world, place.people.patient, step, { status: 'in-progress' })).rejects.toMatchObject({
    code: expect.stringMatching(/forbidden|not-found/) as unknown,
  });
  const service = {
    kind: 'client' as const,
    subject: 'x',
    clientId: 'x',
    scopes: [{ context: 'system' as const, type: '*', permissions: 'cruds' }],
  };
  await expect(change(place.world, service, step, { status: 'in-progress' })).rejects.toMatchObject({
    code: 'forbidden',
  });
  const { fhirUser: _none, ...nobody } = doctor;
  await expect(change(place.world, nobody, step, { status: 'in-progress' })).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('nobody writes the coordination Task, makes a step, or skips one', async () => {
  const review = await analyzed();
  const { doctor, admin } = place.people;
  const t0 = await read<Task>(place.world, 'Task', review.coordinationId);
  await expect(change(place.world, doctor, t0, { status: 'completed' })).rejects.toMatchObject({ code: 'forbidden' });
  const step = await open(place.world, review, 'physician-verification');
  const { id: _id, meta: _meta, ...copy } = step;
  const made = { ...copy, code: { coding: [{ system: systems.reviewStep, code: 'release-approval' }] } };
  await expect(writeInTransaction(place.world, admin, { method: 'create', resource: made })).rejects.toMatchObject({
    code: 'forbidden',
  });
  await expect(change(place.world, doctor, step, { status: 'completed', note: [text('x')] })).rejects.toMatchObject({
    code: 'conflict',
  });
  await expect(
    change(place.world, doctor, step, { status: 'cancelled', statusReason: text('x') }),
  ).rejects.toMatchObject({ code: 'conflict' });
  await expect(change(place.world, doctor, step, { code: made.code })).rejects.toMatchObject({ code: 'business-rule' });
});

test.each([
  ['for', { reference: 'Patient/someone-else' }],
  ['partOf', [{ reference: 'Task/other' }]],
  ['focus', { reference: 'ImagingStudy/other' }],
  ['input', [{ type: { text: 'x' }, valueString: 'y' }]],
  ['requester', { reference: 'Practitioner/other' }],
  ['groupIdentifier', { value: 'x' }],
  ['authoredOn', '2020-01-01'],
] as const)('a client cannot change %s of a step', async (element, value) => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await expect(
    change(place.world, place.people.doctor, step, { status: 'in-progress', [element]: value }),
  ).rejects.toMatchObject({ code: 'business-rule' });
});

test('notes are added and never changed; the author is who writes', async () => {
  const review = await analyzed();
  const { doctor } = place.people;
  const step = await open(place.world, review, 'physician-verification');
  await change(place.world, doctor, step, {
    status: 'in-progress',
    note: [{ ...text('first'), authorString: 'somebody else', time: '2001-01-01' } as never],
  });
  const stored = await read<Task>(place.world, 'Task', step.id);
  expect(stored.note![0]).toMatchObject({ text: 'first', authorReference: { reference: doctor.fhirUser } });
  expect(stored.note![0]!.time).not.toContain('2001');
  await expect(change(place.world, doctor, step, { note: [text('changed')] })).rejects.toMatchObject({
    code: 'business-rule',
  });
  await expect(change(place.world, doctor, step, { note: [text('second'), text('first')] })).rejects.toMatchObject({
    code: 'business-rule',
  });
});

test('a claim is one’s own: another doctor cannot end it, may take it from hold, and nobody claims for others', async () => {
  const review = await analyzed();
  const { doctor, admin } = place.people;
  const colleague = { ...doctor, fhirUser: 'Practitioner/colleague' };
  const step = await open(place.world, review, 'physician-verification');
  await expect(
    change(place.world, doctor, step, { status: 'in-progress', owner: { reference: 'Practitioner/colleague' } }),
  ).rejects.toMatchObject({ code: 'forbidden' });
  await change(place.world, doctor, step, { status: 'in-progress' });
  await expect(
    change(place.world, colleague, step, { status: 'completed', note: [text('x')], output: [conclusion('Normal')] }),
  ).rejects.toMatchObject({ code: 'forbidden' });
  await expect(change(place.world, admin, step, { status: 'on-hold' })).rejects.toMatchObject({
    code: 'business-rule',
  });
  await change(place.world, admin, step, { status: 'on-hold', statusReason: text('on leave') });
  await change(place.world, colleague, step, { status: 'in-progress' });
  expect((await read<Task>(place.world, 'Task', step.id)).owner).toEqual({ reference: 'Practitioner/colleague' });
});

test('a doctor asks for a new image: the review ends, the order stays open, nothing goes on', async () => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await expect(change(place.world, place.people.doctor, step, { status: 'rejected' })).rejects.toMatchObject({
    code: expect.stringMatching(/business-rule|invariant/) as unknown,
  });
  const reason = { coding: [{ system: systems.reviewReason, code: 'image-quality' }] };
  await change(place.world, place.people.doctor, step, { status: 'rejected', statusReason: reason });
  expect(await status(review)).toBe('REJECTED');
  expect(await read<Task>(place.world, 'Task', review.coordinationId)).toMatchObject({
    status: 'failed',
    statusReason: reason,
  });
  expect((await reportOf(review)).status).toBe('cancelled');
  await expect(change(place.world, place.people.doctor, step, { status: 'in-progress' })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('an image of the wrong patient makes report and findings errors, never deleted', async () => {
  const review = await analyzed();
  const step = await open(place.world, review, 'physician-verification');
  await change(place.world, place.people.doctor, step, { status: 'in-progress' });
  await change(place.world, place.people.doctor, step, {
    status: 'failed',
    statusReason: { coding: [{ system: systems.reviewReason, code: 'wrong-patient' }] },
  });
  const report = await reportOf(review);
  expect(report.status).toBe('entered-in-error');
  const finding = await read<Observation>(place.world, 'Observation', report.result![0]!.reference!.split('/')[1]!);
  expect(finding.status).toBe('entered-in-error');
});

test('medication: not both, not neither, not for another patient', async () => {
  const review = await verified();
  const step = await open(place.world, review, 'pharmacist-review');
  const { pharmacist } = place.people;
  await change(place.world, pharmacist, step, { status: 'in-progress' });
  const drug = (subject: string): MedicationRequest => ({
    resourceType: 'MedicationRequest',
    id: 'm',
    status: 'draft',
    intent: 'proposal',
    subject: { reference: subject },
    medicationCodeableConcept: text('Aspirin'),
  });
  const local = { type: noneNeeded.type, valueReference: { reference: '#m' } };
  const attempt = (changes: Partial<Task>) =>
    change(place.world, pharmacist, step, { status: 'completed', note: [text('n')], ...changes });
  await expect(attempt({})).rejects.toMatchObject({ code: 'business-rule' });
  await expect(
    attempt({ output: [noneNeeded, local], contained: [drug(review.study.subject.reference!)] }),
  ).rejects.toMatchObject({ code: 'business-rule' });
  await expect(attempt({ output: [local], contained: [drug('Patient/demo-patient-2')] })).rejects.toMatchObject({
    code: 'business-rule',
  });
  await expect(
    attempt({ output: [{ type: noneNeeded.type, valueReference: { reference: 'MedicationRequest/none' } }] }),
  ).rejects.toMatchObject({ code: 'conflict' });
  expect(await status(review)).toBe('DOCTOR_VERIFIED');
});

test('sent back: a fresh verification with the reason; the proposal is withdrawn; the finding is amended', async () => {
  const review = await verified();
  const pharmacy = await open(place.world, review, 'pharmacist-review');
  const drug: MedicationRequest = {
    resourceType: 'MedicationRequest',
    id: 'm',
    status: 'draft',
    intent: 'proposal',
    subject: review.study.subject as { reference: string },
    medicationCodeableConcept: text('Aspirin'),
  };
  await complete(place.world, place.people.pharmacist, pharmacy, {
    note: [text('n')],
    contained: [drug],
    output: [{ type: noneNeeded.type, valueReference: { reference: '#m' } }],
  });
  const proposal = outputOf(
    await read<Task>(place.world, 'Task', review.coordinationId),
    'medication',
  )!.reference.split('/')[1]!;
  const approval = await open(place.world, review, 'release-approval');
  await expect(
    change(place.world, place.people.admin, approval, { status: 'rejected', statusReason: text('   ') }),
  ).rejects.toMatchObject({ code: expect.stringMatching(/business-rule|invariant|structure|value/) as unknown });
  await change(place.world, place.people.admin, approval, {
    status: 'rejected',
    statusReason: text('side marker is wrong'),
  });
  expect(await status(review)).toBe('RETURNED');
  expect((await read<MedicationRequest>(place.world, 'MedicationRequest', proposal)).status).toBe('cancelled');
  expect(outputsOf(await read<Task>(place.world, 'Task', review.coordinationId), 'medication')).toEqual([]);
  const again = await open(place.world, review, 'physician-verification');
  expect(inputOf(again, 'returned-from')).toEqual({ reference: `Task/${approval.id}` });
  await complete(place.world, place.people.doctor, again, {
    note: [text('Right side.')],
    output: [conclusion('Lung_Opacity'), disagreement('Opacity behind the heart.')],
  });
  const report = await reportOf(review);
  expect(report).toMatchObject({ status: 'preliminary', conclusion: 'Right side.' });
  const finding = outputOf(
    await read<Task>(place.world, 'Task', review.coordinationId),
    'clinical-finding',
  )!.reference.split('/')[1]!;
  expect((await read<Observation>(place.world, 'Observation', finding)).status).toBe('amended');
});

test('four eyes: who verified does not release', async () => {
  const review = await prescribed();
  const step = await open(place.world, review, 'release-approval');
  const same = { ...place.people.admin, fhirUser: place.people.doctor.fhirUser! };
  await expect(complete(place.world, same, step)).rejects.toMatchObject({ code: 'forbidden' });
  expect((await steps(place.world, review.coordinationId)).length).toBe(4);
});

test('of two approvals at once one is done, and one report is owed', async () => {
  const review = await prescribed();
  const step = await open(place.world, review, 'release-approval');
  const { admin } = place.people;
  await change(place.world, admin, step, { status: 'in-progress' });
  const standing = await read<Task>(place.world, 'Task', step.id);
  const approve = () =>
    writeInTransaction(place.world, admin, {
      method: 'update',
      id: step.id,
      resource: { ...standing, status: 'completed' },
    });
  const outcomes = await Promise.all([approve(), approve(), approve()]);
  expect(outcomes.filter(({ unchanged }) => !unchanged)).toHaveLength(1);
  const all = await steps(place.world, review.coordinationId);
  expect(all.filter(({ code }) => code!.coding![0]!.code === 'report-delivery')).toHaveLength(1);
});

test('the server’s own writes bypass roles, not the tables', async () => {
  const review = await place.film();
  const t0 = await read<Task>(place.world, 'Task', review.coordinationId);
  const as = (changes: Partial<Task>) =>
    writeInTransaction(place.world, systemPrincipal('test'), {
      method: 'update',
      id: t0.id,
      resource: { ...t0, ...changes },
    });
  await expect(as({ status: 'completed' })).rejects.toMatchObject({ code: 'conflict' });
  await expect(
    as({ businessStatus: { coding: [{ system: systems.reviewStatus, code: 'REPORT_READY' }] } }),
  ).rejects.toMatchObject({ code: 'conflict' });
});

test('a Task that is no review’s passes unchanged', async () => {
  const task: Task = {
    resourceType: 'Task',
    status: 'requested',
    intent: 'order',
    code: { text: 'Call the patient' },
    for: { reference: 'Patient/demo-patient-1' },
  };
  const { record } = await writeInTransaction(place.world, place.people.admin, { method: 'create', resource: task });
  expect(record.resource).toMatchObject(task);
});

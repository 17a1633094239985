import type {
  Binary,
  Communication,
  DiagnosticReport,
  DocumentReference,
  Media,
  MedicationRequest,
  Observation,
  Patient,
  Provenance,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { outputOf, outputsOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import {
  change,
  complete,
  conclusion,
  open,
  read,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

// One review from arrival to delivery on real parts: PostgreSQL, the model, the browser, SMTP.
let place: ReviewWorld;
let review: Opened;
const job = (kind: 'analyze' | 'issue-report' | 'send-report', task: { id: string }) =>
  taken({ kind, key: task.id, data: { task: task.id } });
const coordination = () => read<Task>(place.world, 'Task', review.coordinationId);
const status = async () => statusOf((await coordination()).businessStatus);
const named = async <T extends DiagnosticReport | Observation | Media | DocumentReference | MedicationRequest>(
  type: Parameters<typeof outputOf>[1],
) => {
  const [kind, id] = outputOf(await coordination(), type)!.reference.split('/');
  return read<T>(place.world, kind as 'Observation', id!);
};

beforeAll(async () => {
  place = await reviewWorld();
  review = await place.film();
  const patient = await read<Patient>(place.world, 'Patient', review.study.subject.reference!.split('/')[1]!);
  await writeInTransaction(place.world, systemPrincipal('test'), {
    method: 'update',
    id: patient.id,
    resource: {
      ...patient,
      telecom: [
        { system: 'email', value: 'arjun@example.org' },
        { system: 'phone', value: '+1 555 0142' },
      ],
    },
  });
});
afterAll(() => place.stop());

test('an arrived study has an order, a coordination Task, a first step and an empty report', async () => {
  const t0 = await coordination();
  expect(t0).toMatchObject({ status: 'received', intent: 'order', code: { coding: [{ code: 'fulfill' }] } });
  expect(await status()).toBe('PENDING_AI');
  const order = await read<ServiceRequest>(place.world, 'ServiceRequest', t0.focus!.reference!.split('/')[1]!);
  expect(order).toMatchObject({ status: 'active', requester: { reference: review.study.subject.reference } });
  expect(order.identifier![0]!.value!.length).toBeLessThanOrEqual(16);
  expect(t0.groupIdentifier).toEqual(order.identifier![0]);
  expect(await open(place.world, review, 'ai-inference')).toMatchObject({
    status: 'requested',
    partOf: [{ reference: `Task/${t0.id}` }],
  });
  expect(await named<DiagnosticReport>('report')).toMatchObject({ status: 'registered' });
});

test('the analysis writes probabilities, threshold, digest and heat map once, however often its job is delivered', async () => {
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  expect((await coordination()).status).toBe('accepted');
  await Promise.all([analyze(place.world, job('analyze', step)), analyze(place.world, job('analyze', step))]);
  await analyze(place.world, job('analyze', step));

  expect(await status()).toBe('AI_ANALYZED');
  expect((await steps(place.world, review.coordinationId)).map(({ status }) => status)).toEqual([
    'completed',
    'requested',
  ]);
  const finding = await named<Observation>('ai-finding');
  expect(finding.status).toBe('preliminary');
  const labels = ['COVID', 'Lung_Opacity', 'NIH_MERGED', 'Normal', 'Sick', 'Viral_Pneumonia'];
  const part = (code: string) => finding.component!.find(({ code: { coding } }) => coding![0]!.code === code)!;
  const sum = labels.reduce((total, label) => total + part(label).valueQuantity!.value!, 0);
  expect(Math.abs(sum - 1)).toBeLessThan(1e-4);
  expect(part('threshold').valueQuantity!.value).toBe(0.75);
  const state = place.world.classifier.state();
  expect(part('model-digest').valueString).toBe(state.model!.model.sha256);
  if (!state.model!.trained) expect(finding.note).toContainEqual({ text: 'untrained head, for pipeline tests only' });
  expect(await named<DiagnosticReport>('report')).toMatchObject({
    status: 'partial',
    result: [{ reference: `Observation/${finding.id}` }],
  });

  const media = await read<Media>(
    place.world,
    'Media',
    (await named<DiagnosticReport>('report')).media![0]!.link.reference!.split('/')[1]!,
  );
  const picture = await read<Binary>(place.world, 'Binary', media.content.url!.split('/')[1]!);
  expect(Buffer.from(picture.data!, 'base64').subarray(0, 3).toString('hex')).toBe('ffd8ff');
  const { matches } = await place.world.read(({ records }) =>
    records.search(
      { type: 'Observation', conditions: [{ parameter: 'patient', values: [review.study.subject.reference!] }], include: [], revinclude: [], sort: [], count: 10, total: 'none' }, // prettier-ignore
      () => everything,
    ),
  );
  expect(matches).toHaveLength(1);
});

test('a doctor verifies: conclusion, own finding, concordance, final AI finding, interpreter', async () => {
  const step = await open(place.world, review, 'physician-verification');
  await complete(place.world, place.people.doctor, step, {
    note: [{ text: 'No consolidation.\n<script>alert(1)</script> Heart size < normal & "fine".' }],
    output: [conclusion('Normal')],
  });
  expect(await status()).toBe('DOCTOR_VERIFIED');
  const report = await named<DiagnosticReport>('report');
  expect(report).toMatchObject({
    status: 'preliminary',
    resultsInterpreter: [{ reference: place.people.doctor.fhirUser }],
    conclusionCode: [{ coding: [{ code: 'Normal' }] }],
  });
  expect(report.result!.length).toBeGreaterThanOrEqual(2);
  expect(await named<Observation>('ai-finding')).toMatchObject({ status: 'final' });
  expect(await named<Observation>('clinical-finding')).toMatchObject({
    status: 'final',
    performer: [{ reference: place.people.doctor.fhirUser }],
  });
  const stored = await read<Task>(place.world, 'Task', step.id);
  expect(stored.note![0]).toMatchObject({ authorReference: { reference: place.people.doctor.fhirUser } });
  expect(stored.executionPeriod!.end).toBeDefined();
});

test('the same completion again by the same person changes nothing; by another it is a conflict', async () => {
  const step = (await steps(place.world, review.coordinationId))[1]!;
  const note = [{ text: 'No consolidation.\n<script>alert(1)</script> Heart size < normal & "fine".' }];
  const again = await change(place.world, place.people.doctor, step, {
    status: 'completed',
    note,
    output: [conclusion('Normal')],
  });
  expect(again.unchanged).toBe(true);
  const other = { ...place.people.doctor, fhirUser: 'Practitioner/another' };
  await expect(change(place.world, other, step, { status: 'completed', note })).rejects.toMatchObject({
    code: 'conflict',
  });
  expect(await steps(place.world, review.coordinationId)).toHaveLength(3);
});

test('a pharmacist completes with a contained proposal, which becomes a resource of its own', async () => {
  const step = await open(place.world, review, 'pharmacist-review');
  const rx: MedicationRequest = {
    resourceType: 'MedicationRequest', id: 'rx1', status: 'draft', intent: 'proposal', subject: review.study.subject,
    medicationCodeableConcept: { text: 'Paracetamol 500 mg' }, dosageInstruction: [{ text: '1 tablet three times a day' }],
  } as MedicationRequest; // prettier-ignore
  const medication = {
    type: { coding: [{ system: systems.reviewData, code: 'medication' }] },
    valueReference: { reference: '#rx1' },
  };
  const { record } = await complete(place.world, place.people.pharmacist, step, {
    note: [{ text: 'Take with water.\nStop after 5 days.' }], contained: [rx], output: [medication],
  }); // prettier-ignore
  expect((record.resource as Task).contained).toBeUndefined();
  expect(await status()).toBe('PHARMACIST_COMPLETED');
  expect(await named<MedicationRequest>('medication')).toMatchObject({
    status: 'draft',
    intent: 'proposal',
    requester: { reference: place.people.pharmacist.fhirUser },
  });
});

test('approval owes the report; the status changes when the PDF is stored, once', async () => {
  const step = await open(place.world, review, 'release-approval');
  await complete(place.world, place.people.admin, step);
  expect(await status()).toBe('PHARMACIST_COMPLETED');
  const delivery = await open(place.world, review, 'report-delivery');
  await Promise.all([
    issueReport(place.world, job('issue-report', delivery)),
    issueReport(place.world, job('issue-report', delivery)),
  ]);
  await issueReport(place.world, job('issue-report', delivery));

  expect(await status()).toBe('REPORT_READY');
  expect((await coordination()).status).toBe('completed');
  const report = await named<DiagnosticReport>('report');
  expect(report.status).toBe('final');
  expect(report.identifier).toHaveLength(1);
  expect(report.identifier![0]!.value).toMatch(/^CSS-\d{4}-00001$/);
  expect(report.presentedForm).toHaveLength(1);
  const document = await named<DocumentReference>('document');
  const { attachment } = document.content[0]!;
  const binary = await read<Binary>(place.world, 'Binary', attachment.url!.split('/')[1]!);
  const pdf = Buffer.from(binary.data!, 'base64');
  expect(pdf.length).toBe(attachment.size);
  expect(createHash('sha1').update(pdf).digest('base64')).toBe(attachment.hash);
  expect(binary.securityContext).toEqual({ reference: review.study.subject.reference });
  expect(await named<MedicationRequest>('medication')).toMatchObject({ status: 'active' });
  const order = await read<ServiceRequest>(
    place.world,
    'ServiceRequest',
    (await coordination()).focus!.reference!.split('/')[1]!,
  );
  expect(order.status).toBe('completed');
  if (process.env['KEEP_PDF']) await writeFile(process.env['KEEP_PDF'], pdf);
});

test('the report is mailed once, and the delivery is written down without its content', async () => {
  const delivery = await open(place.world, review, 'report-delivery');
  expect(delivery.status).toBe('in-progress');
  await sendReport(place.world, job('send-report', delivery));
  await sendReport(place.world, job('send-report', delivery));
  const ended = await read<Task>(place.world, 'Task', delivery.id);
  expect(ended.status).toBe('completed');
  const message = await read<Communication>(
    place.world,
    'Communication',
    outputOf(ended, 'message')!.reference.split('/')[1]!,
  );
  expect(message).toMatchObject({ status: 'completed', recipient: [{ reference: review.study.subject.reference }] });
  expect(outputsOf(ended, 'message')).toHaveLength(1);
});

test('every transition has a Provenance, and the coordination Task took legal steps only', async () => {
  const { entries } = await place.world.read(({ records }) =>
    records.history({ type: 'Task', id: review.coordinationId }, { count: 50 }, () => everything),
  );
  const history = entries.map(({ resource }) => resource as Task).reverse();
  expect([...new Set(history.map(({ businessStatus }) => statusOf(businessStatus)))]).toEqual([
    'PENDING_AI', 'AI_ANALYZED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY',
  ]); // prettier-ignore
  expect([...new Set(history.map(({ status }) => status))]).toEqual([
    'received',
    'accepted',
    'in-progress',
    'completed',
  ]);
  const { matches } = await place.world.read(({ records }) =>
    records.search(
      { type: 'Provenance', conditions: [], include: [], revinclude: [], sort: [], count: 50, total: 'none' },
      () => everything,
    ),
  );
  const acts = matches.map(({ resource }) => (resource as Provenance).activity!.text);
  for (const act of ['open', 'analyze', 'verify', 'prescribe', 'approve', 'release']) expect(acts).toContain(act);
});

import type { DiagnosticReport, DocumentReference, Observation, Patient, Resource, ServiceRequest, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { reviewIdOf } from '../../server/core/workflow/review-of-study.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { imageFile, newUid } from '../harness/dicom-file.ts';
import { open, read, releasedReview, reviewWorld, change, type ReviewWorld } from './review-world.ts';

// The server writes with every right. What people and services may write themselves must not lead it to records that
// they may not: it follows only what it wrote itself.
let place: ReviewWorld;
let who: Record<'doctor' | 'pharmacist' | 'admin' | 'patient' | 'service', Caller>;
beforeAll(async () => {
  place = await reviewWorld();
  const as = async (role: 'doctor' | 'pharmacist' | 'admin' | 'patient') =>
    caller(place.server, (await place.server.signIn(role)).access_token);
  who = {
    doctor: await as('doctor'),
    pharmacist: await as('pharmacist'),
    admin: await as('admin'),
    patient: await as('patient'),
    service: caller(place.server, await place.server.backend()),
  };
});
afterAll(() => place.stop());

async function post<T extends Resource>(resource: T, by = who.service): Promise<T & { id: string }> {
  const answer = await by.send('POST', `/fhir/${resource.resourceType}`, resource);
  expect(answer.status).toBe(201);
  return (await answer.json()) as T & { id: string };
}

const person = (name: string): Promise<Patient & { id: string }> =>
  post<Patient>({ resourceType: 'Patient', name: [{ family: name }] });
const labValue = (patient: string): Promise<Observation & { id: string }> =>
  post<Observation>({ resourceType: 'Observation', status: 'final', code: { text: 'Sodium' }, subject: { reference: patient }, valueString: '140' }); // prettier-ignore
const operation = (by: Caller, path: string, parameter: object[]): Promise<Response> =>
  by.send('POST', `/fhir/${path}`, { resourceType: 'Parameters', parameter });
const reason = { name: 'reason', valueString: 'It was a mistake.' };

test('a retraction touches what the review wrote, and nothing that a document of somebody names', async () => {
  const { review } = await releasedReview(place, 'someone@example.org');
  const other = await person('Other');
  const value = await labValue(`Patient/${other.id}`);
  const report = outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'report')!;
  const letter = await post<DocumentReference>(
    {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: review.study.subject.reference! } as DocumentReference['subject'],
      content: [`Observation/${value.id}`, `Patient/${other.id}`].map((url) => ({ attachment: { url } })),
      context: { related: [{ reference: report.reference }] },
    } as DocumentReference,
    who.doctor,
  );
  expect((await operation(who.doctor, `Task/${review.coordinationId}/$retract`, [reason])).status).toBe(200);
  const standing = [value, other, letter].map(({ resourceType, id }) => read(place.world, resourceType, id));
  expect((await Promise.all(standing)).map(({ meta }) => meta!.versionId)).toEqual(['1', '1', '1']);
});

test('a review works for an order of its own patient only, whatever order a registered study names', async () => {
  const [own, other] = [await person('Own'), await person('Other')];
  const order = (patient: Patient) =>
    post<ServiceRequest>({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: `Patient/${patient.id}` } }); // prettier-ignore
  const orders = [await order(own), await order(other)];
  const answering: boolean[] = [];
  for (const { id } of orders) {
    const study = newUid();
    const registered = await post<Resource>(
      {
        resourceType: 'ImagingStudy',
        status: 'registered',
        subject: { reference: `Patient/${own.id}` },
        identifier: [{ system: systems.studyUid, value: `urn:oid:${study}` }],
        basedOn: [{ reference: `ServiceRequest/${id}` }],
      } as Resource,
      who.doctor,
    );
    expect((await who.service.store([imageFile({ study, modality: 'CR', patientId: '' })])).status).toBe(200);
    const review = await read<Task>(place.world, 'Task', reviewIdOf(registered.id!));
    answering.push(review.focus!.reference === `ServiceRequest/${id}`);
  }
  expect(answering).toEqual([true, false]);
});

test('a code of the review counts wherever it stands among the codings', async () => {
  const { study } = await place.film();
  const behind = (system: string, code: string) => ({
    coding: [
      { system, code: 'unknown' },
      { system, code },
    ],
  });
  const forged: [string, object][] = [
    ['Task', { status: 'requested', intent: 'order', code: behind(systems.reviewStep, 'physician-verification') }],
    ['Task', { status: 'requested', intent: 'order', code: behind(systems.reviewStep, 'identity-check') }],
    ['Task', { status: 'requested', intent: 'order', businessStatus: behind(systems.reviewStatus, 'DOCTOR_VERIFIED') }],
    ['Observation', { status: 'final', subject: study.subject, code: behind(systems.scanFinding, 'clinical-finding') }],
    ['Communication', { status: 'completed', subject: study.subject, category: [behind(systems.reviewData, 'message')] }],
  ]; // prettier-ignore
  for (const by of [who.doctor, who.service])
    for (const [resourceType, content] of forged)
      expect([resourceType, (await by.send('POST', `/fhir/${resourceType}`, { resourceType, ...content })).status]).toEqual([resourceType, 403]); // prettier-ignore
});

test('a report of a reviewed study is refused however it names the study or its order', async () => {
  const { study, coordinationId } = await place.film();
  const [uid] = study.identifier!;
  const order = await read<ServiceRequest>(place.world, 'ServiceRequest', (await read<Task>(place.world, 'Task', coordinationId)).focus!.reference!.split('/')[1]!); // prettier-ignore
  const names: Partial<DiagnosticReport>[] = [
    { imagingStudy: [{ identifier: uid! }] },
    { imagingStudy: [{ identifier: { value: uid!.value! } }] },
    { imagingStudy: [{ reference: '#study' }], contained: [{ ...study, id: 'study', meta: undefined! }] },
    { basedOn: [{ identifier: order.identifier![0]! }] },
  ];
  for (const by of [who.doctor, who.service])
    for (const one of names) {
      const report = { resourceType: 'DiagnosticReport', status: 'final', code: { text: 'Chest' }, subject: study.subject, ...one }; // prettier-ignore
      expect((await by.send('POST', '/fhir/DiagnosticReport', report)).status, JSON.stringify(one)).toBe(403);
    }
  const unknown = { resourceType: 'DiagnosticReport', status: 'final', code: { text: 'Laboratory' }, subject: study.subject, basedOn: [{ identifier: { value: 'LAB-1' } }] }; // prettier-ignore
  expect((await who.doctor.send('POST', '/fhir/DiagnosticReport', unknown)).status).toBe(201);
});

test('a merge is taken back by what the server wrote down of it, not by what others say', async () => {
  const [source, target] = [await person('Twice'), await person('Twice')];
  const [moved, kept] = [await labValue(`Patient/${source.id}`), await labValue(`Patient/${target.id}`)];
  const pair = [{ name: 'source-patient', valueReference: { reference: `Patient/${source.id}` } }, { name: 'target-patient', valueReference: { reference: `Patient/${target.id}` } }]; // prettier-ignore
  expect((await operation(who.admin, 'Patient/$merge', pair)).status).toBe(200);
  const told = (code: string, first: string, second: string, by: Caller, agent: object) =>
    post<Resource>(
      {
        resourceType: 'Provenance',
        target: [...[first, second].map((id) => `Patient/${id}/_history/1`), `Observation/${kept.id}/_history/2`].map(
          (reference) => ({ reference }),
        ),
        recorded: '2099-01-01T00:00:00Z',
        activity: { coding: [{ system: systems.recordLifecycle, code }] },
        agent: [agent],
      } as Resource,
      by,
    );
  const doctor = { who: { reference: 'Practitioner/demo-doctor' } };
  await told('merge', target.id, source.id, who.doctor, doctor);
  await told('unmerge', source.id, target.id, who.doctor, doctor);
  await told('unmerge', source.id, target.id, who.service, { who: { display: 'HIS' } });
  expect((await operation(who.admin, `Patient/${source.id}/$unmerge`, [reason])).status).toBe(200);
  const whose = async (id: string) => (await read<Observation>(place.world, 'Observation', id)).subject!.reference;
  expect(await whose(moved.id)).toBe(`Patient/${source.id}`);
  expect(await whose(kept.id)).toBe(`Patient/${target.id}`);
});

test('a study that lost its images and has them again is its patient’s to see, unless it was in error before', async () => {
  const seen: unknown[] = [];
  for (const code of ['image-quality', 'wrong-patient']) {
    const review = await place.film();
    const uid = review.study.identifier![0]!.value!.slice('urn:oid:'.length);
    const see = async () => (await who.patient.get(`/dicomweb/studies/${uid}/metadata`)).status;
    const inference = await open(place.world, review, 'ai-inference');
    await change(place.world, place.people.doctor, inference, {
      status: 'rejected',
      statusReason: { coding: [{ system: systems.reviewReason, code }] },
    });
    const before = await see();
    expect((await who.doctor.send('DELETE', `/dicomweb/studies/${uid}?reason=113001`, '')).status).toBe(204);
    const removed = await see();
    expect((await operation(who.admin, `ImagingStudy/${review.study.id}/$restore`, [reason])).status).toBe(200);
    const { status } = await read<Resource & { status: string }>(place.world, 'ImagingStudy', review.study.id);
    seen.push([before, removed, await see(), status]);
  }
  expect(seen).toEqual([
    [200, 404, 200, 'available'],
    [404, 404, 404, 'entered-in-error'],
  ]);
});

test('the reason of an operation is short enough to stand in records and in the audit trail', async () => {
  const { study, coordinationId } = await place.film();
  const long = { name: 'reason', valueString: 'x'.repeat(2_001) };
  const to = { name: 'patient', valueReference: { reference: `Patient/${(await person('Other')).id}` } };
  const tries: [Caller, string, object[]][] = [
    [who.doctor, `ImagingStudy/${study.id}/$move`, [to, long]],
    [who.admin, `ImagingStudy/${study.id}/$restore`, [long]],
    [who.admin, 'Patient/demo-patient-1/$unmerge', [long]],
    [who.doctor, `Task/${coordinationId}/$retract`, [long]],
  ];
  for (const [by, path, parameters] of tries) expect([path, (await operation(by, path, parameters)).status]).toEqual([path, 400]); // prettier-ignore
});

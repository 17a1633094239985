/** Reviews in every state, and everybody who may try to write there, over real HTTP. */
import type { MedicationRequest, Observation, OperationOutcome, Resource, ResourceType } from '@medplum/fhirtypes'; // prettier-ignore
import { expect } from 'vitest';
import { searchOwn } from '../../server/core/records/own-search.ts';
import { type ReviewStatus, reasonConcept } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { analyze } from '../../server/work/analyze.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { taken } from '../harness/jobs.ts';
import {
  change,
  complete,
  conclusion,
  open,
  read,
  releasedReview,
  reviewWorld,
  steps,
  type Opened,
  type ReviewWorld,
} from './review-world.ts';

/** Set by `begin`; one world for each file of tests. */
export let place: ReviewWorld;
export const reviews = new Map<ReviewStatus, Opened>();
/** By role, and `service`: a backend service with every scope. */
export const callers = new Map<string, Caller>();
const people = ['doctor', 'pharmacist', 'admin', 'patient'] as const;
/** RETRACTED stands for a review whose records were entered in error. */
export const states = ['PENDING_AI', 'AI_ANALYZED', 'AI_SKIPPED', 'RETURNED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY', 'REJECTED', 'RETRACTED'] as const; // prettier-ignore
export type ReviewState = (typeof states)[number];
export const jsonPatch = { 'Content-Type': 'application/json-patch+json' };

export async function begin(which: readonly ReviewState[]): Promise<void> {
  place = await reviewWorld();
  for (const role of people) callers.set(role, caller(place.server, (await place.server.signIn(role)).access_token));
  callers.set('service', caller(place.server, await place.server.backend()));
  for (const state of which) reviews.set(state, await reviewIn(state));
}

export const medication = (patient: string): MedicationRequest => ({
  resourceType: 'MedicationRequest',
  status: 'draft',
  intent: 'proposal',
  subject: { reference: patient },
  medicationCodeableConcept: { text: 'Paracetamol 500 mg' },
});

/** A review as far as that. */
export async function reviewIn(state: ReviewState): Promise<Opened> {
  const { world, people } = place;
  if (state === 'REPORT_READY') {
    const { review, delivery } = await releasedReview(place, 'someone@example.org');
    await sendReport(world, taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } }));
    return review;
  }
  const review = await place.film();
  if (state === 'PENDING_AI') return review;
  const inference = await open(world, review, 'ai-inference');
  if (state === 'AI_SKIPPED') {
    await change(world, people.doctor, inference, { status: 'cancelled', statusReason: { text: 'lateral view' } });
    return review;
  }
  await change(world, people.doctor, inference, { status: 'accepted' });
  await analyze(world, taken({ kind: 'analyze', key: inference.id, data: { task: inference.id } }));
  if (state === 'AI_ANALYZED') return review;
  const verification = await open(world, review, 'physician-verification');
  if (state === 'REJECTED' || state === 'RETRACTED') {
    const reason = reasonConcept(state === 'REJECTED' ? 'image-quality' : 'wrong-patient');
    await change(world, people.doctor, verification, { status: 'rejected', statusReason: reason });
    return review;
  }
  await complete(world, people.doctor, verification, { note: [{ text: 'Fine.' }], output: [conclusion('Normal')] });
  if (state === 'DOCTOR_VERIFIED') return review;
  const pharmacy = await open(world, review, 'pharmacist-review');
  if (state === 'RETURNED') {
    await change(world, people.pharmacist, pharmacy, { status: 'rejected', statusReason: { text: 'look again' } });
    return review;
  }
  const patient = review.study.subject.reference!;
  await complete(world, people.pharmacist, pharmacy, {
    note: [{ text: 'For the pain.' }],
    contained: [{ ...medication(patient), id: 'rx' }],
    output: [{ type: { coding: [{ system: systems.reviewData, code: 'medication' }] }, valueReference: { reference: '#rx' } }],
  }); // prettier-ignore
  return review;
}

export const standing = (type: string, id: string) => read(place.world, type as ResourceType, id);

/** Everything that a review rests on and has written, but for its order, which others may write. */
export async function recordsOf({ study, coordinationId }: Opened): Promise<Resource[]> {
  const found = new Map<string, Resource>();
  const add = async (reference: string | undefined): Promise<void> => {
    const [type, id] = (reference ?? '').split('/');
    if (type === undefined || id === undefined || found.has(`${type}/${id}`)) return;
    const record = await standing(type, id);
    found.set(`${type}/${id}`, record);
    if (record.resourceType === 'Media') await add(record.content.url);
    if (record.resourceType === 'DocumentReference') await add(record.content[0]!.attachment.url);
    for (const { link } of record.resourceType === 'DiagnosticReport' ? (record.media ?? []) : []) await add(link.reference);
    for (const { valueReference } of record.resourceType === 'Task' ? (record.output ?? []) : []) await add(valueReference?.reference);
  }; // prettier-ignore
  await add(`ImagingStudy/${study.id}`);
  await add(`Task/${coordinationId}`);
  for (const step of await steps(place.world, coordinationId)) await add(`Task/${step.id}`);
  const about = [{ parameter: 'target', values: [`Task/${coordinationId}`] }];
  const { found: provenances } = await place.world.read((stores) =>
    searchOwn(stores, 'Provenance', about, { count: 50 }),
  );
  for (const one of provenances) await add(`Provenance/${one.id}`);
  return [...found.values()];
}

/** The same record, forged: a change that matters, in the shape of its type. */
export function forged(record: Resource): Resource {
  if (record.resourceType === 'ImagingStudy') return { ...record, numberOfInstances: 99 };
  if (record.resourceType === 'Observation') return { ...record, valueCodeableConcept: { text: 'Pneumonia' } };
  if (record.resourceType === 'DiagnosticReport') return { ...record, status: 'final', conclusion: 'Forged.' };
  if (record.resourceType === 'Task')
    return { ...record, status: 'entered-in-error', for: { reference: 'Patient/demo-patient-2' } };
  if (record.resourceType === 'Binary') return { ...record, data: 'Zm9yZ2Vk' };
  return { ...record, language: 'fr' };
}

const refused = [403, 409, 422];

export async function mustBeRefused(answer: Response, told: RegExp, what: string): Promise<void> {
  const outcome = (await answer.json()) as OperationOutcome;
  expect(refused, `${what}: ${answer.status} ${JSON.stringify(outcome)}`).toContain(answer.status);
  expect(outcome.issue[0]!.diagnostics, what).toMatch(told);
}

export const bundleOf = (...entry: object[]): object => ({ resourceType: 'Bundle', type: 'transaction', entry });

export const patient = { reference: 'Patient/demo-patient-1' } as const;
export const aiLabel = { system: systems.observationValue, code: 'AIAST' };
/** Who the demo accounts are. */
export const self: Partial<Record<string, string>> = { doctor: 'Practitioner/demo-doctor', pharmacist: 'Practitioner/demo-pharmacist', admin: 'Practitioner/demo-admin' }; // prettier-ignore
export const observation: Observation = {
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'Weight' },
  subject: patient,
};

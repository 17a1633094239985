import type { Binary, Bundle, DiagnosticReport, DocumentReference, ImagingStudy, Media, MedicationRequest, Observation, OperationOutcome, Patient, Provenance, Resource, ResourceType, ServiceRequest, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedId } from '../../server/core/derived-id.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { searchOwn } from '../../server/core/records/own-search.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import type { ReviewStatus } from '../../server/core/vocabulary/review-codes.ts';
import { reasonConcept, statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { displays } from '../../server/core/vocabulary/displays.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import {
  type Actor,
  nextInState,
  type RecordKind,
  recordRights,
  type Row,
} from '../../server/core/workflow/record-rights.ts';
import { analyze } from '../../server/work/analyze.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { taken } from '../harness/jobs.ts';
import { change, complete, conclusion, open, read, releasedReview, reviewWorld, steps, type Opened, type ReviewWorld } from './review-world.ts'; // prettier-ignore

// The table of rights, whole, over real HTTP: every record of a review in every state, by everybody, in every way.
let place: ReviewWorld;
const reviews = new Map<ReviewStatus, Opened>();
const callers = new Map<string, Caller>();
const people = ['doctor', 'pharmacist', 'admin', 'patient'] as const;
const states = ['PENDING_AI', 'AI_ANALYZED', 'AI_SKIPPED', 'RETURNED', 'DOCTOR_VERIFIED', 'PHARMACIST_COMPLETED', 'REPORT_READY', 'REJECTED', 'RETRACTED'] as const; // prettier-ignore
const jsonPatch = { 'Content-Type': 'application/json-patch+json' };

beforeAll(async () => {
  place = await reviewWorld();
  for (const role of people) callers.set(role, caller(place.server, (await place.server.signIn(role)).access_token));
  callers.set('service', caller(place.server, await place.server.backend()));
  for (const state of states) reviews.set(state, await reviewIn(state));
}, 240_000);
afterAll(() => place.stop());

const medication = (patient: string): MedicationRequest => ({
  resourceType: 'MedicationRequest',
  status: 'draft',
  intent: 'proposal',
  subject: { reference: patient },
  medicationCodeableConcept: { text: 'Paracetamol 500 mg' },
});

async function reviewIn(state: (typeof states)[number]): Promise<Opened> {
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

const standing = (type: string, id: string) => read(place.world, type as ResourceType, id);

/** Everything that a review rests on and has written, but for its order, which others may write. */
async function recordsOf({ study, coordinationId }: Opened): Promise<Resource[]> {
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
function forged(record: Resource): Resource {
  if (record.resourceType === 'ImagingStudy') return { ...record, numberOfInstances: 99 };
  if (record.resourceType === 'Observation') return { ...record, valueCodeableConcept: { text: 'Pneumonia' } };
  if (record.resourceType === 'DiagnosticReport') return { ...record, status: 'final', conclusion: 'Forged.' };
  if (record.resourceType === 'Task')
    return { ...record, status: 'entered-in-error', for: { reference: 'Patient/demo-patient-2' } };
  if (record.resourceType === 'Binary') return { ...record, data: 'Zm9yZ2Vk' };
  return { ...record, language: 'fr' };
}

const refused = [403, 409, 422];

async function mustBeRefused(answer: Response, told: RegExp, what: string): Promise<void> {
  const outcome = (await answer.json()) as OperationOutcome;
  expect(refused, `${what}: ${answer.status} ${JSON.stringify(outcome)}`).toContain(answer.status);
  expect(outcome.issue[0]!.diagnostics, what).toMatch(told);
}

/** What each way of writing sends; each must leave the record as it was. */
const ways: Record<string, (as: Caller, record: Resource & { id: string }) => Promise<Response>> = {
  PUT: (as, record) => as.send('PUT', `/fhir/${record.resourceType}/${record.id}`, forged(record)),
  'PUT without its labels': (as, record) => {
    const { meta: _labels, ...bare } = forged(record);
    return as.send('PUT', `/fhir/${record.resourceType}/${record.id}`, bare);
  },
  PATCH: (as, record) =>
    as.send('PATCH', `/fhir/${record.resourceType}/${record.id}`, differences(record, forged(record)), jsonPatch),
  'PUT by criteria': (as, record) =>
    as.send('PUT', `/fhir/${record.resourceType}?_id=${record.id}`, forged(record)),
  'transaction': (as, record) =>
    as.send('POST', '/fhir', bundleOf({ resource: forged(record), request: { method: 'PUT', url: `${record.resourceType}/${record.id}` } })),
  DELETE: (as, record) => as.send('DELETE', `/fhir/${record.resourceType}/${record.id}`, ''),
  'DELETE by criteria': (as, record) => as.send('DELETE', `/fhir/${record.resourceType}?_id=${record.id}`, ''),
  'transaction that deletes': (as, record) =>
    as.send('POST', '/fhir', bundleOf({ request: { method: 'DELETE', url: `${record.resourceType}/${record.id}` } })),
}; // prettier-ignore

const bundleOf = (...entry: object[]): object => ({ resourceType: 'Bundle', type: 'transaction', entry });

function differences(before: Resource, after: Resource): object[] {
  const [was, is] = [before, after] as unknown as [Record<string, unknown>, Record<string, unknown>];
  return Object.keys(is).filter((name) => was[name] !== is[name]).map((name) => ({ op: 'add', path: `/${name}`, value: is[name] })); // prettier-ignore
}

/** The rule and what to do instead: of the table, of role and scope, of the steps. */
const aRule = new RegExp(
  [
    ...Object.values(recordRights).map(({ what }) => what),
    'The token does not allow to (create|update|delete)',
    'A step of a review does not let',
    'follows its steps',
    'The step .* is for the role',
    'step is .* already',
  ].map((text) => text.replaceAll(/[()]/g, (sign) => (text.startsWith('The token') ? sign : `\\${sign}`))).join('|'),
); // prettier-ignore

describe.each(states)('of a review that is %s', (state) => {
  test('nothing is changed or deleted by anybody, in whatever way', async () => {
    const review = reviews.get(state)!;
    const records = (await recordsOf(review)) as (Resource & { id: string })[];
    const types = new Set(records.map(({ resourceType }) => resourceType));
    if (state === 'REPORT_READY')
      expect(types).toEqual(new Set(['ImagingStudy', 'Task', 'Observation', 'DiagnosticReport', 'DocumentReference', 'Binary', 'Communication', 'Provenance'])); // prettier-ignore
    if (state === 'PHARMACIST_COMPLETED')
      expect(types).toEqual(new Set(['ImagingStudy', 'Task', 'Observation', 'Media', 'Binary', 'MedicationRequest', 'DiagnosticReport', 'Provenance'])); // prettier-ignore
    for (const record of records) {
      const narrow = caller(place.server, await narrowService(record.resourceType));
      for (const [name, as] of [...callers, ['narrow service', narrow] as const])
        for (const [way, send] of Object.entries(ways)) {
          const answer = await send(as, record);
          const what = `${name}, ${way}, ${record.resourceType}/${record.id} of ${state}`;
          // Who cannot see a record is not told that it is there; nothing there is deleted already.
          const unseen = answer.status === 404 || (answer.status === 204 && /DELETE/.test(way)) || (answer.ok && way === 'transaction that deletes'); // prettier-ignore
          if (!unseen || name === 'service' || name === 'narrow service' || name === 'doctor')
            await mustBeRefused(answer, aRule, what);
          expect(await standing(record.resourceType, record.id), what).toEqual(record);
        }
    }
  }, 240_000);

  test('a refusal says how far the review is, and what to do instead', async () => {
    const review = reviews.get(state)!;
    const t0 = await read<Task>(place.world, 'Task', review.coordinationId);
    const report = (await recordsOf(review)).find(({ resourceType }) => resourceType === 'DiagnosticReport')!;
    const answer = await callers.get('service')!.send('PUT', `/fhir/DiagnosticReport/${report.id}`, forged(report));
    const { issue } = (await answer.json()) as OperationOutcome;
    const status = statusOf(t0.businessStatus)!;
    expect(issue[0]!.diagnostics).toContain(`The review is ${status}. ${nextInState[status]}`);
  });

  test('nobody adds a report, a Task or a proof of delivery to it', async () => {
    const { study, coordinationId } = reviews.get(state)!;
    const { subject } = study;
    const records = await recordsOf(reviews.get(state)!);
    const report: DiagnosticReport = { resourceType: 'DiagnosticReport', status: 'final', code: { text: 'Chest' }, subject, conclusion: 'Forged.' }; // prettier-ignore
    const t0 = await read<Task>(place.world, 'Task', coordinationId);
    const delivery = records.find(
      (one) => one.resourceType === 'Task' && one.code?.coding?.[0]?.code === 'report-delivery',
    );
    const added: Resource[] = [
      { ...report, imagingStudy: [{ reference: `ImagingStudy/${study.id}` }] },
      { ...report, status: 'preliminary', imagingStudy: [{ reference: `${place.server.fhir}/ImagingStudy/${study.id}/_history/1` }] },
      { ...report, basedOn: [{ reference: t0.focus!.reference as `ServiceRequest/${string}` }] },
      { ...report, identifier: [{ system: systems.reportNumber, value: 'CSS-2026-00001' }] },
      ...records.filter((one): one is Observation => one.resourceType === 'Observation').map((one): Resource => ({ ...report, result: [{ reference: `Observation/${one.id}` }] })),
      { resourceType: 'Task', status: 'requested', intent: 'order', partOf: [{ reference: `Task/${coordinationId}` }] },
      { ...t0, resourceType: 'Task' },
      { resourceType: 'Communication', status: 'completed', subject: subject as { reference: `Patient/${string}` }, category: [{ coding: [{ system: systems.reviewData, code: 'message' }] }] },
      ...(delivery ? [{ resourceType: 'Communication', status: 'completed', partOf: [{ reference: `Task/${delivery.id}` }] } as Resource] : []),
      { ...study, resourceType: 'ImagingStudy', subject: { reference: 'Patient/demo-patient-1' } },
    ]; // prettier-ignore
    for (const resource of added)
      for (const [name, as] of callers) {
        const { id: _id, ...body } = resource as Resource & { id?: string };
        const answer = await as.send('POST', `/fhir/${resource.resourceType}`, body);
        await mustBeRefused(answer, /Tasks of a review are made|Nobody but the server makes|Not everybody makes|does not allow to create/, `${name} adds ${JSON.stringify(body).slice(0, 200)}`); // prettier-ignore
      }
  });
});

const narrowTokens = new Map<string, string>();
async function narrowService(type: string): Promise<string> {
  const token = narrowTokens.get(type) ?? (await place.server.backend(`system/${type}.cruds`));
  narrowTokens.set(type, token);
  return token;
}

const patient = { reference: 'Patient/demo-patient-1' } as const;
const aiLabel = { system: systems.observationValue, code: 'AIAST' };
const self: Partial<Record<string, string>> = { doctor: 'Practitioner/demo-doctor', pharmacist: 'Practitioner/demo-pharmacist', admin: 'Practitioner/demo-admin' }; // prettier-ignore
const observation: Observation = {
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'Weight' },
  subject: patient,
};

/** A record of each kind that people and other systems add: in one's own name, and as it must not be. */
const additions: Partial<Record<RecordKind, { own(who: string): Resource; never: Record<string, (who: string) => Resource> }>> = {
  observation: {
    own: () => observation,
    never: {
      'in the name of a colleague': () => ({ ...observation, performer: [{ reference: 'Practitioner/somebody' }] }),
      'in the name of a colleague beside oneself': (who) => ({ ...observation, performer: [{ reference: self[who] as 'Practitioner/x' }, { display: 'Dr. Somebody' }] }),
      'labelled as withheld': () => ({ ...observation, meta: { security: [{ system: systems.actCode, code: 'NOPAT' }] } }),
    },
  },
  report: {
    own: () => ({ resourceType: 'DiagnosticReport', status: 'final', code: { text: 'Blood count' }, subject: patient }),
    never: {
      'read by a colleague': () => ({ resourceType: 'DiagnosticReport', status: 'final', code: { text: 'Blood count' }, subject: patient, resultsInterpreter: [{ reference: 'Practitioner/somebody' }] }),
    },
  },
  'medication-proposal': { own: () => medication('Patient/demo-patient-1'), never: { 'in the name of a colleague': () => ({ ...medication('Patient/demo-patient-1'), requester: { reference: 'Practitioner/somebody' } }) } },
  'medication-order': { own: () => ({ ...medication('Patient/demo-patient-1'), status: 'active', intent: 'order' }), never: {} },
  provenance: {
    own: (who) => ({ resourceType: 'Provenance', target: [patient], recorded: '2026-11-27T00:00:00Z', agent: [{ who: self[who] ? { reference: self[who] as 'Practitioner/x' } : { display: 'Laboratory system' } }] }),
    never: {
      'in the name of a colleague': () => ({ resourceType: 'Provenance', target: [patient], recorded: '2026-11-27T00:00:00Z', agent: [{ who: { reference: 'Practitioner/somebody' } }] }),
      'signed by a colleague': (who) => ({ resourceType: 'Provenance', target: [patient], recorded: '2026-11-27T00:00:00Z', agent: [{ who: { reference: (self[who] ?? 'Organization/x') as 'Practitioner/x' } }], signature: [{ type: [{ code: 'x' }], when: '2026-11-27T00:00:00Z', who: { reference: 'Practitioner/somebody' } }] }),
    },
  },
  'ai-result-of-others': {
    own: () => ({ ...observation, meta: { security: [aiLabel] }, device: { reference: 'Device/of-another-vendor' } }),
    never: {},
  },
  'registered-study': { own: () => ({ resourceType: 'ImagingStudy', status: 'registered', subject: patient }), never: {} },
  'signed-record': {
    own: () => ({ resourceType: 'Communication', status: 'completed', subject: patient }),
    never: { 'in the name of a colleague': () => ({ resourceType: 'Communication', status: 'completed', subject: patient, sender: { reference: 'Practitioner/somebody' } }) },
  },
}; // prettier-ignore

/** By role, whatever the table says. */
const roleForbids = (who: string, kind: RecordKind) => who === 'patient' || (who === 'admin' && kind === 'registered-study'); // prettier-ignore

describe('beside a review', () => {
  const kinds = Object.entries(additions) as [RecordKind, NonNullable<(typeof additions)[RecordKind]>][];
  test.each(kinds)(
    '%s is added by those whom the table names, in their own name only',
    async (kind, { own, never }) => {
      const row: Row = recordRights[kind];
      for (const [name, as] of callers) {
        const may = row.create[name as Actor];
        const { resourceType } = own(name);
        const answer = await as.send('POST', `/fhir/${resourceType}`, own(name));
        expect(answer.status === 201, `${name} adds ${kind}: ${answer.status}`).toBe(may !== undefined && !roleForbids(name, kind)); // prettier-ignore
        for (const [how, forge] of Object.entries(never)) {
          if (name === 'service' && kind !== 'provenance') continue; // a system brings what its people wrote
          expect((await as.send('POST', `/fhir/${resourceType}`, forge(name))).status, `${name} adds ${kind} ${how}`).toBe(403); // prettier-ignore
        }
      }
    },
  );

  test('every kind of the table is tried here or in a review', () => {
    const inReviews: RecordKind[] = ['ai-result', 'review-reading', 'review-report', 'report-document', 'review-content', 'review-medication', 'delivery', 'review-task', 'review-order', 'stored-study', 'server-id']; // prettier-ignore
    expect([...inReviews, ...kinds.map(([kind]) => kind)].sort()).toEqual(Object.keys(recordRights).sort());
    expect(Object.keys(nextInState).sort()).toEqual(Object.keys(displays.status).sort());
  });

  test('the performer is filled in, and nobody changes the words of a colleague', async () => {
    const doctor = callers.get('doctor')!;
    const made = (await (await doctor.send('POST', '/fhir/Observation', observation)).json()) as Observation;
    expect(made.performer).toEqual([{ reference: self['doctor'] }]);
    const { record } = await writeInTransaction(place.world, systemPrincipal('test'), {
      method: 'create',
      resource: { ...observation, performer: [{ reference: 'Practitioner/somebody' }] },
    });
    for (const performer of [[{ reference: 'Practitioner/somebody' }], [{ reference: self['doctor'] }]]) {
      const answer = await doctor.send('PUT', `/fhir/Observation/${record.id}`, { ...observation, id: record.id, performer, valueString: '1' }); // prettier-ignore
      await mustBeRefused(answer, /somebody else's|in your own name only/, 'a colleague');
    }
    const changed = await doctor.send('PUT', `/fhir/Observation/${made.id}`, { ...made, status: 'amended' });
    expect(changed.status).toBe(200);
  });

  test('a pharmacist withdraws a proposal and makes no order of it; a doctor takes it over in the own name', async () => {
    const pharmacist = callers.get('pharmacist')!;
    const made = (await (await pharmacist.send('POST', '/fhir/MedicationRequest', medication(patient.reference))).json()) as MedicationRequest & { id: string }; // prettier-ignore
    const address = `/fhir/MedicationRequest/${made.id}`;
    for (const order of [{ status: 'active' }, { intent: 'order' }, { requester: { reference: self['doctor'] } }])
      expect((await pharmacist.send('PUT', address, { ...made, ...order })).status).toBe(403);
    expect((await callers.get('doctor')!.send('PUT', address, { ...made, status: 'active', intent: 'order' })).status).toBe(403); // prettier-ignore
    const taken = { ...made, status: 'active', intent: 'order', requester: { reference: self['doctor'] } };
    expect((await callers.get('doctor')!.send('PUT', address, taken)).status).toBe(200);
    expect((await pharmacist.send('PUT', address, { ...taken, status: 'cancelled' })).status).toBe(403);
  });

  test('a result of our model is not added by anybody: not by its Device, its digest, its code, or its id', async () => {
    const [ai] = (await recordsOf(reviews.get('AI_ANALYZED')!)).filter((one): one is Observation => one.resourceType === 'Observation'); // prettier-ignore
    const { id: _id, meta: _meta, ...words } = ai!;
    const { device: _device, ...undeviced } = words;
    const { component: _component, ...bare } = words;
    const byOther = { device: { reference: 'Device/of-another-vendor' } };
    const forgeries: [string, object, string[]][] = [
      ['with its label', { ...words, meta: { security: [aiLabel] } }, ['doctor', 'service']],
      ['without its label', words, ['doctor', 'service']],
      ['by an absolute reference to its Device', { ...bare, device: { reference: `${place.server.fhir}/${ai!.device!.reference}` } }, ['doctor', 'service']],
      ['with its digest, by another Device', { ...undeviced, ...byOther, meta: { security: [aiLabel] } }, ['doctor', 'service']],
      ['without a Device', { ...observation, code: ai!.code, meta: { security: [aiLabel] } }, ['doctor', 'service']],
      ['by its code', { ...observation, code: ai!.code, ...byOther }, ['doctor']],
      ["as a doctor's reading of a review", { ...observation, code: { coding: [{ system: systems.scanFinding, code: 'clinical-finding' }] } }, ['doctor', 'service']],
    ]; // prettier-ignore
    for (const [how, resource, whom] of forgeries)
      for (const name of whom) {
        const answer = await callers.get(name)!.send('POST', '/fhir/Observation', resource);
        expect([403, 422], `${name} ${how}`).toContain(answer.status);
      }
    const id = derivedId('ai-finding', 'anything');
    for (const name of ['doctor', 'service'])
      expect((await callers.get(name)!.send('PUT', `/fhir/Observation/${id}`, { ...observation, id })).status).toBe(
        403,
      );
  });

  test('labels stay whatever is written over them', async () => {
    const service = callers.get('service')!;
    const labelled = {
      ...observation,
      meta: { security: [aiLabel] },
      device: { reference: 'Device/of-another-vendor' },
    };
    const made = (await (await service.send('POST', '/fhir/Observation', labelled)).json()) as Observation & {
      id: string;
    };
    const address = `/fhir/Observation/${made.id}`;
    const codes = ({ meta }: Resource) => meta?.security?.map(({ code }) => code);
    const { meta: _meta, ...bare } = made;
    const other = { ...bare, meta: { security: [{ system: 'urn:t', code: 'R' }] } };
    for (const [method, body, headers, expected] of [
      ['PUT', bare, {}, ['AIAST']],
      ['PUT', other, {}, ['R', 'AIAST']],
      ['PATCH', [{ op: 'remove', path: '/meta/security' }], jsonPatch, ['AIAST']],
    ] as const) {
      const answer = await service.send(method, address, body, headers);
      expect(codes((await answer.json()) as Resource)).toEqual(expected);
    }
    expect((await callers.get('doctor')!.send('PUT', address, { ...made, status: 'amended' })).status).toBe(403);
  });

  test('what people write about a stored study stays theirs; an order keeps its patient', async () => {
    const { study, coordinationId } = reviews.get('AI_SKIPPED')!;
    const doctor = callers.get('doctor')!;
    const current = await read<ImagingStudy>(place.world, 'ImagingStudy', study.id);
    const words = { ...current, description: 'Chest, standing', note: [{ text: 'Rotated.' }] };
    expect((await doctor.send('PUT', `/fhir/ImagingStudy/${study.id}`, words)).status).toBe(200);
    const orderId = (await read<Task>(place.world, 'Task', coordinationId)).focus!.reference!.split('/')[1]!;
    const order = await read<ServiceRequest>(place.world, 'ServiceRequest', orderId);
    const at = `/fhir/ServiceRequest/${orderId}`;
    for (const name of ['doctor', 'admin', 'service'])
      await mustBeRefused(await callers.get(name)!.send('PUT', at, { ...order, subject: { reference: 'Patient/demo-patient-2' } }), /\$move/, name); // prettier-ignore
    expect((await doctor.send('PUT', at, { ...order, reasonCode: [{ text: 'Cough' }] })).status).toBe(200);
  });

  test("a step takes no order of a doctor's, and no medication of another review, as its own", async () => {
    const { world, people } = place;
    const review = await reviewIn('DOCTOR_VERIFIED');
    const step = await open(world, review, 'pharmacist-review');
    const subject = review.study.subject.reference!;
    const order = { ...medication(subject), status: 'active' as const, intent: 'order' as const };
    const { record } = await writeInTransaction(world, people.doctor, { method: 'create', resource: order });
    const output = [{ type: { coding: [{ system: systems.reviewData, code: 'medication' }] }, valueReference: { reference: `MedicationRequest/${record.id}` } }]; // prettier-ignore
    const attempt = complete(world, people.pharmacist, step, { note: [{ text: 'x' }], output });
    await expect(attempt).rejects.toMatchObject({ code: 'business-rule' });
    expect(await read(world, 'MedicationRequest', record.id)).toEqual(record.resource);
  });
});

describe('deleting what others refer to', () => {
  test('is refused with what refers to it, as far as the caller may see that', async () => {
    const admin = callers.get('admin')!;
    const { study, coordinationId } = reviews.get('PENDING_AI')!;
    const order = (await read<Task>(place.world, 'Task', coordinationId)).focus!.reference!;
    for (const [reference, told] of [
      [study.subject.reference!, /is referred to by \d+ records: /],
      [order, new RegExp(`DiagnosticReport/.*Task/|Task/.*DiagnosticReport/`)],
      ['Practitioner/demo-doctor', /is referred to by/],
    ] as const) {
      const before = await standing(...(reference.split('/') as [string, string]));
      const answer = await admin.send('DELETE', `/fhir/${reference}`, '');
      expect(answer.status).toBe(409);
      await mustBeRefused(answer, told, reference);
      expect(await standing(...(reference.split('/') as [string, string]))).toEqual(before);
    }
    const blind = caller(place.server, await place.server.backend('system/Patient.cruds'));
    const answer = await blind.send('DELETE', `/fhir/${study.subject.reference}`, '');
    const { issue } = (await answer.json()) as OperationOutcome;
    expect([answer.status, issue[0]!.diagnostics]).toEqual([
      409,
      expect.stringMatching(/referred to by \d+ records\. /),
    ]);
  });

  test('goes with its referrers in one transaction, in whatever order, or with them pointed elsewhere', async () => {
    const service = callers.get('service')!;
    const made: Record<string, string> = {};
    const make = async (resource: Resource) => {
      const { id } = (await (await service.send('POST', `/fhir/${resource.resourceType}`, resource)).json()) as {
        id: string;
      };
      made[resource.resourceType] = id;
      return id;
    };
    const person = await make({ resourceType: 'Patient' });
    const encounter = await make({ resourceType: 'Encounter', status: 'finished', class: { code: 'AMB' }, subject: { reference: `Patient/${person}` } }); // prettier-ignore
    const withEncounter = { ...observation, subject: { reference: `Patient/${person}` as const }, encounter: { reference: `Encounter/${encounter}` as const } }; // prettier-ignore
    const result = await make(withEncounter);
    const remove = (url: string) => ({ request: { method: 'DELETE', url } });
    const send = async (...entries: object[]) => service.send('POST', '/fhir', bundleOf(...entries));
    const halfway = await send(remove(`Encounter/${encounter}`), remove(`Patient/${person}`));
    expect(halfway.status).toBe(409);
    const outcome = (await halfway.json()) as OperationOutcome;
    expect(outcome.issue[0]).toMatchObject({ diagnostics: expect.stringContaining(`Observation/${result}`), expression: ['Bundle.entry[0]'] }); // prettier-ignore
    expect((await standing('Encounter', encounter)).id).toBe(encounter);

    const { encounter: _left, ...elsewhere } = withEncounter;
    const pointed = await send(remove(`Encounter/${encounter}`), { resource: { ...elsewhere, id: result }, request: { method: 'PUT', url: `Observation/${result}` } }); // prettier-ignore
    expect(((await pointed.json()) as Bundle).entry!.map(({ response }) => response!.status)).toEqual(['204 No Content', '200 OK']); // prettier-ignore
    const all = await send(remove(`Patient/${person}`), remove(`Observation/${result}`));
    expect(all.status).toBe(200);
  });

  test('a Provenance about a record does not keep it; a record that refers to itself goes', async () => {
    const service = callers.get('service')!;
    const list = (await (await service.send('POST', '/fhir/Organization', { resourceType: 'Organization', name: 'x' })).json()) as { id: string }; // prettier-ignore
    await service.send('PUT', `/fhir/Organization/${list.id}`, { resourceType: 'Organization', id: list.id, name: 'x', partOf: { reference: `Organization/${list.id}` } }); // prettier-ignore
    const provenance: Provenance = { resourceType: 'Provenance', target: [{ reference: `Organization/${list.id}` }], recorded: '2026-11-27T00:00:00Z', agent: [{ who: { display: 'x' } }] }; // prettier-ignore
    expect((await service.send('POST', '/fhir/Provenance', provenance)).status).toBe(201);
    expect((await service.send('DELETE', `/fhir/Organization/${list.id}`, '')).status).toBe(204);
  });
});

describe('the content of an attachment', () => {
  test('carries hash and size, and is not given out when it differs', async () => {
    const { world } = place;
    const media = (await recordsOf(reviews.get('AI_ANALYZED')!)).find(
      (one): one is Media => one.resourceType === 'Media',
    )!;
    const document = (await recordsOf(reviews.get('REPORT_READY')!)).find((one): one is DocumentReference => one.resourceType === 'DocumentReference')!; // prettier-ignore
    for (const { url, hash, size } of [media.content, document.content[0]!.attachment]) {
      expect(hash).toMatch(/^[A-Za-z0-9+/]{27}=$/);
      expect(size).toBeGreaterThan(100);
      const id = url!.split('/')[1]!;
      const as = callers.get('doctor')!;
      expect((await as.get(`/fhir/${url}`, { Accept: '*/*' })).status).toBe(200);
      // As a fault of the store, or somebody with access to it, would leave it.
      const bytes = await read<Binary>(world, 'Binary', id);
      const damaged = JSON.stringify({ ...bytes, data: Buffer.from('another report').toString('base64') });
      await place.server.system.sql.query(
        `update record_version set content = $2 where rid = (select rid from record where type = 'Binary' and id = $1)`,
        [id, damaged],
      );
      for (const ask of [
        as.get(`/fhir/${url}`, { Accept: '*/*' }),
        as.get(`/fhir/${url}`, { Accept: 'application/fhir+json' }),
        as.get(`/fhir/${url}/_history/1`, { Accept: 'application/fhir+json' }),
        as.get(`/fhir/Binary?_id=${id}`),
        as.get(`/fhir/${url}/_history`),
      ]) {
        const answer = await ask;
        const text = await answer.text();
        expect([answer.status, text]).toEqual([500, expect.stringContaining('differs from the hash')]);
        expect(text).not.toContain(Buffer.from('another report').toString('base64'));
      }
    }
    // Who puts a wrong hash beside a Binary does not make it unreadable.
    const own = await callers.get('doctor')!.send('POST', '/fhir/Binary', { resourceType: 'Binary', contentType: 'text/plain', data: 'aGVsbG8=', securityContext: patient }); // prettier-ignore
    const { id } = (await own.json()) as { id: string };
    const claim: DocumentReference = { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { url: `Binary/${id}`, hash: 'AAAA', size: 3 } }] }; // prettier-ignore
    expect((await callers.get('service')!.send('POST', '/fhir/DocumentReference', claim)).status).toBe(201);
    expect((await callers.get('doctor')!.get(`/fhir/Binary/${id}`, { Accept: '*/*' })).status).toBe(200);
  });
});

test('refusals are in the audit trail', async () => {
  const rows = await place.server.system.sql.query(
    `select from audit where outcome = 'refused' and event = 'fhir:update' and entities::text like '%DiagnosticReport/%' limit 1`,
  );
  expect(rows.length).toBe(1);
  expect((await read<Patient>(place.world, 'Patient', 'demo-patient-1')).id).toBe('demo-patient-1');
});

import type { Bundle, Consent, Endpoint, ImagingStudy, MedicationRequest, Observation, Resource, ServiceRequest, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedId } from '../../server/core/derived-id.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { displays } from '../../server/core/vocabulary/displays.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import {
  type Actor,
  nextInState,
  type RecordKind,
  recordRights,
  type Row,
} from '../../server/core/workflow/record-rights.ts';
import { complete, open, read } from './review-world.ts';
import {
  aiLabel,
  begin,
  callers,
  jsonPatch,
  medication,
  mustBeRefused,
  observation,
  patient,
  place,
  recordsOf,
  reviewIn,
  reviews,
  self,
} from './rights-world.ts';

// What people and other systems add beside a review, by the table of rights, over real HTTP.
beforeAll(() => begin(['AI_ANALYZED', 'AI_SKIPPED']), 240_000);
afterAll(() => place.stop());

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
    const inReviews: RecordKind[] = ['ai-result', 'review-reading', 'review-report', 'report-document', 'review-content', 'review-medication', 'review-issue', 'delivery', 'review-task', 'review-order', 'patient-decision', 'stored-study', 'server-id', 'own-endpoint']; // prettier-ignore
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

  test('nobody leads viewers, and their tokens, to another address than ours', async () => {
    const endpoint = await read<Endpoint>(place.world, 'Endpoint', 'dicom-wado-rs');
    for (const name of ['admin', 'service'])
      for (const [method, body] of [['PUT', { ...endpoint, address: 'https://elsewhere.example' }], ['DELETE', '']] as const) {
        const answer = await callers.get(name)!.send(method, '/fhir/Endpoint/dicom-wado-rs', body);
        await mustBeRefused(answer, /PUBLIC_URL/, `${name} ${method}`);
      } // prettier-ignore
    expect(await read<Endpoint>(place.world, 'Endpoint', 'dicom-wado-rs')).toEqual(endpoint);
    const other = await callers.get('admin')!.send('POST', '/fhir/Endpoint', { ...endpoint, address: 'https://elsewhere.example' }); // prettier-ignore
    expect(other.status).toBe(201);
  });

  test('nobody decides for a patient, and nobody writes over what the patient decided', async () => {
    const said = await callers.get('patient')!.send('PUT', '/portal/me/consents/improve-model', { permitted: false }, { 'Content-Type': 'application/json' }); // prettier-ignore
    expect(said.status).toBe(200);
    const found = (await (await callers.get('doctor')!.get(`/fhir/Consent?patient=${patient.reference}`)).json()) as Bundle<Consent>; // prettier-ignore
    const consent = found.entry![0]!.resource!;
    const decided = await read<Consent>(place.world, 'Consent', consent.id!);
    for (const [name, as] of callers)
      for (const [method, body, headers] of [['PUT', { ...decided, status: 'inactive' }], ['PATCH', [{ op: 'remove', path: '/provision' }], jsonPatch], ['DELETE', '']] as const) {
        const answer = await as.send(method, `/fhir/Consent/${decided.id}`, body, headers);
        await mustBeRefused(answer, /consents|Consent|scope|may not/, `${name} ${method}`);
      } // prettier-ignore
    expect(await read<Consent>(place.world, 'Consent', decided.id!)).toEqual(decided);
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

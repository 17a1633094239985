import type { DiagnosticReport, Observation, OperationOutcome, Patient, Resource, Task } from '@medplum/fhirtypes'; // prettier-ignore
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { derivedId } from '../../server/core/derived-id.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { nextInState, recordRights } from '../../server/core/workflow/record-rights.ts';
import { caller, type Caller } from '../harness/calls.ts';
import {
  begin,
  bundleOf,
  callers,
  forged,
  jsonPatch,
  mustBeRefused,
  place,
  recordsOf,
  reviews,
  standing,
  states,
} from './rights-world.ts';
import { read } from './review-world.ts';

// The table of rights, whole, over real HTTP: every record of a review in every state, by everybody, in every way.
beforeAll(() => begin(states), 240_000);
afterAll(() => place.stop());

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

const narrowTokens = new Map<string, string>();
async function narrowService(type: string): Promise<string> {
  const token = narrowTokens.get(type) ?? (await place.server.backend(`system/${type}.cruds`));
  narrowTokens.set(type, token);
  return token;
}

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
    const { meta: _labels, ...unlabelled } = t0;
    const delivery = records.find(
      (one) => one.resourceType === 'Task' && one.code?.coding?.[0]?.code === 'report-delivery',
    );
    const added: Resource[] = [
      { ...report, imagingStudy: [{ reference: `ImagingStudy/${study.id}` }] },
      { ...report, presentedForm: [{ url: `Binary/${derivedId('report-pdf', 'x')}` }] },
      { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { title: 'x' } }], relatesTo: [{ code: 'replaces', target: { reference: `DocumentReference/${derivedId('report-document', 'x')}` } }] },
      { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { title: 'x' } }], masterIdentifier: { system: systems.reportNumber, value: 'CSS-2026-00001' } },
      { ...report, status: 'preliminary', imagingStudy: [{ reference: `${place.server.fhir}/ImagingStudy/${study.id}/_history/1` }] },
      { ...report, basedOn: [{ reference: t0.focus!.reference as `ServiceRequest/${string}` }] },
      { ...report, identifier: [{ system: systems.reportNumber, value: 'CSS-2026-00001' }] },
      ...records.filter((one): one is Observation => one.resourceType === 'Observation').map((one): Resource => ({ ...report, result: [{ reference: `Observation/${one.id}` }] })),
      { resourceType: 'Task', status: 'requested', intent: 'order', partOf: [{ reference: `Task/${coordinationId}` }] },
      { ...unlabelled, resourceType: 'Task' },
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

test('refusals are in the audit trail', async () => {
  const rows = await place.server.system.sql.query(
    `select from audit where outcome = 'refused' and event = 'fhir:update' and entities::text like '%DiagnosticReport/%' limit 1`,
  );
  expect(rows.length).toBe(1);
  expect((await read<Patient>(place.world, 'Patient', 'demo-patient-1')).id).toBe('demo-patient-1');
});

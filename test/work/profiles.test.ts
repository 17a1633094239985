import type { MedicationRequest, Patient, Resource, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { profileOf, type ProfileTable } from '../../server/core/validation/profiles.ts';
import table from '../../server/core/validation/profile-table.json' with { type: 'json' };
import { validationIssues } from '../../server/core/validation/validate.ts';
import { issuesWith } from '../../server/core/validation/validate-profile.ts';
import { canonical, systems } from '../../server/core/vocabulary/systems.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { brokenCopies, constraintsOf } from '../harness/broken-records.ts';
import { taken } from '../harness/jobs.ts';
import { ownRecords, type OwnRecords } from '../harness/own-records.ts';
import { change, complete, conclusion, open, read, reviewWorld, type ReviewWorld } from './review-world.ts';

// What the server writes is accepted by its own profile; a copy in which one thing is broken is not.
type Node = Record<string, unknown>;
const { profiles } = table as unknown as ProfileTable;
const base = `${canonical}/StructureDefinition/`;
const names = Object.keys(profiles).map((url) => url.slice(base.length));
let place: ReviewWorld;
let written: OwnRecords;

beforeAll(async () => {
  place = await reviewWorld();
  await review();
  written = await ownRecords(place.world);
});
afterAll(() => place.stop());

/** One review from arrival to delivery, with medication, sent back once on the way. */
async function review(): Promise<void> {
  const { world, people } = place;
  const job = (kind: 'analyze' | 'issue-report' | 'send-report', task: { id: string }) =>
    taken({ kind, key: task.id, data: { task: task.id } });
  const opened = await place.film();
  const patient = await read<Patient>(world, 'Patient', opened.study.subject.reference!.split('/')[1]!);
  const resource: Patient = { ...patient, telecom: [{ system: 'email', value: 'arjun@example.org' }] };
  await writeInTransaction(world, systemPrincipal('test'), { method: 'update', id: patient.id, resource });
  const step = (code: Parameters<typeof open>[2]) => open(world, opened, code);
  const analysis = await step('ai-inference');
  await change(world, people.doctor, analysis, { status: 'accepted' });
  await analyze(world, job('analyze', analysis));
  const verify = async () =>
    complete(world, people.doctor, await step('physician-verification'), {
      note: [{ text: 'Clear.' }],
      output: [conclusion('Normal')],
    });
  await verify();
  await change(world, people.pharmacist, await step('pharmacist-review'), { status: 'rejected', statusReason: { text: 'Which side?' } }); // prettier-ignore
  await verify();
  const proposal = { resourceType: 'MedicationRequest', id: 'rx1', status: 'draft', intent: 'proposal', subject: opened.study.subject, medicationCodeableConcept: { text: 'Paracetamol 500 mg' } } as MedicationRequest; // prettier-ignore
  const medication = { type: { coding: [{ system: systems.reviewData, code: 'medication' }] }, valueReference: { reference: '#rx1' } }; // prettier-ignore
  await complete(world, people.pharmacist, await step('pharmacist-review'), {
    note: [{ text: 'For the pain.' }], contained: [proposal], output: [medication],
  }); // prettier-ignore
  await complete(world, people.admin, await step('release-approval'));
  const delivery = await step('report-delivery');
  await issueReport(world, job('issue-report', delivery));
  await sendReport(world, job('send-report', delivery));
}

const of = (system: string, code: string) => ({ coding: [{ system, code }] });
const data = (code: string, value: Node): Node => ({ type: of(systems.reviewData, code), ...value });
const at = { reference: 'ImagingStudy/s/_history/2' };

/** Parts that a review has on other roads, so that every slice is tried. */
const more: Record<string, (record: Node) => Node> = {
  'step-task': (task) => ({
    ...task,
    input: [
      ...(task['input'] as Node[]).filter(({ type }) => !JSON.stringify(type).includes('-finding')),
      ...['ai-finding', 'clinical-finding'].map((code) =>
        data(code, { valueReference: { reference: 'Observation/o' } }),
      ),
      ...['retry-of', 'returned-from'].map((code) => data(code, { valueReference: { reference: 'Task/t' } })),
      data('image-update', { valueReference: at }),
      data('image', { valueIdentifier: { system: 'urn:dicom:uid', value: 'urn:oid:1.2' } }),
      data('amended-by', { valueReference: { reference: 'Task/t' } }),
      data('recipient', { valueReference: { reference: 'Practitioner/p' } }),
      data('amendment-kind', { valueCodeableConcept: of(systems.reviewData, 'addendum') }),
      data('amendment-reason', { valueCodeableConcept: { text: 'Late images' } }),
    ],
    output: [
      ...['ai-finding', 'clinical-finding'].map((code) =>
        data(code, { valueReference: { reference: 'Observation/o' } }),
      ),
      data('report', { valueReference: { reference: 'DiagnosticReport/r' } }),
      data('document', { valueReference: { reference: 'DocumentReference/d' } }),
      data('message', { valueReference: { reference: 'Communication/c' } }),
      data('images-seen', { valueReference: at }),
      data('conclusion', { valueCodeableConcept: { text: 'Old fracture' } }),
      data('concordance', { valueReference: { reference: 'Observation/o' } }),
      data('disagreement', { valueString: 'It is the heart.' }),
      data('medication', { valueReference: { reference: 'MedicationRequest/m' } }),
      data('discordance-confirmed', { valueBoolean: true }),
    ],
    owner: { reference: 'Practitioner/p' },
    note: [{ text: 'Seen.' }],
  }),
  'ai-finding': (finding) => ({
    ...finding,
    component: [
      ...(finding['component'] as Node[]),
      { code: of(systems.scanFinding, 'refusal'), valueCodeableConcept: of(systems.scanFinding, 'unsupported-view') },
    ],
  }),
  'report-message': (message) => ({ ...message, statusReason: of(systems.reviewReason, 'delivery-failed') }),
  'review-provenance': (provenance) => ({
    ...provenance,
    signature: [
      {
        type: [{ system: systems.signatureType, code: '1.2.840.10065.1.12.1.1' }],
        when: '2026-11-27T08:00:00Z',
        who: { reference: 'Practitioner/p' },
        sigFormat: 'application/jose',
        data: 'eA==',
      },
    ],
  }),
};

const waiting: Task = {
  resourceType: 'Task', status: 'completed', intent: 'order', meta: { security: [{ system: systems.actCode, code: 'NOPAT' }] },
  code: of(systems.reviewStep, 'identity-check'), for: { reference: 'Patient/a' }, focus: { reference: 'ImagingStudy/s' },
  authoredOn: '2026-11-27T08:00:00Z', lastModified: '2026-11-27T08:00:00Z', performerType: [{ text: 'Administrator' }],
  input: [data('study', { valueReference: { reference: 'ImagingStudy/s' } }), data('candidate', { valueReference: { reference: 'Patient/b' } }), data('held-images', { valueUnsignedInt: 2 })],
  note: [{ text: 'Same birth date and address.' }],
  output: [data('decision', { valueCodeableConcept: of(systems.reviewData, 'same-person') }), data('candidate', { valueReference: { reference: 'Patient/b' } })],
} as unknown as Task; // prettier-ignore

const withdrawal = {
  resourceType: 'Communication', status: 'not-done', statusReason: of(systems.reviewReason, 'no-address'), identifier: [{ system: systems.messageId, value: '<w.1@x>' }],
  category: [of(systems.reviewData, 'message')], medium: [of(systems.participationMode, 'EMAILWRIT')], subject: { reference: 'Patient/a' }, recipient: [{ reference: 'Patient/a' }],
  payload: [{ contentString: 'The report CSS-2026-00001 was withdrawn. It is not valid any more.' }],
} as unknown as Resource; // prettier-ignore

const issue = {
  resourceType: 'DetectedIssue', status: 'final', identifier: [{ system: systems.medicationWarning, value: 'w1' }], code: of(systems.actCode, 'DRG'), severity: 'high',
  patient: { reference: 'Patient/a' }, identifiedDateTime: '2026-11-27T08:00:00Z', author: { reference: 'Practitioner/p' }, implicated: [{ reference: 'MedicationRequest/m' }],
  detail: 'Warfarin / Aspirin', mitigation: [{ action: { text: 'For three days only.' }, date: '2026-11-27T08:00:00Z', author: { reference: 'Practitioner/p' } }],
} as unknown as Resource; // prettier-ignore

const decision = {
  resourceType: 'Consent', status: 'active', scope: of('http://terminology.hl7.org/CodeSystem/consentscope', 'research'), category: [of(systems.consentKind, 'improve-model')],
  patient: { reference: 'Patient/a' }, dateTime: '2026-11-27T08:00:00Z', performer: [{ reference: 'Patient/a' }], policyRule: of(systems.actCode, 'OPTOUT'), provision: { type: 'deny' },
} as unknown as Resource; // prettier-ignore

/** What this review has no need of; test/work/ has reviews that write them, and looks at every version of theirs. */
const elsewhere = new Map<string, Resource>([
  ['identity-check-task', waiting],
  ['medication-issue', issue],
  ['patient-decision', decision],
  ['withdrawal-message', withdrawal],
]);

/** The richest version that the review left, with what it lacks. */
function sampleOf(name: string): Node {
  const other = elsewhere.get(name);
  const found = other ? [other] : (written.looked.get(name) ?? []);
  const sizes = new Map(found.map((one) => [one, JSON.stringify(one).length]));
  const [richest] = [...found].sort((a: Resource, b: Resource) => sizes.get(b)! - sizes.get(a)!);
  if (!richest) throw new Error(`The review wrote no ${name}`);
  const plain = richest as unknown as Node;
  return more[name]?.(plain) ?? plain;
}

const without = (record: Node, ...elements: string[]): Node =>
  Object.fromEntries(Object.entries(record).filter(([element]) => !elements.includes(element)));
const noneOf = (record: Node, list: string, code: string): Node => ({
  ...record,
  [list]: (record[list] as Node[]).filter((one) => !JSON.stringify(one).includes(`"${code}"`)),
});
const step = (record: Node, code: string, status = 'completed'): Node => ({
  ...record,
  code: of(systems.reviewStep, code),
  status,
});
const answer = (record: Node, code: string): Node => ({
  ...record,
  valueCodeableConcept: of(systems.scanFinding, code),
});
const statedAs = (record: Node, code: string): Node => ({ ...record, businessStatus: of(systems.reviewStatus, code) });

/** For each invariant, a record that breaks it. */
const broken: Record<string, (record: Node) => Node> = {
  'coordination-task task-reason': (task) => ({ ...statedAs(task, 'REJECTED'), status: 'rejected' }),
  'coordination-task coordination-end': (task) => statedAs(task, 'RETURNED'),
  'coordination-task coordination-ended': (task) => ({ ...statedAs(task, 'CANCELLED'), status: 'in-progress' }),
  'coordination-task coordination-document': (task) => noneOf(task, 'output', 'document'),
  'step-task task-reason': (task) => without({ ...task, status: 'on-hold' }, 'statusReason'),
  'step-task step-owner': (task) => without(step(task, 'release-approval'), 'owner'),
  'step-task step-finding': (task) => noneOf(step(task, 'ai-inference'), 'output', 'ai-finding'),
  'step-task step-reading': (task) => noneOf(step(task, 'physician-verification'), 'output', 'conclusion'),
  'step-task step-amendment': (task) => noneOf(step(task, 'report-amendment', 'in-progress'), 'input', 'amendment-kind'),
  'step-task step-medication': (task) => without(step(task, 'pharmacist-review'), 'note'),
  'step-task step-message': (task) => noneOf(step(task, 'report-delivery'), 'output', 'message'),
  'step-task step-end': (task) => without(step(task, 'ai-inference', 'failed'), 'executionPeriod'),
  'identity-check-task task-reason': (task) => ({ ...task, status: 'cancelled' }),
  'identity-check-task identity-decision': (task) => noneOf(task, 'output', 'candidate'),
  'dicomweb-endpoint endpoint-token': (endpoint) => without(endpoint, 'extension'),
  'imaging-study study-images': (study) => without(study, 'series'),
  'imaging-study study-uid': (study) => ({ ...study, identifier: [{ system: systems.studyUid, value: 'urn:oid:1.2.03' }] }),
  'ai-finding ai-classes': (finding) => ({
    ...finding,
    component: (finding['component'] as Node[]).filter((one) => !('valueQuantity' in one) || JSON.stringify(one).includes('threshold')),
  }),
  'ai-finding ai-no-disease': (finding) => ({
    ...finding,
    valueCodeableConcept: { coding: [{ system: systems.scanFinding, code: 'COVID' }, { system: systems.snomed, code: '840539006' }] },
  }),
  'ai-finding ai-uncertain': (finding) => answer(without(finding, 'interpretation'), 'Uncertain'),
  'ai-finding ai-refusal': (finding) => answer(noneOf(finding, 'component', 'refusal'), 'Unsupported'),
  'ai-finding probability': (finding) => ({
    ...finding,
    component: [...(finding['component'] as Node[]), { code: of(systems.scanFinding, 'Sick'), valueQuantity: { value: 1.2, system: systems.ucum, code: '1' } }],
  }),
  'concordance concordance-reason': (one) => without(answer(one, 'disagree'), 'note'),
  'ai-model sha256': (device) => ({
    ...device,
    version: (device['version'] as Node[]).map((one) => (JSON.stringify(one).includes('weights-sha256') ? { ...one, value: 'abc' } : one)),
  }),
  'review-report report-released': (report) => without({ ...report, status: 'amended' }, 'presentedForm'),
  'review-report report-withheld': (report) => without({ ...report, status: 'preliminary' }, 'meta'),
  'report-document document-replaces': (document) => ({ ...document, relatesTo: [{ code: 'appends', target: { reference: 'DocumentReference/x' } }] }),
  'withdrawal-message message-reason': (message) => without(message, 'statusReason'),
  'report-message message-reason': (message) => without({ ...message, status: 'not-done' }, 'statusReason'),
}; // prettier-ignore

test('everything that the review wrote fits its profile, and it wrote of nearly every kind', () => {
  expect(written.unfit).toEqual([]);
  expect(names.filter((name) => !written.looked.has(name))).toEqual([...elsewhere.keys()]);
});

describe.each(names)('%s', (name) => {
  const { root, type } = profileOf(base + name)!;
  const faults = (record: Node) => issuesWith(record, [base + name]).map(({ message }) => message);
  const rules = constraintsOf(root, type).filter((one) => one.includes(' rule '));

  test('a record that has everything is accepted', () => {
    expect(issuesWith(sampleOf(name), [base + name])).toEqual([]);
  });

  test('each constraint refuses a copy in which it alone is broken', () => {
    const copies = brokenCopies(sampleOf(name), root);
    for (const { constraint, record } of copies) {
      expect(faults(record), constraint).not.toEqual([]);
      // What R4 demands, the profile may repeat; all else is its own.
      if (!/ (min|max)$/.test(constraint)) expect(validationIssues(record), constraint).toEqual([]);
    }
    const tried = new Set(copies.map(({ constraint }) => constraint));
    expect(constraintsOf(root, type).filter((one) => !tried.has(one) && !rules.includes(one))).toEqual([]);
  });

  test('each invariant refuses a record that breaks it', () => {
    for (const key of rules.map((rule) => rule.split(' rule ')[1]!)) {
      const make = broken[`${name} ${key}`];
      expect(make, `${name} ${key}`).toBeDefined();
      const record = make!(sampleOf(name));
      expect(validationIssues(record)).toEqual([]);
      expect(
        faults(record).some((message) => message.startsWith(`${key}:`)),
        key,
      ).toBe(true);
    }
  });
});

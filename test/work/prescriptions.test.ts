import type { DetectedIssue, MedicationRequest, Provenance, Resource, Task, TaskOutput } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemPrincipal, type Principal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { caller, type Caller } from '../harness/calls.ts';
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

// What a prescription says, and what it was warned of: by the one way in, from our own page and from an EHR.
let place: ReviewWorld;
let own: Principal;
let app: Caller;
beforeAll(async () => {
  place = await reviewWorld();
  own = { ...place.people.pharmacist, firstParty: true };
  app = caller(place.server, (await place.server.signIn('pharmacist')).access_token);
});
afterAll(() => place.stop());

let count = 0;
/** A verified review of a patient of its own, with what is known of that patient. */
async function verified(known: readonly object[] = []): Promise<Opened & { patient: string }> {
  const { world, people } = place;
  const review = await place.film({ patientId: `RX-${++count}`, patientName: `Patient^${count}` });
  const patient = review.study.subject.reference!;
  for (const record of known) {
    const { resourceType } = record as Resource;
    const subject =
      resourceType === 'AllergyIntolerance' ? { patient: { reference: patient } } : { subject: { reference: patient } };
    const resource = { ...record, ...subject } as Resource;
    await writeInTransaction(world, systemPrincipal('test'), { method: 'create', resource });
  }
  await change(world, people.doctor, await open(world, review, 'ai-inference'), {
    status: 'cancelled',
    statusReason: { text: 'no need' },
  });
  await complete(world, people.doctor, await open(world, review, 'physician-verification'), {
    note: [{ text: 'Pneumonia.' }],
    output: [conclusion('Normal')],
  });
  return { ...review, patient };
}

const clinical = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code }],
});
const verification = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', code }],
});
const allergy = (text: string, state = 'active', certainty = 'confirmed') => ({
  resourceType: 'AllergyIntolerance',
  clinicalStatus: clinical(state),
  verificationStatus: verification(certainty),
  code: { text },
});
const takes = (text: string, status = 'active') => ({
  resourceType: 'MedicationStatement',
  status,
  medicationCodeableConcept: { text },
});

const oneDaily = {
  timing: {
    repeat: {
      frequency: 1,
      period: 1,
      periodUnit: 'd' as const,
      boundsDuration: { value: 7, unit: 'days', system: systems.ucum, code: 'd' },
    },
  },
  route: { coding: [{ system: systems.snomed, code: '26643006' }] },
  doseAndRate: [{ doseQuantity: { value: 1, unit: 'tablet', system: systems.ucum, code: '{tablet}' } }],
};
const proposal = (
  patient: string,
  id: string,
  text: string,
  more: Partial<MedicationRequest> = {},
): MedicationRequest => ({
  resourceType: 'MedicationRequest',
  id,
  status: 'draft',
  intent: 'proposal',
  subject: { reference: patient },
  medicationCodeableConcept: { text },
  dosageInstruction: [{ text: '1 tablet daily' }],
  ...more,
});
const named = (id: string): TaskOutput => ({
  type: { coding: [{ system: systems.reviewData, code: 'medication' }] },
  valueReference: { reference: `#${id}` },
});
const answer = (id: string, local: string, reason: string): DetectedIssue => ({
  resourceType: 'DetectedIssue', id: local, status: 'final', identifier: [{ system: systems.medicationWarning, value: id }],
  ...(reason !== '' && { mitigation: [{ action: { text: reason } }] }),
}); // prettier-ignore

interface Shown {
  id: string;
  severity: string;
  medication: number;
  with: { text: string; reference?: string };
  text: string;
}
interface Checked {
  known: { complete: boolean; allergies: { text: string; state: string; kind: string }[]; medications: { text: string; state: string }[] };
  duplicates: Shown[]; interactions: Shown[]; allergies: Shown[]; unlisted: number[]; language: string;
} // prettier-ignore

async function check(patient: string, names: string[], review?: string): Promise<Checked> {
  const body = {
    patient: patient.split('/')[1],
    ...(review && { review }),
    medications: names.map((name) => ({ name })),
  };
  const response = await app.send('POST', '/portal/medication-check', body, { 'Content-Type': 'application/json' });
  expect(response.status).toBe(200);
  return (await response.json()) as Checked;
}

async function prescribed(who: Principal, review: Opened, contained: Resource[], outputs: TaskOutput[]): Promise<MedicationRequest[]> {
  const step = await open(place.world, review, 'pharmacist-review');
  await complete(place.world, who, step, { note: [{ text: 'As said.' }], contained, output: outputs });
  const done = await read<Task>(place.world, 'Task', step.id);
  expect(done.contained).toBeUndefined();
  return Promise.all((done.output ?? []).map(({ valueReference }) => read<MedicationRequest>(place.world, 'MedicationRequest', valueReference!.reference!.split('/')[1]!)));
} // prettier-ignore

describe('a dose', () => {
  test('that is coded and has no words gets them in the language of the site, set apart so that no digits meet', async () => {
    const review = await verified();
    const [stored] = await prescribed(own, review, [proposal(review.patient, 'rx1', 'Warfarin 5', { dosageInstruction: [oneDaily] })], [named('rx1')]);
    expect(stored!.dosageInstruction).toEqual([{ ...oneDaily, text: '1 tablet, by mouth, once a day, for 7 days' }]);
    await place.server.system.sql.query(`update site set languages = '{ta-IN,en}'`);
    const second = await verified();
    const [tamil] = await prescribed(own, second, [proposal(second.patient, 'rx1', 'Warfarin 5', { dosageInstruction: [oneDaily] })], [named('rx1')]);
    await place.server.system.sql.query(`update site set languages = '{}'`);
    expect(tamil!.dosageInstruction![0]!.text).toBe('1 மாத்திரை, வாய் வழியாக, ஒரு நாளைக்கு 1 முறை, 7 நாட்களுக்கு மட்டும்');
  });

  test('keeps the words that it came with, and gets none where they would leave a part of it out', async () => {
    const review = await verified();
    const odd = { ...oneDaily, timing: { repeat: { ...oneDaily.timing.repeat, dayOfWeek: ['mon' as const] } } };
    const medication = [
      proposal(review.patient, 'rx1', 'Warfarin 5 mg', { dosageInstruction: [{ ...oneDaily, text: 'one in the evening' }] }),
      proposal(review.patient, 'rx2', 'Paracetamol 500 mg', { dosageInstruction: [odd] }),
    ];
    const stored = await prescribed(own, review, medication, [named('rx1'), named('rx2')]);
    expect(stored.map(({ dosageInstruction }) => dosageInstruction![0]!.text)).toEqual(['one in the evening', undefined]);
  });
}); // prettier-ignore

describe('what is known of a patient', () => {
  test('is told as it stands: what is refuted, in error or not taken is not there, what is over is not active', async () => {
    const { patient } = await verified([
      allergy('Penicillin'),
      allergy('Ibuprofen', 'active', 'refuted'),
      { ...allergy('Aspirin'), clinicalStatus: undefined, verificationStatus: verification('entered-in-error') },
      allergy('Doxycycline', 'resolved'),
      takes('Warfarin 5 mg tablets'),
      takes('Digoxin', 'entered-in-error'),
      takes('Lithium', 'not-taken'),
      takes('Metformin', 'stopped'),
      {
        resourceType: 'MedicationRequest', status: 'active', intent: 'order', authoredOn: '2020-01-01', medicationCodeableConcept: { text: 'Ciprofloxacin' },
        dosageInstruction: [{ timing: { repeat: { boundsDuration: { value: 5, unit: 'd', system: systems.ucum, code: 'd' } } } }],
      },
    ].map((record) => JSON.parse(JSON.stringify(record)) as object)); // prettier-ignore
    const { known, interactions, allergies, duplicates } = await check(patient, [
      'Amoxicillin 500 mg',
      'Ibuprofen 400 mg',
    ]);
    expect(known.complete).toBe(true);
    expect(known.allergies.map(({ text, state }) => [text, state]).sort()).toEqual([
      ['Doxycycline', 'resolved'],
      ['Penicillin', 'active'],
    ]);
    expect(known.medications.map(({ text, state }) => [text, state]).sort()).toEqual([
      ['Ciprofloxacin', 'ended'], ['Metformin', 'ended'], ['Warfarin 5 mg tablets', 'current'],
    ]); // prettier-ignore
    expect(allergies.map(({ medication, with: met }) => [medication, met.text])).toEqual([[0, 'Penicillin']]);
    expect(interactions.map(({ medication, with: met, severity }) => [medication, met.text, severity])).toEqual([
      [1, 'Warfarin 5 mg tablets', 'high'],
    ]);
    expect(duplicates).toEqual([]);
  });

  test('that there is no allergy is something else than that nothing is recorded', async () => {
    const none = {
      ...allergy('No known allergy'),
      code: { coding: [{ system: systems.snomed, code: '716186003', display: 'No known allergy' }] },
    };
    const said = await check((await verified([none])).patient, ['Amoxicillin']);
    expect([said.known.allergies.map(({ kind }) => kind), said.allergies]).toEqual([['none'], []]);
    expect((await check((await verified()).patient, ['Amoxicillin'])).known.allergies).toEqual([]);
  });

  test('a duplicate is found by code, by another name, by group and by a name that the table does not list', async () => {
    const coded = {
      resourceType: 'MedicationStatement',
      status: 'active',
      medicationCodeableConcept: { coding: [{ system: 'http://www.whocc.no/atc', code: 'N02BE01' }] },
    };
    const { patient } = await verified([
      coded,
      takes('Naproxen 250 mg'),
      takes('Zorbaxil 20 mg tablets'),
      takes('Vitamin D3 drops'),
    ]);
    const { duplicates, unlisted } = await check(patient, [
      'Acetaminophen 500 mg',
      'Brufen 400',
      'zorbaxil 40 mg',
      'Vitamin B12',
      'Ramipril 5 mg',
    ]);
    expect(duplicates.map(({ medication, with: met, severity }) => [medication, met.text, severity])).toEqual([
      [0, 'N02BE01', 'high'], [2, 'Zorbaxil 20 mg tablets', 'high'], [1, 'Naproxen 250 mg', 'moderate'],
    ]); // prettier-ignore
    expect(unlisted).toEqual([2, 3]);
  });
});

describe('a warning', () => {
  test('is to be answered in our own application, whatever the page says; the refusal names no medication', async () => {
    const review = await verified([takes('Warfarin 5 mg')]);
    const medication = proposal(review.patient, 'rx1', 'Ibuprofen 400 mg', { detectedIssue: [{ reference: '#w1' }] });
    const [warning] = (await check(review.patient, ['Ibuprofen 400 mg'])).interactions;
    const step = await open(place.world, review, 'pharmacist-review');
    await change(place.world, own, step, { status: 'in-progress' });
    const attempt = (contained: Resource[]) =>
      change(place.world, own, step, { status: 'completed', note: [{ text: 'Yes.' }], contained, output: [named('rx1')] });
    const refusals = [
      [proposal(review.patient, 'rx1', 'Ibuprofen 400 mg')],
      [medication, answer(warning!.id, 'w1', '')],
      [medication, answer('another', 'w1', 'Because.')],
      [medication, answer(warning!.id, 'w1', ' \u200b ')],
      [medication],
    ];
    for (const [index, contained] of refusals.entries()) {
      const refusal = await attempt(contained).then(() => undefined, (error: Error & { code?: string }) => error);
      expect(refusal).toMatchObject({ code: index === 4 ? 'invariant' : 'business-rule' }); // a reference to nothing is no FHIR
      expect(refusal!.message).not.toMatch(/ibuprofen|warfarin/i);
    }
    expect((await open(place.world, review, 'pharmacist-review')).status).toBe('in-progress');
    await attempt([medication, answer(warning!.id, 'w1', 'For two days only; INR is checked on Friday.')]);
  }); // prettier-ignore

  test('that is answered stands with its reason as a DetectedIssue that is signed, read by staff, and changed by nobody', async () => {
    const review = await verified([allergy('penicillin'), takes('Warfarin')]);
    const names = ['Amoxicillin 500 mg', 'Ibuprofen 400 mg'];
    const found = await check(review.patient, names);
    const warnings = [...found.allergies, ...found.interactions];
    expect(warnings).toHaveLength(2);
    const medication = names.map((name, index) =>
      proposal(review.patient, `rx${index}`, name, { detectedIssue: warnings.flatMap((one, place) => (one.medication === index ? [{ reference: `#w${place}` }] : [])) }),
    );
    const answers = warnings.map(({ id }, index) => answer(id, `w${index}`, `Reason ${index}`));
    const stored = await prescribed(own, review, [...medication, ...answers], medication.map(({ id }) => named(id!)));
    const issues = await Promise.all(stored.map(({ detectedIssue }) => read<DetectedIssue>(place.world, 'DetectedIssue', detectedIssue![0]!.reference!.split('/')[1]!)));
    expect(issues[0]).toMatchObject({
      status: 'final', severity: 'high', patient: { reference: review.patient }, author: { reference: own.fhirUser },
      code: { coding: [{ code: 'ALGY' }] }, mitigation: [{ action: { text: 'Reason 0' }, author: { reference: own.fhirUser } }],
    });
    expect(issues[0]!.implicated!.map(({ reference }) => reference!.split('/')[0])).toEqual(['MedicationRequest', 'AllergyIntolerance']);
    expect(issues[1]!.code!.coding![0]!.code).toBe('DRG');
    const patient = { ...place.people.patient, fhirUser: review.patient };
    const { world } = place;
    for (const who of [own, place.people.doctor, systemPrincipalOfClient]) {
      const attempt = writeInTransaction(world, who, { method: 'update', id: issues[0]!.id, resource: { ...issues[0]!, status: 'entered-in-error' } });
      await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/forbidden|business-rule/) as string });
    }
    const { search } = await import('../../server/core/records/read.ts');
    const { plainQuery } = await import('../../server/core/search/search-query.ts');
    expect((await search(world, patient, plainQuery('DetectedIssue', [], 10))).matches).toEqual([]);
    expect((await search(world, place.people.admin, plainQuery('DetectedIssue', [{ parameter: 'patient', values: [review.patient] }], 10))).matches).toHaveLength(2);
    // Who changes a reason behind the back of the one who signed it keeps the report from being released.
    await complete(world, place.people.admin, await open(world, review, 'release-approval'));
    const signed = (await search(world, place.people.admin, plainQuery('Provenance', [{ parameter: 'target', values: [`DetectedIssue/${issues[0]!.id}`] }], 10))).matches;
    expect((signed[0]!.resource as Provenance).signature).toHaveLength(1);
  }); // prettier-ignore

  test('whose reason was changed after it was signed lets nobody release the report', async () => {
    const review = await verified([takes('Warfarin')]);
    const [warning] = (await check(review.patient, ['Ibuprofen'])).interactions;
    const medication = proposal(review.patient, 'rx1', 'Ibuprofen', { detectedIssue: [{ reference: '#w1' }] });
    const [stored] = await prescribed(
      own,
      review,
      [medication, answer(warning!.id, 'w1', 'Short course.')],
      [named('rx1')],
    );
    const issue = await read<DetectedIssue>(
      place.world,
      'DetectedIssue',
      stored!.detectedIssue![0]!.reference!.split('/')[1]!,
    );
    const other = { ...issue, mitigation: [{ action: { text: 'No reason at all.' } }] };
    await writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: issue.id, resource: other });
    const attempt = complete(place.world, place.people.admin, await open(place.world, review, 'release-approval'));
    await expect(attempt).rejects.toMatchObject({ code: 'conflict' });
  });

  test('is between two of one prescription too, and what the review itself proposed before is no duplicate', async () => {
    const review = await verified();
    const { interactions } = await check(review.patient, ['Warfarin 5 mg', 'Ibuprofen 400 mg']);
    expect(interactions.map(({ medication, with: met }) => [medication, met])).toEqual([
      [0, { text: 'Ibuprofen 400 mg', medication: 1 }],
    ]);
    await prescribed(own, review, [proposal(review.patient, 'rx1', 'Paracetamol')], [named('rx1')]);
    expect((await check(review.patient, ['Paracetamol'])).duplicates).toHaveLength(1);
    expect((await check(review.patient, ['Paracetamol'], review.coordinationId)).duplicates).toEqual([]);
  });
});

test('an EHR prescribes as before: nobody asks it about our table, and an issue that it brings is kept under its name', async () => {
  const review = await verified([takes('Warfarin')]);
  const brought: DetectedIssue = { resourceType: 'DetectedIssue', id: 'i', status: 'final', detail: 'Found by our own check.', mitigation: [{ action: { text: 'Agreed by phone.' } }] };
  const medication = [proposal(review.patient, 'rx1', 'Ibuprofen', { detectedIssue: [{ reference: '#i' }] }), proposal(review.patient, 'rx2', 'Naproxen')];
  const stored = await prescribed(place.people.pharmacist, review, [...medication, brought], [named('rx1'), named('rx2')]);
  expect(stored[1]!.detectedIssue).toBeUndefined();
  const issue = await read<DetectedIssue>(place.world, 'DetectedIssue', stored[0]!.detectedIssue![0]!.reference!.split('/')[1]!);
  expect(issue).toMatchObject({ detail: brought.detail, patient: { reference: review.patient }, author: { reference: own.fhirUser }, implicated: [{ reference: `MedicationRequest/${stored[0]!.id}` }] });
  expect((await steps(place.world, review.coordinationId)).at(-1)!.code!.coding![0]!.code).toBe('release-approval');
}); // prettier-ignore

test.each([0, -5])('a dose of %s is none, whoever sends it: nothing is proposed without its dose', async (value) => {
  const review = await verified();
  const doseAndRate = [{ doseQuantity: { value, unit: 'mg', system: systems.ucum, code: 'mg' } }];
  const sent = proposal(review.patient, 'rx1', 'Ibuprofen', { dosageInstruction: [{ doseAndRate }] });
  await expect(prescribed(place.people.pharmacist, review, [sent], [named('rx1')])).rejects.toMatchObject({ code: 'business-rule', message: 'A dose must be more than 0.' });
}); // prettier-ignore

/** A service with every scope: what the workflow wrote is not its either. */
const systemPrincipalOfClient: Principal = {
  kind: 'client', subject: 'ehr', clientId: 'ehr', scopes: [{ context: 'system', type: '*', permissions: 'cruds' }],
}; // prettier-ignore

import type {
  Communication,
  DiagnosticReport,
  DocumentReference,
  ImagingStudy,
  Media,
  OperationOutcome,
  Parameters,
  Patient,
  Provenance,
  ServiceRequest,
  Task,
} from '@medplum/fhirtypes';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureAccount } from '../../server/core/accounts/account.ts';
import type { OutgoingMail } from '../../server/core/deliveries/mailer.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { reviewsOfStudy } from '../../server/core/workflow/review-of-study.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import type { World } from '../../server/core/world.ts';
import { demoPassword } from '../../server/demo/people.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { oweMails } from '../../server/work/owed-work.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { sendWithdrawal } from '../../server/work/send-withdrawal.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { type Element, imageFile } from '../harness/dicom-file.ts';
import { taken } from '../harness/jobs.ts';
import { change, complete, conclusion, noneNeeded, open, read, reviewWorld, type Opened, type ReviewWorld } from './review-world.ts'; // prettier-ignore

// The images of a study lie with the wrong patient: one act of staff gives them to the right one, whatever their
// review has come to, and the wrong one reads nothing of them any more. Jobs run when the test says so.
let place: ReviewWorld;
let who: Record<'wrong' | 'right' | 'doctor' | 'admin' | 'pharmacist' | 'service', Caller>;
const wrong = 'Patient/demo-patient-1';
const right = 'Patient/right-one';

beforeAll(async () => {
  place = await reviewWorld();
  const { server, world } = place;
  await write({
    resourceType: 'Patient',
    id: 'right-one',
    active: true,
    identifier: [{ system: 'urn:oid:2.16.840.1.99', value: 'RIGHT-1' }],
    name: [{ family: 'Right', given: ['Wanda'] }],
    birthDate: '1961-02-03',
    gender: 'female',
    telecom: [{ system: 'email', value: 'right@example.org' }],
  });
  const account = { email: 'right@example.org', password: demoPassword, role: 'patient' as const };
  await ensureAccount(world, server.system.passwords, { ...account, displayName: 'Wanda', fhirUser: right });
  const standing = await read<Patient>(world, 'Patient', 'demo-patient-1');
  await write({ ...standing, telecom: [{ system: 'email', value: 'wrong@example.org' }] });
  const as = async (role: 'patient' | 'doctor' | 'admin' | 'pharmacist', email = `${role}@demo.csss.example`) =>
    caller(server, (await server.signIn(role, { email })).access_token);
  who = {
    wrong: await as('patient'),
    right: await as('patient', account.email),
    doctor: await as('doctor'),
    admin: await as('admin'),
    pharmacist: await as('pharmacist'),
    service: caller(server, await server.backend()),
  };
});
afterAll(() => place.stop());

async function write(resource: Patient & { id: string }): Promise<void> {
  await writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: resource.id, resource });
}

const move = (by: Caller, study: { id: string }, patient: string, reason = 'another person stood at the detector') =>
  by.send('POST', `/fhir/ImagingStudy/${study.id}/$move`, {
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueReference: { reference: patient } },
      { name: 'reason', valueString: reason },
    ],
  } satisfies Parameters);

async function analyzed(): Promise<Opened> {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  return review;
}

async function approved(review: Opened): Promise<Task & { id: string }> {
  const { world, people } = place;
  await complete(world, people.doctor, await open(world, review, 'physician-verification'), {
    note: [{ text: 'No consolidation.' }],
    output: [conclusion('Normal'), disagreement],
  });
  await complete(world, people.pharmacist, await open(world, review, 'pharmacist-review'), {
    note: [{ text: 'None.' }],
    output: [noneNeeded],
  });
  await complete(world, people.admin, await open(world, review, 'release-approval'));
  return open(world, review, 'report-delivery');
}

const disagreement = {
  type: { coding: [{ system: 'https://csss.example/fhir/CodeSystem/review-data', code: 'concordance' }] },
  valueCodeableConcept: { coding: [{ system: 'https://csss.example/fhir/CodeSystem/scan-finding', code: 'agree' }] },
};

const born: Element = ['00100030', 'DA', '19850412'];
const printJob = (step: { id: string }) => taken({ kind: 'issue-report', key: step.id, data: { task: step.id } });
const mailJob = (step: { id: string }) => taken({ kind: 'send-report', key: step.id, data: { task: step.id } });

async function released(): Promise<{ review: Opened; delivery: Task & { id: string } }> {
  const review = await analyzed();
  const delivery = await approved(review);
  await issueReport(place.world, printJob(delivery));
  return { review, delivery };
}

function collecting(mails: OutgoingMail[]): World {
  return { ...place.world, mailer: { send: async (mail) => void mails.push(mail) } };
}

const rounds = (study: { id: string }) => place.world.read((stores) => reviewsOfStudy(stores, study.id));

/** Every address at which the wrong patient could read the study or what was said of it. */
async function addressesOf(study: ImagingStudy & { id: string }): Promise<string[]> {
  const [coordination] = await rounds(study);
  const reportId = outputOf(coordination!, 'report')!.reference;
  const report = await place.world.read(({ records }) => records.read('DiagnosticReport', reportId.split('/')[1]!, { kind: 'all' })); // prettier-ignore
  const { result = [], media = [], presentedForm = [] } = report!.resource as DiagnosticReport;
  const map = await read<Media>(place.world, 'Media', media[0]!.link.reference!.split('/')[1]!);
  const records = [
    `ImagingStudy/${study.id}`,
    `Task/${coordination!.id}`,
    reportId,
    outputOf(coordination!, 'document')!.reference,
    ...result.map(({ reference }) => reference!),
    media[0]!.link.reference!,
    presentedForm[0]!.url!,
    map.content.url!,
  ];
  const uid = study.identifier!.find(({ system }) => system === 'urn:dicom:uid')!.value!.slice('urn:oid:'.length);
  const dicom = [``, `/metadata`, `/rendered`, `/series`, `/instances`].map(
    (part) => `/dicomweb/studies/${uid}${part}`,
  );
  return [
    ...records.map((name) => `/fhir/${name}`),
    `/fhir/ImagingStudy/${study.id}/_history/1`,
    `/fhir/Task/${coordination!.id}/_history/1`,
    ...dicom,
  ];
}

/** What of the addresses is answered with anything. */
async function readable(by: Caller, addresses: string[]): Promise<string[]> {
  const open: string[] = [];
  for (const address of addresses) {
    const answer = await by.get(address);
    const text = await answer.text();
    if (answer.status === 200 && text !== '[]') open.push(address);
    else
      expect([address, answer.status]).toEqual([
        address,
        answer.status === 200 ? 200 : answer.status === 204 ? 204 : 404,
      ]);
  }
  return open;
}

async function found(by: Caller): Promise<string[]> {
  const bundle = await by.json<{ entry?: { resource: { resourceType: string; id: string } }[] }>(
    '/fhir/Patient/demo-patient-1/$everything?_count=500',
  );
  const everything = (bundle.entry ?? []).map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  const history = await by.json<{ entry?: { resource?: { resourceType: string; id: string } }[] }>('/fhir/_history?_count=500'); // prettier-ignore
  const past = (history.entry ?? []).flatMap(({ resource }) =>
    resource ? [`${resource.resourceType}/${resource.id}`] : [],
  );
  const images = await by.json<object[]>('/dicomweb/studies').catch(() => []);
  return [...new Set([...everything, ...past]), ...images.map((one) => JSON.stringify(one))];
}

test('a released study that is moved is out of the wrong patient’s reach by every way, and in the right one’s', async () => {
  const mails: OutgoingMail[] = [];
  const { review, delivery } = await released();
  await sendReport(collecting(mails), mailJob(delivery));
  const addresses = await addressesOf(review.study);
  expect(await readable(who.wrong, addresses)).toEqual(addresses.filter((one) => !one.includes('Task/') || !one.includes('_history'))); // prettier-ignore
  expect((await readable(who.right, addresses)).length).toBe(0);

  const answer = await move(who.doctor, review.study, right);
  expect([answer.status, await answer.clone().text()]).toEqual([200, expect.stringContaining('begins anew')]);

  expect(await readable(who.wrong, addresses)).toEqual([]);
  const left = await found(who.wrong);
  const [, again] = await rounds(review.study);
  expect(left.filter((one) => one.includes(review.study.id) || one.includes('DiagnosticReport/') || one.includes('Observation/') || one.includes('Media/') || one.includes('DocumentReference') || one.includes('Binary/') || one.includes('Task/'))).toEqual([]); // prettier-ignore

  const uid = review.study.identifier![0]!.value!.slice('urn:oid:'.length);
  const [shown] = await who.right.json<Record<string, { Value: unknown[] }>[]>(`/dicomweb/studies?StudyInstanceUID=${uid}`); // prettier-ignore
  expect([shown!['00100020']!.Value, shown!['00100010']!.Value]).toEqual([['RIGHT-1'], [{ Alphabetic: 'Right^Wanda' }]]); // prettier-ignore
  const staff = await readable(who.doctor, addresses);
  expect(staff).toEqual(addresses);
  const mine = await readable(who.right, addresses);
  expect(mine.filter((one) => one.startsWith('/dicomweb/'))).toEqual(addresses.filter((one) => one.startsWith('/dicomweb/'))); // prettier-ignore
  expect(mine.filter((one) => one.startsWith('/fhir/'))).toEqual([`/fhir/ImagingStudy/${review.study.id}`]);
  expect(again).toMatchObject({ status: 'received', for: { reference: right } });
  expect(statusOf(again!.businessStatus)).toBe('PENDING_AI');
  expect((await who.right.search<Task>('Task')).map(({ id }) => id)).toEqual([again!.id]);
  expect(mails.map(({ to }) => to)).toEqual(['wrong@example.org']);
});

test('whoever was mailed the report is told, without health data, that it was withdrawn', async () => {
  const { review, delivery } = await released();
  await sendReport(collecting([]), mailJob(delivery));
  expect((await move(who.admin, review.study, right)).status).toBe(200);
  const owed = (await who.admin.search<Communication>(`Communication?patient=${wrong}&status=preparation`)).find(({ id }) => id)!; // prettier-ignore
  const mails: OutgoingMail[] = [];
  const job = taken({ kind: 'send-withdrawal', key: owed.id!, data: { communication: owed.id! } });
  const away: World = { ...place.world, mailer: { send: () => Promise.reject(new Error('away')) } };
  await expect(sendWithdrawal(away, job)).rejects.toThrow('away');
  await sendWithdrawal(collecting(mails), job);
  await sendWithdrawal(collecting(mails), job);
  expect(mails.map(({ to, attachments }) => [to, attachments])).toEqual([['wrong@example.org', []]]);
  expect(mails[0]!.text).not.toMatch(/Normal|Rao|Arjun|Right|Wanda|chest|consolidation/i);
  expect(mails[0]!.subject).toMatch(/CSS-\d{4}-\d{5}/);
  expect((await read<Communication>(place.world, 'Communication', owed.id!)).status).toBe('completed');
  expect((await who.wrong.search<Communication>('Communication')).map(({ id }) => id)).toContain(owed.id);
  const message = await who.admin.search<Communication>(`Communication?part-of=Task/${delivery.id}`);
  expect(message[0]).toMatchObject({ status: 'completed', meta: { security: [{ code: 'NOPAT' }] } });
});

test('a message whose job was lost is owed again', async () => {
  const { review, delivery } = await released();
  await sendReport(collecting([]), mailJob(delivery));
  await move(who.admin, review.study, right);
  expect(await oweMails(place.world)).toBe(0); // the job waits
  const sql = new pg.Client({ connectionString: place.server.databaseUrl });
  await sql.connect();
  await sql.query(`delete from job.job where name = 'send-withdrawal'`);
  await sql.end();
  expect(await oweMails(place.world)).toBeGreaterThan(0);
  expect(await oweMails(place.world)).toBe(0);
});

test('a move while the PDF is printed leaves nothing of it', async () => {
  const review = await analyzed();
  const delivery = await approved(review);
  const printing: World = {
    ...place.world,
    pdf: {
      async print() {
        expect((await move(who.doctor, review.study, right)).status).toBe(200);
        return new Uint8Array([1]);
      },
    },
  };
  await issueReport(printing, printJob(delivery));
  const [first, second] = await rounds(review.study);
  expect([first, second].map((task) => statusOf(task!.businessStatus))).toEqual(['RETRACTED', 'PENDING_AI']);
  expect(await read<Task>(place.world, 'Task', delivery.id)).toMatchObject({ status: 'cancelled', statusReason: { coding: [{ code: 'wrong-patient' }] } }); // prettier-ignore
  expect(outputOf(first!, 'document')).toBeUndefined();
  expect(await who.doctor.search<DocumentReference>(`DocumentReference?related=ImagingStudy/${review.study.id}`)).toEqual([]); // prettier-ignore
  await issueReport(place.world, printJob(delivery));
  expect((await rounds(review.study))[0]!.meta!.versionId).toBe(first!.meta!.versionId);
});

test('a move while the mail waits voids it', async () => {
  const { review, delivery } = await released();
  await move(who.doctor, review.study, right);
  const mails: OutgoingMail[] = [];
  await sendReport(collecting(mails), mailJob(delivery));
  expect(mails).toEqual([]);
  expect(await who.admin.search(`Communication?part-of=Task/${delivery.id}`)).toEqual([]);
});

test('a move while the mail is on its way writes down that it went, and owes the word that it was withdrawn', async () => {
  const { review, delivery } = await released();
  const sending: World = {
    ...place.world,
    mailer: { send: async () => void expect((await move(who.doctor, review.study, right)).status).toBe(200) },
  };
  await sendReport(sending, mailJob(delivery));
  const sent = await who.admin.search<Communication>(`Communication?part-of=Task/${delivery.id}`);
  expect(sent).toMatchObject([{ status: 'completed', subject: { reference: wrong }, meta: { security: [{ code: 'NOPAT' }] } }]); // prettier-ignore
  const number = sent[0]!.note![0]!.text!;
  const owed = await who.admin.search<Communication>(`Communication?patient=${wrong}&status=preparation`);
  expect(owed.map(({ note }) => note![0]!.text)).toContain(number);
});

test('a move while the analysis runs: it writes nothing, and the right patient’s is its own', async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  const { pixels } = place.world;
  let moved = 0;
  const running: World = {
    ...place.world,
    pixels: new Proxy(pixels, {
      get: (port, name: keyof typeof pixels) =>
        typeof port[name] !== 'function'
          ? port[name]
          : async (...given: never[]) => {
              if (moved++ === 0) expect((await move(who.doctor, review.study, right)).status).toBe(200);
              return (port[name] as (...given: never[]) => unknown)(...given);
            },
    }),
  };
  await analyze(running, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  expect(moved).toBeGreaterThan(0);
  const [first, second] = await rounds(review.study);
  expect(outputOf(first!, 'ai-finding')).toBeUndefined();
  expect((await read<Task>(place.world, 'Task', step.id)).status).toBe('cancelled');
  expect(await who.doctor.search(`Observation?derived-from=ImagingStudy/${review.study.id}`)).toEqual([]);
  expect(second).toMatchObject({ for: { reference: right }, status: 'received' });
});

test('moved back, a third review begins; what was read before stays in error', async () => {
  const { review } = await released();
  expect((await move(who.doctor, review.study, right)).status).toBe(200);
  expect((await move(who.doctor, review.study, wrong, 'it was right')).status).toBe(200);
  const all = await rounds(review.study);
  expect(all.map((task) => [statusOf(task.businessStatus), task.for!.reference])).toEqual([
    ['RETRACTED', wrong],
    ['RETRACTED', right],
    ['PENDING_AI', wrong],
  ]);
  expect((await who.wrong.search<DiagnosticReport>('DiagnosticReport')).filter(({ imagingStudy }) => imagingStudy?.[0]?.reference === `ImagingStudy/${review.study.id}`)).toEqual([]); // prettier-ignore
  expect((await who.wrong.get(`/fhir/ImagingStudy/${review.study.id}`)).status).toBe(200);
  const uid = review.study.identifier![0]!.value!.slice('urn:oid:'.length);
  const [image] = await who.wrong.json<object[]>(`/dicomweb/studies/${uid}/metadata`);
  expect(image).toMatchObject({ '00100020': { Value: ['DEMO-1001'] } });
  expect(image).not.toHaveProperty('04000561'); // the images speak for themselves again
  expect(await who.right.search('ImagingStudy?_id=' + review.study.id)).toEqual([]);
  const study = await read<ImagingStudy>(place.world, 'ImagingStudy', review.study.id);
  const order = await read<ServiceRequest>(place.world, 'ServiceRequest', study.basedOn?.[0]?.reference?.split('/')[1] ?? all[2]!.focus!.reference!.split('/')[1]!); // prettier-ignore
  expect(order).toMatchObject({ status: 'active', subject: { reference: wrong } });
});

test('an order of the wrong patient stands again; a self-referral is revoked and hidden', async () => {
  const { review } = await released();
  const self = (await rounds(review.study))[0]!.focus!.reference!;
  await move(who.doctor, review.study, right);
  expect(await read(place.world, 'ServiceRequest', self.split('/')[1]!)).toMatchObject({ status: 'revoked' });
  expect((await who.wrong.get(`/fhir/${self}`)).status).toBe(404);

  const ordered = await who.service.send('POST', '/fhir/ServiceRequest', {
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    code: { text: 'Chest PA' },
    subject: { reference: wrong },
    identifier: [{ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'ACSN' }] }, value: 'ACC-77' }], // prettier-ignore
  });
  const order = (await ordered.json()) as ServiceRequest;
  const { study } = await place.image({ patientId: 'DEMO-1001', patientName: 'Rao^Arjun', with: [['00080050', 'SH', 'ACC-77'], born] }); // prettier-ignore
  expect(study.basedOn).toEqual([{ reference: `ServiceRequest/${order.id}` }]);
  await move(who.doctor, study, right);
  expect(await read<ImagingStudy>(place.world, 'ImagingStudy', study.id)).not.toHaveProperty('basedOn');
  expect(await read(place.world, 'ServiceRequest', order.id!)).toMatchObject({ status: 'active', subject: { reference: wrong } }); // prettier-ignore
  const [, next] = await rounds(study);
  expect(next!.focus!.reference).not.toBe(`ServiceRequest/${order.id}`);
});

test('who may not move, and what cannot be moved, is refused with the reason; nothing changes', async () => {
  const { study } = await place.film();
  const refused = async (by: Caller, patient: string, id = study.id) => {
    const answer = await move(by, { id }, patient);
    return [answer.status, ((await answer.json()) as OperationOutcome).issue[0]!.diagnostics] as const;
  };
  expect((await refused(who.pharmacist, right))[0]).toBe(403);
  expect((await refused(who.wrong, right))[0]).toBe(403);
  const readOnly = caller(place.server, await place.server.backend('system/ImagingStudy.rs system/Patient.rs'));
  expect((await refused(readOnly, right))[0]).toBe(403);
  expect(await refused(who.doctor, wrong)).toEqual([422, expect.stringContaining('already')]);
  expect(await refused(who.doctor, 'Patient/nobody')).toEqual([422, expect.stringContaining('does not exist')]);
  expect((await refused(who.doctor, right, 'no-study'))[0]).toBe(404);
  const plain = await who.service.send('PUT', `/fhir/ImagingStudy/${study.id}`, { ...study, subject: { reference: right } }); // prettier-ignore
  expect([plain.status, await plain.text()]).toEqual([403, expect.stringContaining('$move')]);
  const reasonless = await who.doctor.send('POST', `/fhir/ImagingStudy/${study.id}/$move`, { resourceType: 'Parameters', parameter: [{ name: 'patient', valueReference: { reference: right } }] }); // prettier-ignore
  expect(reasonless.status).toBe(400);
  expect((await rounds(study)).length).toBe(1);
  expect((await read<ImagingStudy>(place.world, 'ImagingStudy', study.id)).meta!.versionId).toBe(study.meta!.versionId);
  const service = caller(place.server, await place.server.backend('system/ImagingStudy.u system/ImagingStudy.rs system/Patient.r')); // prettier-ignore
  expect((await move(service, study, right)).status).toBe(200);
});

test('images rejected as the wrong patient’s are hidden from that patient until they are moved', async () => {
  const review = await place.film();
  const uid = review.study.identifier![0]!.value!.slice('urn:oid:'.length);
  const ways = [`/fhir/ImagingStudy/${review.study.id}`, `/fhir/ImagingStudy/${review.study.id}/_history/1`, `/fhir/Task/${review.coordinationId}`, `/fhir/${(await read<Task>(place.world, 'Task', review.coordinationId)).focus!.reference}`, `/dicomweb/studies/${uid}/metadata`]; // prettier-ignore
  expect(await readable(who.wrong, ways)).toEqual(ways);
  await change(place.world, place.people.doctor, await open(place.world, review, 'ai-inference'), {
    status: 'rejected',
    statusReason: { coding: [{ system: 'https://csss.example/fhir/CodeSystem/review-reason', code: 'wrong-patient' }] },
  });
  expect(await readable(who.wrong, ways)).toEqual([]);
  expect(await who.wrong.search(`ImagingStudy?_id=${review.study.id}`)).toEqual([]);
  expect(await readable(who.doctor, ways)).toEqual(ways);
  await place.world.read(async ({ records }) => expect((await records.read('ImagingStudy', review.study.id, { kind: 'all' }))!.resource).toMatchObject({ status: 'entered-in-error' })); // prettier-ignore
  // Late images of the same study leave it hidden.
  expect((await who.service.store([imageFile({ study: uid, patientId: 'DEMO-1001', patientName: 'Rao^Arjun', modality: 'CR', with: [born] })])).status).toBe(200); // prettier-ignore
  expect(await readable(who.wrong, ways)).toEqual([]);
  expect((await move(who.doctor, review.study, right)).status).toBe(200);
  expect((await who.right.json<ImagingStudy>(`/fhir/ImagingStudy/${review.study.id}`)).status).toBe('available');
  expect((await who.right.get(`/dicomweb/studies/${uid}/metadata`)).status).toBe(200);
  expect(await readable(who.wrong, ways)).toEqual([]);
});

test('the move is written down: a Provenance of the retraction, audit rows that name both patients', async () => {
  const { study } = await place.film();
  await move(who.doctor, study, right);
  const [first] = await rounds(study);
  const [told] = await who.admin.search<Provenance>(`Provenance?target=Task/${first!.id}&_sort=-recorded`);
  expect(told).toMatchObject({
    activity: { text: 'retract' },
    agent: [{ who: { reference: 'Practitioner/demo-doctor' } }],
  });
  const sql = new pg.Client({ connectionString: place.server.databaseUrl });
  await sql.connect();
  const { rows } = await sql.query(
    `select event, patients, entities from audit where event like '%:move' order by seq`,
  );
  await sql.end();
  const own = rows.filter(({ entities }) => (entities as string[]).includes(`ImagingStudy/${study.id}`));
  expect(own.map(({ event, patients }) => [event, patients])).toEqual([
    ['fhir:move', ['demo-patient-1', 'right-one']],
    ['study:move', ['demo-patient-1', 'right-one']],
  ]);
});

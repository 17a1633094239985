import type { Patient, Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Classification, Classifier } from '../../server/core/analysis/classifier.ts';
import { systemPrincipal, type Role } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { inOneTransaction, writeInTransaction } from '../../server/core/records/write.ts';
import { failAnalysis } from '../../server/core/workflow/analysis-step.ts';
import { reviewOfStudy } from '../../server/core/workflow/review-of-study.ts';
import { remakeRows } from '../../server/core/workflow/work/keep-work-rows.ts';
import { mendWorkRows, remakeWorkRows } from '../../server/core/workflow/work/remake-work-rows.ts';
import type { World } from '../../server/core/world.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { managerSql } from '../../server/infrastructure/postgres/connection.ts';
import { postgresWorkRows } from '../../server/infrastructure/postgres/work/work-rows.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { newUid } from '../harness/dicom-file.ts';
import { taken } from '../harness/jobs.ts';
import { agreeing, differing } from './corrections-world.ts';
import { change, conclusion, discordanceConfirmed, noneNeeded, open, read, reviewWorld, steps, type Opened, type ReviewWorld } from './review-world.ts'; // prettier-ignore

// What the lists of work say is what the records say, whatever happens to a review.
let place: ReviewWorld;
let by: Record<'doctor' | 'admin', Caller>;
beforeAll(async () => {
  place = await reviewWorld();
  const as = async (role: Role) => caller(place.server, (await place.server.signIn(role)).access_token);
  by = { doctor: await as('doctor'), admin: await as('admin') };
}, 120_000);
afterAll(() => place.stop());

type Row = Record<string, unknown> & { id: string };
const sql = <T>(text: string, values: unknown[] = []) => place.server.system.sql.query<T>(text, values);
const units = () => place.server.system.workRows;
class Undone extends Error {}

const columns = `(to_jsonb(w) - 'version') || jsonb_build_object('words', w.words::text) as row`;
const listing = `select ${columns} from work_row w order by rid`;
const rows = (own: Pick<typeof place.server.system.sql, 'query'> = place.server.system.sql) =>
  own.query<{ row: Row }>(listing).then((all) => all.map(({ row }) => row));

/** All rows as they are, and as they would be if they were computed now from nothing but the records. */
async function compared(): Promise<[kept: Row[], afresh: Row[]]> {
  const kept = await rows();
  let afresh: Row[] = [];
  const reviews = (await units().read(({ workRows }) => workRows.reviewsAfter(0, 10_000, false))).map(({ review }) => review); // prettier-ignore
  const { dataSource } = place.server.system;
  await dataSource
    .transaction(async (manager) => {
      const own = await managerSql(manager);
      const { baseUrl } = units();
      await own.query(`delete from work_row`);
      await remakeRows({ workRows: postgresWorkRows(own, { baseUrl, timeZone: 'UTC' }) }, reviews, baseUrl);
      afresh = await rows(own);
      throw new Undone();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  return [kept, afresh];
}

async function mustAgree(after: string): Promise<void> {
  const [kept, afresh] = await compared();
  expect(kept, after).toEqual(afresh);
}

/** Numbers that are the same in every run (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

const answers = {
  covid: [0.9, 0.02, 0.02, 0.02, 0.02, 0.02],
  unsure: [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],
  normal: [0.02, 0.02, 0.02, 0.9, 0.02, 0.02],
};

/** The world with a model that answers as told. */
function saying(probabilities: number[], gate: Classification['gate'] = [0.98, 0.01, 0.01]): World {
  const { classifier } = place.world;
  const classify: Classifier['classify'] = async (frame, presentation, turn) => ({
    ...(await classifier.classify(frame, presentation, turn)),
    probabilities,
    gate,
    distance: [0, 0],
  });
  return { ...place.world, classifier: { ...classifier, hold: () => ({ ...classifier.hold(), classify }) } };
}

const stepOf = async (review: Opened, ...codes: string[]) =>
  (await steps(place.world, review.coordinationId)).find(
    (one) =>
      codes.includes(one.code?.coding?.[0]?.code ?? '') &&
      ['requested', 'accepted', 'in-progress', 'on-hold'].includes(one.status),
  );

class Refused extends Error {}
async function done(answer: Promise<Response>): Promise<void> {
  const { status } = await answer;
  if (status >= 500) throw new Error(`answered ${status}`);
  if (status >= 400) throw new Refused();
}

const operation = (who: Caller, review: Opened, name: string, more: object[] = []) =>
  done(
    who.send('POST', `/fhir/Task/${review.coordinationId}/$${name}`, {
      resourceType: 'Parameters',
      parameter: [{ name: 'reason', valueString: 'it is so' }, ...more],
    }),
  );

interface Walk {
  reviews: (Opened & { uid: string; patientId: string })[];
  roll(sides: number): number;
  merged: string[];
}

async function arrive(walk: Walk): Promise<void> {
  const patientId = `WALK-${walk.roll(4)}`;
  const uid = newUid();
  const options = { study: uid, patientId, patientName: 'Walk^W', modality: 'DX', rows: 64, columns: 64, bits: 8 } as const;
  const opened = await place.image(options);
  walk.reviews.push({ ...opened, uid, patientId });
} // prettier-ignore

async function act(role: Role, review: Opened, codes: string[], changes: Partial<Task>, status: Task['status'] = 'completed') {
  const step = await stepOf(review, ...codes);
  if (!step) throw new Refused();
  const { people } = place;
  if (step.status === 'requested' && (status === 'completed' || status === 'failed'))
    await change(place.world, people[role], step, { status: 'in-progress' });
  await change(place.world, people[role], step, { ...changes, status });
} // prettier-ignore

const reason = { statusReason: { text: 'not good enough' } };
const said = (step: Task | undefined, output: Task['output']) => {
  const update = step?.input?.findLast(({ type }) => type.coding?.[0]?.code === 'image-update')?.valueReference;
  const seen = { type: { coding: [{ system: 'https://csss.example/fhir/CodeSystem/review-data', code: 'images-seen' }] } };
  return [...(step?.output ?? []), ...(output ?? []), ...(update ? [{ ...seen, valueReference: update }] : [])];
}; // prettier-ignore
const readings = [agreeing, differing, { note: [{ text: 'Old rib fracture.' }], output: [conclusion('Normal')] }];

type Act = (walk: Walk, review: Walk['reviews'][number]) => Promise<void>;
const acts: Record<string, Act> = {
  arrive: (walk) => arrive(walk),
  'late image': (_walk, { uid, patientId }) =>
    place.image({ study: uid, patientId, patientName: 'Walk^W', modality: 'DX', rows: 64, columns: 64, bits: 8 }).then(
      () => undefined,
      (error: Error) => Promise.reject(/"held"/.test(error.message) ? new Refused() : error),
    ),
  complete: (_walk, { study }) => done(by.doctor.send('POST', `/fhir/ImagingStudy/${study.id}/$complete`, { resourceType: 'Parameters' })),
  analyze: async ({ roll }, review) => {
    const step = await stepOf(review, 'ai-inference');
    if (!step) throw new Refused();
    if (step.status === 'requested') await change(place.world, place.people.doctor, step, { status: 'accepted' });
    const world = [saying(answers.covid), saying(answers.unsure), saying(answers.normal), saying(answers.normal, [0.01, 0.01, 0.98])][roll(4)]!;
    await analyze(world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  },
  'analysis fails': async (_walk, review) => {
    const step = await stepOf(review, 'ai-inference');
    if (!step) throw new Refused();
    if (step.status === 'requested') await change(place.world, place.people.doctor, step, { status: 'accepted' });
    await change(place.world, systemPrincipal('test'), step, { status: 'in-progress' });
    await inOneTransaction(place.world, { principal: systemPrincipal('test') }, async (context) =>
      failAnalysis(context, await open(place.world, review, 'ai-inference'), 'model-error'),
    );
  },
  skip: (_walk, review) => act('doctor', review, ['ai-inference'], reason, 'cancelled'),
  claim: ({ roll }, review) => act((['doctor', 'pharmacist', 'admin'] as const)[roll(3)]!, review, ['physician-verification', 'pharmacist-review', 'release-approval'], {}, 'in-progress'),
  verify: async ({ roll }, review) => {
    const step = await stepOf(review, 'physician-verification', 'report-amendment');
    const words = readings[roll(3)]!;
    await act('doctor', review, ['physician-verification', 'report-amendment'], { ...words, output: said(step, words.output) });
  },
  reject: (_walk, review) => act('doctor', review, ['physician-verification', 'ai-inference'], reason, 'rejected'),
  prescribe: ({ roll }, review) =>
    act('pharmacist', review, ['pharmacist-review'], {
      note: [{ text: 'As said.' }],
      ...(roll(2) === 0
        ? { output: [noneNeeded] }
        : {
            contained: [{ resourceType: 'MedicationRequest', id: 'rx', status: 'draft', intent: 'proposal', subject: { reference: review.study.subject.reference! }, medicationCodeableConcept: { text: 'Paracetamol 500 mg' }, dosageInstruction: [{ text: '1 tablet daily' }] }],
            output: [{ type: { coding: [{ system: 'https://csss.example/fhir/CodeSystem/review-data', code: 'medication' }] }, valueReference: { reference: '#rx' } }],
          }),
    }),
  'send back': ({ roll }, review) =>
    act(roll(2) === 0 ? 'pharmacist' : 'admin', review, ['pharmacist-review', 'release-approval'], reason, 'rejected'),
  approve: async (_walk, review) => {
    await act('admin', review, ['release-approval'], { output: [discordanceConfirmed] }).catch(async (error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      await act('admin', review, ['release-approval'], {});
    });
    const delivery = (await stepOf(review, 'report-delivery'))!;
    await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
  },
  mail: async (_walk, review) => {
    const delivery = await stepOf(review, 'report-delivery');
    if (!delivery) throw new Refused();
    await sendReport(place.world, taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } }));
  },
  amend: (_walk, review) => operation(by.doctor, review, 'amend'),
  addendum: ({ roll }, review) => operation(by.doctor, review, 'addendum', [{ name: 'kind', valueCode: ['addendum', 'correction', 'amendment'][roll(3)] }]),
  cancel: ({ roll }, review) => (roll(3) === 0 ? operation(by.doctor, review, 'cancel') : Promise.reject(new Refused())),
  retract: ({ roll }, review) => (roll(3) === 0 ? operation(by.admin, review, 'retract') : Promise.reject(new Refused())),
  move: async ({ roll }, review) => {
    const { study } = review;
    const patients = await sql<{ id: string }>(`select id from record where type = 'Patient' and not deleted order by rid`);
    await done(by.doctor.send('POST', `/fhir/ImagingStudy/${study.id}/$move`, {
      resourceType: 'Parameters',
      parameter: [{ name: 'patient', valueReference: { reference: `Patient/${patients[roll(patients.length)]!.id}` } }, { name: 'reason', valueString: 'mixed up' }],
    }));
    review.coordinationId = (await place.world.read((stores) => reviewOfStudy(stores, study.id)))!.id;
  },
  rename: async ({ roll }, review) => {
    const task = await read<Task>(place.world, 'Task', review.coordinationId);
    const patient = await read<Patient>(place.world, 'Patient', task.for!.reference!.split('/')[1]!);
    await writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: patient.id, resource: { ...patient, name: [{ family: `Name${roll(100)}`, given: ['Ärger'] }] } });
  },
  merge: async ({ roll, merged }) => {
    const patients = await sql<{ id: string }>(`select id from record where type = 'Patient' and not deleted and id not like 'demo%' order by rid`);
    const [one, other] = [patients[roll(patients.length)]!.id, patients[roll(patients.length)]!.id];
    await done(by.admin.send('POST', '/fhir/Patient/$merge', {
      resourceType: 'Parameters',
      parameter: [{ name: 'source-patient', valueReference: { reference: `Patient/${one}` } }, { name: 'target-patient', valueReference: { reference: `Patient/${other}` } }],
    }));
    merged.push(one);
  },
  unmerge: async ({ merged }) => {
    const one = merged.pop();
    if (one === undefined) throw new Refused();
    await done(by.admin.send('POST', `/fhir/Patient/${one}/$unmerge`, { resourceType: 'Parameters', parameter: [{ name: 'reason', valueString: 'they are brothers' }] }));
  },
}; // prettier-ignore

/** What brings a review on its way comes oftener than what ends it. */
const often = ['arrive', 'analyze', 'analyze', 'skip', 'verify', 'verify', 'verify', 'prescribe', 'prescribe', 'approve', 'approve', 'mail', 'late image', 'claim', 'addendum', 'rename']; // prettier-ignore

test('after every step of a long random walk each row is what it would be if it were computed afresh', async () => {
  const roll = dice(20261127);
  const walk: Walk = { reviews: [], roll, merged: [] };
  for (let i = 0; i < 4; i++) await arrive(walk);
  const worked = new Map<string, number>();
  for (let step = 0; step < 260; step++) {
    const name = step % 2 === 0 ? often[roll(often.length)]! : Object.keys(acts)[roll(Object.keys(acts).length)]!;
    if (name === 'arrive' && walk.reviews.length > 20) continue;
    // Most acts fit few states of a review: so several are tried.
    for (let tries = 0; tries < 8; tries++) {
      const review = walk.reviews[roll(walk.reviews.length)]!;
      const failure = await acts[name]!(walk, review).catch((error: unknown) => error);
      if (failure && !(failure instanceof Problem) && !(failure instanceof Refused)) throw failure;
      if (failure) continue;
      worked.set(name, (worked.get(name) ?? 0) + 1);
      break;
    }
    await mustAgree(`step ${step}: ${name}`);
  }
  expect([...worked.keys()].sort()).toEqual(Object.keys(acts).sort());
}, 300_000);

test('two who change different records of one review at the same time leave a row that knows both', async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  const task = await read<Task>(place.world, 'Task', review.coordinationId);
  const patientId = task.for!.reference!.split('/')[1]!;
  for (let round = 0; round < 15; round++) {
    const patient = await read<Patient>(place.world, 'Patient', patientId);
    await Promise.all([
      writeInTransaction(place.world, systemPrincipal('test'), { method: 'update', id: patientId, resource: { ...patient, name: [{ family: `Round${round}` }] } }),
      change(place.world, systemPrincipal('test'), step, { priority: (['routine', 'urgent', 'asap', 'stat'] as const)[round % 4]! }),
      place.film(),
    ]);
    await mustAgree(`round ${round}`);
  }
}); // prettier-ignore

test('rows that are lost, behind or left over are made again from the records', async () => {
  const review = await place.film();
  await sql(`delete from work_row where id = $1`, [review.coordinationId]);
  const [kept] = await compared();
  expect(kept.some(({ id }) => id === review.coordinationId)).toBe(false);
  expect(await mendWorkRows(units(), place.world.now())).toBe(1);
  await mustAgree('a row was lost');

  await sql(`update work_row set facts = '[]', status = 'REJECTED' where id = $1`, [review.coordinationId]);
  expect(await mendWorkRows(units(), place.world.now())).toBe(1);
  await mustAgree('a row was behind');
  expect(await mendWorkRows(units(), place.world.now())).toBe(0);

  await sql(`update work_row set shape = 1, words = '' where id = $1`, [review.coordinationId]);
  expect(await remakeWorkRows(units(), { lacking: true })).toBe(1);
  await mustAgree('a row of an earlier release');

  await sql(`insert into work_row (rid, id, version, status) values (999999999, 'gone', 1, 'PENDING_AI')`);
  await sql(`update work_row set status = 'REJECTED', words = '', facts = '[]'`);
  const count = (await rows()).length;
  expect(await remakeWorkRows(units())).toBe(count - 1);
  await mustAgree('all rows were wrong');
});

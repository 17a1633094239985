import type { ServiceRequest, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import type { Classification, Classifier } from '../../server/core/analysis/classifier.ts';
import type { World } from '../../server/core/world.ts';
import { Problem } from '../../server/core/problem.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { analyze } from '../../server/work/analyze.ts';
import { change, open, read, reviewWorld, type Opened, type ReviewWorld } from './review-world.ts';

let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

const job = (task: { id: string }, attempt = 1) =>
  taken({ kind: 'analyze', key: task.id, data: { task: task.id } }, { attempt });

async function asked(changes: Partial<Task> = {}): Promise<{ review: Opened; step: Task & { id: string } }> {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted', ...changes });
  return { review, step };
}

/** The world with a classifier that answers as told. */
const withClassify = (classify: Classifier['classify']): World => ({
  ...place.world,
  classifier: { ...place.world.classifier, hold: () => ({ ...place.world.classifier.hold(), classify }) },
});

async function writtenFor({
  coordinationId,
  study,
}: Opened): Promise<{ findings: number; status: string | undefined }> {
  const { matches } = await place.world.read(({ records }) =>
    records.search(
      { type: 'Observation', conditions: [{ parameter: 'part-of', values: [`ImagingStudy/${study.id}`] }], include: [], revinclude: [], sort: [], count: 10, total: 'none' }, // prettier-ignore
      () => everything,
    ),
  );
  const finding = outputOf(await read<Task>(place.world, 'Task', coordinationId), 'ai-finding');
  expect(matches.length > 0).toBe(finding !== undefined);
  return { findings: matches.length, status: (await read<Task>(place.world, 'Task', coordinationId)).status };
}

test('a Task that is cancelled while its image waits gives up its place, and nothing is written', async () => {
  const { review, step } = await asked();
  let gaveUp = 0;
  const waiting = withClassify((_frame, _presentation, turn) =>
    new Promise((_resolve, reject) =>
      turn!.signal!.addEventListener('abort', () => {
        gaveUp = performance.now();
        reject(new Problem('conflict', 'The analysis was given up.'));
      }),
    ),
  ); // prettier-ignore
  const run = analyze(waiting, job(step));
  for (let i = 0; i < 200 && (await read<Task>(place.world, 'Task', step.id)).status !== 'in-progress'; i++)
    await sleep(10);
  await change(place.world, place.people.doctor, step, { status: 'cancelled', statusReason: { text: 'not needed' } });
  const cancelled = performance.now();
  await run;
  expect(gaveUp - cancelled).toBeLessThan(5_000); // looked at each second
  expect(await writtenFor(review)).toMatchObject({ findings: 0 });
  expect((await read<Task>(place.world, 'Task', step.id)).status).toBe('cancelled');
});

test('a Task that is cancelled before its job is taken is left as it is', async () => {
  const { review, step } = await asked();
  await change(place.world, place.people.doctor, step, { status: 'cancelled', statusReason: { text: 'not needed' } });
  await analyze(
    withClassify(() => Promise.reject(new Error('must not be asked'))),
    job(step),
  );
  expect(await writtenFor(review)).toMatchObject({ findings: 0 });
});

test.each([
  ['timeout', 'timeout'],
  ['exception', 'model-error'],
] as const)('a run that ends as %s is tried once more, and no further: the Task fails as %s', async (code, reason) => {
  const { step } = await asked();
  const sick = withClassify(() => Promise.reject(new Problem(code, 'lost')));
  await expect(analyze(sick, job(step, 1))).rejects.toMatchObject({ code });
  expect((await read<Task>(place.world, 'Task', step.id)).status).toBe('in-progress');
  await analyze(sick, job(step, 2));
  const failed = await read<Task>(place.world, 'Task', step.id);
  expect(failed.status).toBe('failed');
  expect(failed.statusReason!.coding![0]!.code).toBe(reason);
});

test('a run that was lost once is written once by its second try', async () => {
  const { review, step } = await asked();
  await expect(
    analyze(
      withClassify(() => Promise.reject(new Problem('exception', 'lost'))),
      job(step, 1),
    ),
  ).rejects.toThrow();
  await analyze(place.world, job(step, 2));
  expect(await writtenFor(review)).toMatchObject({ findings: 1 });
});

test.each([
  ['stat', 10],
  ['asap', 6],
  ['urgent', 3],
  ['routine', 0],
] as const)(
  'an order of priority %s reaches the queue as %d, and the classifier as the job has it',
  async (priority, expected) => {
    const accession = `ACC-${priority}`;
    const order: ServiceRequest = {
    resourceType: 'ServiceRequest', status: 'active', intent: 'order', priority, code: { text: 'Chest film' },
    subject: { reference: 'Patient/demo-patient-1' }, identifier: [{ value: accession }],
  }; // prettier-ignore
    await writeInTransaction(place.world, systemPrincipal('test'), { method: 'create', resource: order });
    const review = await place.image({
    patientId: 'DEMO-1001', patientName: 'Rao^Arjun', modality: 'DX',
    with: [['00080050', 'SH', accession], ['00100030', 'DA', '19850412'], ['00100040', 'CS', 'M']],
  }); // prettier-ignore
    const step = await open(place.world, review, 'ai-inference');
    expect(step.priority).toBe(priority);
    await change(place.world, place.people.doctor, step, { status: 'accepted' });
    const [row] = await place.server.system.sql.query<{ priority: number }>(
      `select priority from job.job where name = 'analyze' and singleton_key = $1`,
      [step.id],
    );
    expect(row!.priority).toBe(expected);
    let seen: number | undefined;
    const looking = withClassify((frame, presentation, turn) => {
      seen = turn?.priority;
      return place.world.classifier.classify(frame, presentation, turn);
    });
    await analyze(looking, { ...job(step), priority: row!.priority });
    expect(seen).toBe(expected);
  },
);

/** An analysis whose six probabilities are these, in the order of the labels; everything else as the model said. */
const saying = (probabilities: number[], more: Partial<Classification> = {}): World =>
  withClassify(async (frame, presentation, turn) => ({
    ...(await place.world.classifier.classify(frame, presentation, turn)),
    probabilities,
    gate: [0.98, 0.01, 0.01],
    distance: [0, 0],
    ...more,
  }));
const covid = [0.9, 0.02, 0.02, 0.02, 0.02, 0.02];
const unsure = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1];
const normal = [0.02, 0.02, 0.02, 0.9, 0.02, 0.02];

test.each<[string, Task['priority'] & string, number[], Partial<Classification>, string]>([
  ['a critical class', 'routine', covid, {}, 'stat'],
  ['what it could not say', 'routine', unsure, {}, 'urgent'],
  ['an image that it refuses', 'routine', normal, { gate: [0.01, 0.01, 0.98] }, 'urgent'],
  ['a normal film', 'routine', normal, {}, 'routine'],
  ['what it could not say of an urgent order', 'asap', unsure, {}, 'asap'],
  ['a normal film of an urgent order', 'stat', normal, {}, 'stat'],
])('%s, ordered as %s, waits for the doctor with the right priority', async (_what, ordered, says, more, expected) => {
  const { review, step } = await asked();
  await change(place.world, systemPrincipal('test'), step, { priority: ordered });
  await analyze(saying(says, more), job(step));
  expect((await open(place.world, review, 'physician-verification')).priority).toBe(expected);
  // The patient can read this Task before the report is released.
  expect((await read<Task>(place.world, 'Task', review.coordinationId)).priority).toBe('routine');
});

test('a site may leave the order of the list to the orders alone', async () => {
  const { review, step } = await asked();
  const world = saying(covid);
  await analyze({ ...world, settings: { ...world.settings, aiOrdersWorkList: false } }, job(step));
  expect((await open(place.world, review, 'physician-verification')).priority).toBe('routine');
});

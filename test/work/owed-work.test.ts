import type { Communication, Task } from '@medplum/fhirtypes';
import { taken } from '../harness/jobs.ts';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Job } from '../../server/core/jobs.ts';
import { stepOf } from '../../server/core/vocabulary/review-codes.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import { wakeAnalyses } from '../../server/core/workflow/wake-analyses.ts';
import { analyze } from '../../server/work/analyze.ts';
import { issueReport } from '../../server/work/issue-report.ts';
import { oweMails, oweReports, oweUnwritten } from '../../server/work/owed-work.ts';
import { sendReport } from '../../server/work/send-report.ts';
import { eventually } from '../harness/calls.ts';
import {
  approvedReview,
  change,
  open,
  read,
  releasedReview,
  reviewWorld,
  steps,
  type ReviewWorld,
} from './review-world.ts';

// What a state says is owed has a job, or ends: whatever became of the job and of the process that held it.
let place: ReviewWorld;
const children: ChildProcess[] = [];
beforeAll(async () => {
  place = await reviewWorld();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => place.stop());

const query = <Row>(text: string, values: unknown[] = []) => place.server.system.sql.query<Row>(text, values);
const waiting = async (kind: Job['kind'], key: string) =>
  (await query(`select from job.job where name = $1 and singleton_key = $2 and state <= 'active'`, [kind, key])).length;
const lose = (kind: Job['kind'], key: string) =>
  query(`delete from job.job where name = $1 and singleton_key = $2`, [kind, key]);

/** A process takes the job for its last try and is killed over it. */
async function dieOnLastTry(kind: Job['kind'], key: string): Promise<void> {
  await query(`update job.job set retry_count = retry_limit, start_after = now() where name = $1 and singleton_key = $2`, [
    kind,
    key,
  ]);
  const child = fork(join(import.meta.dirname, '../harness/hanging-worker.ts'), [place.server.databaseUrl, kind], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  children.push(child);
  for (let message: unknown; message !== 'taken';) [message] = (await once(child, 'message')) as [unknown];
  child.kill('SIGKILL');
  await once(child, 'exit');
  // As if its last heartbeat were long ago: the server's supervisor sees it within seconds.
  await query(`update job.job set heartbeat_on = now() - interval '1 hour' where name = $1 and state = 'active'`, [kind]);
  const given = async () =>
    (await query(`select from job.job where name = $1 and singleton_key = $2 and state = 'failed'`, [kind, key])).length > 0;
  await eventually(given, 'the queue to give the job up', 30);
} // prettier-ignore

const acceptedStep = async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  return { review, step };
};
const endOf = async (id: string) => {
  const { status, statusReason } = await read<Task>(place.world, 'Task', id);
  return [status, statusReason?.coding?.[0]?.code];
};

test('analyses that are owed are left as they are; one without a job is owed again', async () => {
  const [one, other] = [await acceptedStep(), await acceptedStep()];
  expect(await wakeAnalyses(place.world)).toBe(0);
  await lose('analyze', one.step.id);
  expect(await wakeAnalyses(place.world)).toBe(1);
  expect(await wakeAnalyses(place.world)).toBe(0);
  for (const { step } of [one, other]) {
    expect(await waiting('analyze', step.id)).toBe(1);
    await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
    await lose('analyze', step.id);
    expect((await endOf(step.id))[0]).toBe('completed');
  }
  expect(await wakeAnalyses(place.world)).toBe(0);
});

test('an analysis whose worker died before it was begun, on the last try: failed, and a fresh one waits for the doctor', async () => {
  const { review, step } = await acceptedStep();
  await dieOnLastTry('analyze', step.id);
  expect(await wakeAnalyses(place.world)).toBe(1);
  expect(await endOf(step.id)).toEqual(['failed', 'timeout']);
  expect((await open(place.world, review, 'ai-inference')).status).toBe('requested');
  expect(await wakeAnalyses(place.world)).toBe(0);
});

test('a report whose worker died on the last try: failed as on a failed last try, an approval waits, nothing is tried for ever', async () => {
  const review = await approvedReview(place, 'a@example.org');
  const delivery = await open(place.world, review, 'report-delivery');
  await dieOnLastTry('issue-report', delivery.id);
  expect((await endOf(delivery.id))[0]).toBe('requested'); // nobody has noticed
  expect(await oweReports(place.world)).toBe(1);
  expect(await endOf(delivery.id)).toEqual(['failed', 'print-failed']);
  expect(await waiting('issue-report', delivery.id)).toBe(0);
  expect(await oweReports(place.world)).toBe(0);
  const all = await steps(place.world, review.coordinationId);
  expect(all.filter(({ code, status }) => stepOf(code) === 'release-approval' && status === 'requested')).toHaveLength(1);
}); // prettier-ignore

test('a mail whose worker died on the last try is owed again: the delivery says when it is over, not the queue', async () => {
  const { delivery } = await releasedReview(place, 'a@example.org');
  await dieOnLastTry('send-report', delivery.id);
  expect(await oweMails(place.world)).toBe(1);
  expect([await oweMails(place.world), await waiting('send-report', delivery.id)]).toEqual([0, 1]);
  await sendReport(place.world, taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } }));
  expect(await endOf(delivery.id)).toEqual(['completed', undefined]);
  const task = await read<Task>(place.world, 'Task', delivery.id);
  const message = outputOf(task, 'message')!.reference.split('/')[1]!;
  expect((await read<Communication>(place.world, 'Communication', message)).status).toBe('completed');
});

test('a delivery that an earlier release began is owed without its row', async () => {
  const { delivery } = await releasedReview(place, 'a@example.org');
  await lose('send-report', delivery.id);
  await query(`delete from delivery`);
  expect(await oweUnwritten(place.world)).toBe(1);
  await sendReport(place.world, taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } }));
  expect(await endOf(delivery.id)).toEqual(['completed', undefined]);
  expect(await oweUnwritten(place.world)).toBe(0);
});

test('a report and a mail whose jobs are gone are owed again, once, and end well', async () => {
  const review = await approvedReview(place, 'a@example.org');
  const delivery = await open(place.world, review, 'report-delivery');
  expect(await oweReports(place.world)).toBe(0);
  await lose('issue-report', delivery.id);
  expect(await oweReports(place.world)).toBe(1);
  expect([await oweReports(place.world), await waiting('issue-report', delivery.id)]).toEqual([0, 1]);
  await issueReport(place.world, taken({ kind: 'issue-report', key: delivery.id, data: { task: delivery.id } }));
  expect(await oweMails(place.world)).toBe(0);
  await lose('send-report', delivery.id);
  expect(await oweMails(place.world)).toBe(1);
  expect([await oweMails(place.world), await waiting('send-report', delivery.id)]).toEqual([0, 1]);
  await sendReport(place.world, taken({ kind: 'send-report', key: delivery.id, data: { task: delivery.id } }));
  expect(await endOf(delivery.id)).toEqual(['completed', undefined]);
});

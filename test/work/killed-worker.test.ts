import type { Observation, Task } from '@medplum/fhirtypes';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { statusOf } from '../../server/core/vocabulary/review-codes.ts';
import { createLogger } from '../../server/log.ts';
import { startWorkers } from '../../server/worker.ts';
import type { Moment } from '../harness/doomed-analyst.ts';
import { eventually } from '../harness/calls.ts';
import { change, open, read, reviewWorld, steps, type Opened, type ReviewWorld } from './review-world.ts';

let place: ReviewWorld;
const children: ChildProcess[] = [];
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await place.stop();
});

/** A second process that holds one analysis, stopped at that moment. */
async function holding(moment: Moment): Promise<Opened> {
  const { databaseUrl, dataDir } = place.server;
  const child = fork(join(import.meta.dirname, '../harness/doomed-analyst.ts'), [moment, place.server.url], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: {
      ...process.env,
      DATABASE_URL: databaseUrl,
      DATA_DIR: dataDir,
      EXECUTION_PROVIDERS: 'cpu',
      ANALYSIS_WORKERS: '1',
      CHROMIUM_PATH: '/no/browser',
      LOG_LEVEL: 'error',
    },
  });
  children.push(child);
  await once(child, 'message'); // ready
  const review = await place.film();
  await change(place.world, place.people.doctor, await open(place.world, review, 'ai-inference'), {
    status: 'accepted',
  });
  await once(child, 'message'); // there
  return review;
}

test('analyses of processes killed at the worst moments come back within 30 seconds, each result once', async () => {
  const reviews: Opened[] = [];
  for (const moment of ['running', 'before-commit', 'after-commit'] as const) reviews.push(await holding(moment));
  for (const child of children) child.kill('SIGKILL');
  const killed = Date.now();
  await startWorkers(place.server.system, createLogger('silent'));
  const analyzed = async ({ coordinationId }: Opened) =>
    statusOf((await read<Task>(place.world, 'Task', coordinationId)).businessStatus) === 'AI_ANALYZED';
  for (const review of reviews) await eventually(() => analyzed(review), 'the analysis', 45);
  expect(Date.now() - killed).toBeLessThan(30_000);
  const waiting = async () => {
    const [row] = await place.server.system.sql.query<{ count: number }>(
      `select count(*) from job.job where name = 'analyze' and state in ('created', 'retry', 'active')`,
    );
    return row!.count === 0;
  };
  await eventually(waiting, 'the end of all jobs', 45); // the delivery after a commit finds nothing to do
  for (const review of reviews) {
    expect(await findings(review)).toHaveLength(1);
    const all = await steps(place.world, review.coordinationId);
    expect(all.map(({ status }) => status)).toEqual(['completed', 'requested']);
  }
}, 120_000);

async function findings({ study }: Opened): Promise<Observation[]> {
  const { matches } = await place.world.read(({ records }) =>
    records.search(
      { type: 'Observation', conditions: [{ parameter: 'part-of', values: [`ImagingStudy/${study.id}`] }], include: [], revinclude: [], sort: [], count: 10, total: 'none' }, // prettier-ignore
      () => everything,
    ),
  );
  return matches.map(({ resource }) => resource as Observation);
}

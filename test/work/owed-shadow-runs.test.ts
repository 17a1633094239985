import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AnalysisLog, AnalysisRow } from '../../server/core/analysis/analysis-log.ts';
import { postgresAnalyses } from '../../server/infrastructure/postgres/models/analyses.ts';
import { startJobs, type JobRunner } from '../../server/infrastructure/postgres/jobs/jobs.ts';
import { oweShadowRuns } from '../../server/work/owed-work.ts';
import type { World } from '../../server/core/world.ts';
import { testSettings, testWorld } from '../harness/world.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';

const [active, shadow] = ['a'.repeat(64), 'b'.repeat(64)];
const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
let database: TestDatabase;
let jobs: JobRunner;
let world: World;
let analyses: AnalysisLog;
beforeEach(async () => {
  database = await freshDatabase();
  jobs = await startJobs(database.url, { supervise: false });
  const { sql } = database;
  world = testWorld(database, testSettings('https://csss.test'), {}, jobs.queue);
  analyses = postgresAnalyses(sql);
  for (const [digest, state] of [
    [active, 'active'],
    [shadow, 'shadow'],
  ])
    await sql.query(`insert into model (digest, state, description) values ($1, $2, '{}')`, [digest, state]);
  await sql.query(
    `insert into model_change (at, digest, act, from_state, to_state, by_subject, by_name, reason)
     values (now() - interval '2 days', $1, 'shadow', 'candidate', 'shadow', 's', 'n', 'r')`,
    [shadow],
  );
});
afterEach(async () => {
  await jobs.stop();
  await database.close();
});

const run = (task: string, at: Date): AnalysisRow => ({
  task,
  digest: active!,
  at,
  week: '2026-W01',
  scanner: 'x',
  modality: 'CR',
  answer: 'Normal',
  best: 'Normal',
  probability: 1,
  probabilities: [1],
  distance: [1],
  finding: `finding-${task}`,
});
const owed = async () =>
  (await database.sql.query<{ key: string }>(`select singleton_key as key from job.job order by 1`)).map(
    ({ key }) => key.split('/')[0],
  );

test('runs that the shadow owes since it was appointed and of which no job is known are owed again, and only those', async () => {
  await analyses.append(run('lost', hours(1)));
  await analyses.append(run('before-its-time', hours(72)));
  await analyses.append(run('done', hours(2)));
  await analyses.appendShadow({ ...run('done', hours(2)), digest: shadow! });
  expect(await oweShadowRuns(world)).toBe(1);
  expect(await owed()).toEqual(['lost']);
  expect(await oweShadowRuns(world)).toBe(0);
  // However it ended, nobody asks for it again.
  for (const state of ['completed', 'failed', 'cancelled']) {
    await database.sql.query(`update job.job set state = $1::job.job_state, completed_on = now()`, [state]);
    expect(await oweShadowRuns(world)).toBe(0);
  }
});

test('without a shadow nothing is owed', async () => {
  await analyses.append(run('lost', hours(1)));
  await database.sql.query(`update model set state = 'retired' where digest = $1`, [shadow]);
  expect(await oweShadowRuns(world)).toBe(0);
});

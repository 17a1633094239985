import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnalysisRow } from '../../../server/core/analysis/analysis-log.ts';
import { readModelDescription } from '../../../server/core/analysis/model-description.ts';
import { postgresAnalyses } from '../../../server/infrastructure/postgres/models/analyses.ts';
import { managerSql } from '../../../server/infrastructure/postgres/connection.ts';
import { postgresModels } from '../../../server/infrastructure/postgres/models/models.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { SHIPPED } from '../../models/shipped.ts';

let database: TestDatabase;
const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string];
const description = readModelDescription(SHIPPED.json('model.json'));
const by = { subject: 'ada', name: 'Ada' };

beforeAll(async () => {
  database = await freshDatabase();
  const models = postgresModels(database.sql);
  for (const digest of [a, b, c]) {
    await models.change(
      { digest, act: 'register', from: null, to: 'candidate', by, reason: 'new' },
      { description, evaluation: null },
    );
  }
});
afterAll(() => database.close());

const set = (digest: string, state: string) =>
  database.sql.query(`update model set state = $2 where digest = $1`, [digest, state]);

test('two active models, or two shadows, cannot be written', async () => {
  for (const state of ['active', 'shadow']) {
    await set(a, state);
    await expect(set(b, state)).rejects.toMatchObject({ code: 'conflict' });
    await set(a, 'candidate');
  }
});

test('of two promotions at the same time that do not know of each other one fails', async () => {
  const promote = (digest: string) =>
    database.dataSource.transaction(async (manager) => {
      const models = postgresModels(await managerSql(manager));
      await models.change({ digest, act: 'promote', from: 'candidate', to: 'active', by, reason: 'race' });
      await new Promise((done) => setTimeout(done, 100));
    });
  const ended = await Promise.allSettled([promote(a), promote(b)]);
  expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((await postgresModels(database.sql).all()).filter(({ state }) => state === 'active')).toHaveLength(1);
  await database.sql.query(`update model set state = 'candidate'`);
});

test('the history cannot be changed, taken from, or emptied; it needs a reason', async () => {
  for (const statement of [
    `update model_change set reason = 'x'`,
    `delete from model_change`,
    `truncate model_change`,
  ]) {
    await expect(database.sql.query(statement)).rejects.toThrow(/appended/);
  }
  const models = postgresModels(database.sql);
  const before = await models.revision();
  await expect(
    models.change({ digest: a, act: 'retire', from: 'candidate', to: 'retired', by, reason: '' }),
  ).rejects.toThrow();
  await models.change({
    digest: c,
    act: 'retire',
    from: 'candidate',
    to: 'retired',
    by,
    reason: 'old',
    override: { reason: 'x', shortcomings: ['y'] },
  });
  expect(await models.revision()).toBeGreaterThan(before);
  expect((await models.changes())[0]).toMatchObject({
    digest: c,
    act: 'retire',
    by,
    reason: 'old',
    override: { shortcomings: ['y'] },
  });
});

let serial = 0;
const row = (change: Partial<AnalysisRow>): AnalysisRow => ({
  task: `task-${++serial}`, digest: a, at: new Date('2026-11-24T10:00:00Z'), week: '2026-W48', scanner: 'ACME DX', modality: 'DX',
  answer: 'Normal', best: 'Normal', probability: 0.9, probabilities: [0, 0, 0, 0.9, 0, 0.1], distance: [1, 10], ...change,
}); // prettier-ignore

test('drift figures are those that were computed by hand', async () => {
  const analyses = postgresAnalyses(database.sql);
  const distances = [1, 2, 3, 4];
  for (const distance of distances)
    await analyses.append(row({ distance: [distance, 10 * distance], probability: distance / 10 }));
  await analyses.append(row({ scanner: 'ROOM2', answer: 'Uncertain', best: 'COVID', probability: 0.5, finding: 'f1' }));
  await analyses.append(row({ scanner: 'ROOM2', answer: 'Unsupported', best: 'Sick', probability: 1, finding: 'f2' }));
  await analyses.append(row({ week: '2026-W49' }));
  await analyses.append(row({ digest: b, week: '2026-W49' }));
  await analyses.heard('f1', { verdict: 'agree' });
  await analyses.heard('f1', { verdict: 'disagree', reading: 'Normal' });
  const cells = await analyses.drift(a);
  expect(cells.map(({ week, scanner, count }) => [week, scanner, count])).toEqual([
    ['2026-W48', null, 6], ['2026-W48', 'ACME DX', 4], ['2026-W48', 'ROOM2', 2], ['2026-W49', null, 1], ['2026-W49', 'ACME DX', 1],
  ]); // prettier-ignore
  const [week, acme, room] = cells;
  expect(acme).toMatchObject({
    meanProbability: 0.25,
    answers: { Normal: 4, COVID: 0 },
    verdicts: { agree: 0, partly: 0, disagree: 0 },
  });
  // percentile_cont(.95) of 1, 2, 3, 4: 3 + .85 * (4 - 3).
  expect(acme!.distance.map(({ mean, median }) => [mean, median])).toEqual([[2.5, 2.5], [25, 25]]); // prettier-ignore
  acme!.distance.forEach(({ p95 }, i) => expect(p95).toBeCloseTo([3.85, 38.5][i]!, 12));
  expect(room).toMatchObject({
    meanProbability: 0.5,
    best: { COVID: 1, Sick: 0 },
    answers: { Uncertain: 1, Unsupported: 1 },
    verdicts: { disagree: 1, agree: 0 },
  });
  expect(week!.meanProbability).toBeCloseTo((0.1 + 0.2 + 0.3 + 0.4 + 0.5) / 5, 12);
});

test('a run is kept once for a Task and model, by either table, and compared in pairs', async () => {
  const analyses = postgresAnalyses(database.sql);
  const task = 'twice';
  const seen = row({ task, modality: 'CR' });
  await Promise.all([analyses.append(seen), analyses.append(seen), analyses.append({ ...seen, answer: 'COVID' })]);
  const said = row({ task, digest: b, answer: 'COVID', best: 'COVID', probabilities: [0.6, 0, 0, 0.3, 0, 0.1] });
  await Promise.all([analyses.appendShadow(said), analyses.appendShadow(said)]);
  const cells = await analyses.compared(a, b);
  expect(cells).toHaveLength(1);
  expect(cells[0]).toMatchObject({ modality: 'CR', scanner: 'ACME DX', shadow: 'COVID', count: 1, verdict: null });
  expect(cells[0]!.difference).toBeCloseTo((0.6 + 0.6) / 6, 12);
  expect(await analyses.compared(b, a)).toEqual([]);
});

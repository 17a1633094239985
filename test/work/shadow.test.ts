import { setTimeout as sleep } from 'node:timers/promises';
import { taken } from '../harness/jobs.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeModel } from '../../server/core/analysis/registry/change-model.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { analyze } from '../../server/work/analyze.ts';
import { shadow } from '../../server/work/shadow.ts';
import { makeModel, type MadeModel } from '../harness/models.ts';
import { change, open, read, reviewWorld, type ReviewWorld } from './review-world.ts';
import { outputOf } from '../../server/core/workflow/review-tasks.ts';
import type { Task } from '@medplum/fhirtypes';

// The shadow gives way: while this process has an analysis for a doctor in hand, it takes no step.
let folder: string;
let place: ReviewWorld;
let watched: MadeModel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-shadow-'));
  watched = await makeModel(folder, { version: '2.0.0', temperature: 2 });
  place = await reviewWorld({ MODELS_DIR: folder });
  const actor = { principal: systemPrincipal('test'), name: 'Ada' };
  await changeModel(place.world, actor, { act: 'shadow', digest: watched.digest, reason: 'watch it' });
}, 120_000);
afterAll(async () => {
  await place.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A shadow job that is owed for a finished analysis. */
async function owed() {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  await change(place.world, place.people.doctor, step, { status: 'accepted' });
  await analyze(place.world, taken({ kind: 'analyze', key: step.id, data: { task: step.id } }));
  const finding = outputOf(await read<Task>(place.world, 'Task', review.coordinationId), 'ai-finding')!;
  const data = { task: step.id, finding: finding.reference.split('/')[1]!, digest: watched.digest };
  return taken({ kind: 'shadow', key: step.id, data });
}
const rows = async (task: string) =>
  (await place.server.system.sql.query(`select 1 from shadow_analysis where task = $1`, [task])).length;

test('it waits before its first step, and between two', async () => {
  const job = await owed();
  const { world } = place;
  const doctors = world.classifier.hold();
  let decoded = 0;
  const pixels = { ...world.pixels, decode: (...frame: Parameters<typeof world.pixels.decode>) => (decoded++, world.pixels.decode(...frame)) }; // prettier-ignore
  const running = shadow({ ...world, pixels }, job);
  await sleep(500);
  expect([decoded, await rows(job.key)]).toEqual([0, 0]);
  doctors.release();
  await running;
  expect([decoded, await rows(job.key)]).toEqual([1, 1]);

  // Another analysis comes while the image is decoded: the shadow stops there, and goes on when that has ended.
  const next = await owed();
  let urgent: ReturnType<typeof world.classifier.hold> | undefined;
  const interrupted: typeof pixels.decode = async (...frame) => {
    const found = await world.pixels.decode(...frame);
    urgent = world.classifier.hold();
    return found;
  };
  const waiting = shadow({ ...world, pixels: { ...world.pixels, decode: interrupted } }, next);
  await sleep(1_000);
  expect([urgent !== undefined, await rows(next.key)]).toEqual([true, 0]);
  const state = world.shadow.state();
  expect(state.ready && state.load.running).toBe(0);
  urgent!.release();
  await waiting;
  expect(await rows(next.key)).toBe(1);
});

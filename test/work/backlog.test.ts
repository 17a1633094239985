import type { Task } from '@medplum/fhirtypes';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { everything } from '../../server/core/access/narrowing.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { systems } from '../../server/core/vocabulary/systems.ts';
import { createLogger } from '../../server/log.ts';
import { startWorkers } from '../../server/worker.ts';
import { change, open, read, reviewWorld, type ReviewWorld } from './review-world.ts';

let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

async function stepsThatAre(status: string): Promise<(Task & { id: string })[]> {
  const { matches } = await place.world.read(({ records }) =>
    records.search(
      { type: 'Task', conditions: [{ parameter: 'code', values: [`${systems.reviewStep}|ai-inference`] }, { parameter: 'status', values: [status] }], include: [], revinclude: [], sort: [], count: 100, total: 'none' }, // prettier-ignore
      () => everything,
    ),
  );
  return matches.map(({ resource }) => resource as Task & { id: string });
}

test('a backlog stays with the queue: few Tasks are in progress at a time, none for long, and the urgent one comes first', async () => {
  const count = 20;
  for (let i = 0; i < count; i++) {
    const step = await open(place.world, await place.film(), 'ai-inference');
    const last = i === count - 1;
    if (last) await change(place.world, systemPrincipal('test'), step, { priority: 'stat' });
    await change(place.world, place.people.doctor, step, { status: 'accepted' });
  }
  expect(await stepsThatAre('accepted')).toHaveLength(count);
  const state = place.world.classifier.state();
  if (!state.ready) throw new Error(state.reason);
  await startWorkers(place.server.system, createLogger('silent'));
  let most = 0;
  while ((await stepsThatAre('completed')).length < count) {
    most = Math.max(most, (await stepsThatAre('in-progress')).length);
    await sleep(20);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(state.parallel);
  const done = await stepsThatAre('completed');
  const taken = done.map(
    ({ executionPeriod }) => Date.parse(executionPeriod!.end!) - Date.parse(executionPeriod!.start!),
  );
  expect(Math.max(...taken)).toBeLessThan(10_000); // the lease is 120 s
  const urgent = done.find(({ priority }) => priority === 'stat')!;
  const before = done.filter(
    ({ id, executionPeriod }) => id !== urgent.id && executionPeriod!.start! < urgent.executionPeriod!.start!,
  );
  expect(before.length).toBeLessThanOrEqual(state.parallel);
  expect((await read<Task>(place.world, 'Task', urgent.id)).restriction).toBeUndefined();
}, 120_000);

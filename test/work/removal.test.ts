import type { Task } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Principal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { open, read, reviewWorld, type ReviewWorld } from './review-world.ts';

let place: ReviewWorld;
beforeAll(async () => {
  place = await reviewWorld();
});
afterAll(() => place.stop());

const service: Principal = {
  kind: 'client',
  subject: 'x',
  clientId: 'x',
  scopes: [{ context: 'system', type: '*', permissions: 'cruds' }],
};

test('nobody deletes a Task of a review, a service with all scopes included', async () => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  for (const id of [step.id, review.coordinationId]) {
    const attempt = writeInTransaction(place.world, service, { method: 'delete', type: 'Task', id });
    await expect(attempt).rejects.toMatchObject({ code: 'conflict' });
    expect((await read<Task>(place.world, 'Task', id)).id).toBe(id);
  }
});

test('a Task of no review is deleted as any record', async () => {
  const resource: Task = { resourceType: 'Task', status: 'draft', intent: 'order' };
  const { record } = await writeInTransaction(place.world, service, { method: 'create', resource });
  await writeInTransaction(place.world, service, { method: 'delete', type: 'Task', id: record.id });
  expect((await place.world.read(({ records }) => records.read('Task', record.id, { kind: 'all' })))!.method).toBe(
    'DELETE',
  );
});

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { open, reviewWorld, type ReviewWorld } from './review-world.ts';

let place: ReviewWorld;
let doctor: Caller;
beforeAll(async () => {
  place = await reviewWorld();
  doctor = caller(place.server, (await place.server.signIn('doctor')).access_token);
});
afterAll(() => place.stop());

/** Each way in which a client writes a step. */
const ways: Record<string, (id: string, query: string) => Promise<Response>> = {
  PATCH: (id) => doctor.send('PATCH', `/fhir/Task/${id}`, text, json),
  'PATCH by criteria': (_id, query) => doctor.send('PATCH', `/fhir/Task?${query}`, text, json),
  'PATCH in a transaction': (id) =>
    doctor.send('POST', '/fhir', {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          request: { method: 'PATCH', url: `Task/${id}` },
          resource: {
            resourceType: 'Binary',
            contentType: json['Content-Type'],
            data: Buffer.from(JSON.stringify(text)).toString('base64'),
          },
        },
      ],
    }),
  'PUT that only creates': (id) =>
    doctor.send('PUT', `/fhir/Task/${id}`, { resourceType: 'Task', id, status: 'requested', intent: 'order' }, { 'If-None-Match': '*' }), // prettier-ignore
  DELETE: (id) => doctor.send('DELETE', `/fhir/Task/${id}`, ''),
};
const json = { 'Content-Type': 'application/json-patch+json' };
const text = [{ op: 'add', path: '/language', value: 'en' }];

test.each(Object.keys(ways))('%s of a step waits for its review before it holds the step', async (way) => {
  const review = await place.film();
  const step = await open(place.world, review, 'ai-inference');
  let answer: Promise<Response> | undefined;
  const waited = await place.world.transaction(async ({ records }) => {
    await records.lock('Task', review.coordinationId);
    answer ??= ways[way]!(step.id, `_id=${step.id}`);
    await sleep(200);
    const began = performance.now();
    await records.lock('Task', step.id);
    return performance.now() - began;
  });
  // Two that wait for each other are parted by the database after a second.
  expect(waited).toBeLessThan(500);
  expect((await answer!).status).toBeLessThan(500);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ShownRow } from '../../server/core/workflow/work/find-work.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { change, open, reviewWorld, type ReviewWorld } from '../work/review-world.ts';

// The lists of work as the dashboards ask for them.
let place: ReviewWorld;
let doctor: Caller;
let pharmacist: Caller;
let admin: Caller;

interface Page {
  rows: ShownRow[];
  total: number;
  next?: string;
}

beforeAll(async () => {
  place = await reviewWorld();
  [doctor, pharmacist, admin] = await Promise.all(
    (['doctor', 'pharmacist', 'admin'] as const).map(async (role) =>
      caller(place.server, (await place.server.signIn(role)).access_token),
    ),
  ) as [Caller, Caller, Caller]; // prettier-ignore
}, 120_000);
afterAll(() => place.stop());

const list = (query: string, who = doctor) => who.json<Page>(`/portal/work?${query}`);

test('a scan that arrives is a row at once, and one that goes on without AI waits for a reading', async () => {
  const review = await place.film();
  const { rows, total } = await list('queue=pending');
  expect(total).toBe(1);
  expect(rows[0]).toMatchObject({ review: review.coordinationId, status: 'PENDING_AI', ai: 'waiting' });
  await change(place.world, place.people.doctor, await open(place.world, review, 'ai-inference'), {
    status: 'cancelled',
    statusReason: { text: 'no need' },
  });
  expect((await list('queue=to-read')).total).toBe(1);
  expect((await list('text=Arj%20rao')).total).toBe(1);
  expect((await list('text=arjun%20sita')).total).toBe(0);
});

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../server/log.ts';
import { startWorkers } from '../../server/worker.ts';
import { approvedReview, reviewWorld, type ReviewWorld } from './review-world.ts';

// A worker is told to stop in the middle of its work, as at each upgrade.
let place: ReviewWorld;
let sql: pg.Client;
beforeAll(async () => {
  place = await reviewWorld();
  sql = new pg.Client({ connectionString: place.server.databaseUrl });
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await place.server.stop(); // the tests have ended what place.stop() would read
});

test('a report under way is printed and kept before the browser and the pool end, and its mail is owed', async () => {
  const { system } = place.server;
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const pdf: typeof place.world.pdf = {
    async print(html) {
      begun.resolve();
      await goOn.promise;
      return place.world.pdf.print(html);
    },
  };
  await startWorkers({ ...system, world: { ...place.world, pdf } }, createLogger('fatal'));
  await approvedReview(place, 'patient@example.org');
  await begun.promise;
  const stopped = system.stop();
  setImmediate(() => goOn.resolve());
  await stopped;
  const { rows } = await sql.query(`select name, state, retry_count as tried from job.job where name like '%-report' order by name`); // prettier-ignore
  expect(rows).toEqual([
    { name: 'issue-report', state: 'completed', tried: 0 },
    { name: 'send-report', state: 'created', tried: 0 },
  ]);
});

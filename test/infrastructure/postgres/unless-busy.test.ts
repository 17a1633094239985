import { afterAll, beforeAll, expect, test } from 'vitest';
import { changesAfter } from '../../../server/infrastructure/postgres/records/change-feed.ts';
import { unlessBusy } from '../../../server/infrastructure/postgres/jobs/unless-busy.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

/** Work that goes on until it is let go. */
function held(): { begun: Promise<void>; letGo(): void; work(): Promise<string> } {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    begun: begun.promise,
    letGo: end.resolve,
    async work() {
      begun.resolve();
      await end.promise;
      return 'done';
    },
  };
}
const other = async () => 'other';

test('who comes while another is at it goes by, for that work only; the next may', async () => {
  const one = held();
  const first = unlessBusy(database.url, 'sweep', one.work);
  await one.begun;
  expect(await unlessBusy(database.url, 'sweep', other)).toBeUndefined();
  expect(await unlessBusy(database.url, 'trim', other)).toBe('other');
  one.letGo();
  expect(await first).toBe('done');
  expect(await unlessBusy(database.url, 'sweep', other)).toBe('other');
});

test('work that fails leaves the way free', async () => {
  await expect(unlessBusy(database.url, 'sweep', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await unlessBusy(database.url, 'sweep', other)).toBe('other');
});

test('a holder whose connection is lost leaves the way free, and its work goes on', async () => {
  const one = held();
  const first = unlessBusy(database.url, 'sweep', one.work);
  await one.begun;
  await database.sql.query(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = 'csss-chore' and datname = current_database()`,
  );
  expect(await unlessBusy(database.url, 'sweep', other)).toBe('other');
  one.letGo();
  expect(await first).toBe('done');
});

test('the news of records go on while somebody holds it', async () => {
  const one = held();
  const first = unlessBusy(database.url, 'sweep', one.work);
  await one.begun;
  await database.sql.query(`insert into change (type, id, version, patients) values ('Patient', 'a', 1, '{}')`);
  // Transactions of other databases of this server hold the feed up, too, but end.
  const shown = () => changesAfter(database.sql, undefined, 10);
  await expect.poll(shown, { timeout: 20_000 }).toMatchObject([{ id: 'a' }]);
  one.letGo();
  await first;
});

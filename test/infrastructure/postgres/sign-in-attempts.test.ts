import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { postgresAttempts } from '../../../server/infrastructure/postgres/accounts/sign-in-attempts.ts';
import { postgresAuthorizations } from '../../../server/infrastructure/postgres/accounts/oidc-store.ts';
import type { AttemptStore } from '../../../server/core/accounts/authorizations.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { testSecrets } from '../../harness/secrets.ts';

let database: TestDatabase;
let attempts: AttemptStore;
beforeAll(async () => {
  database = await freshDatabase();
  attempts = postgresAttempts(database.sql);
});
afterAll(() => database.close());
beforeEach(() => database.sql.query(`delete from sign_in_attempt`));

const key = { key: 'account someone@test.example', free: 3, leak: 900, longest: 900 };
/** As if so many seconds had gone by. */
const later = (seconds: number) =>
  database.sql.query(
    `update sign_in_attempt set counted_at = counted_at - $1 * interval '1 s', free_at = free_at - $1 * interval '1 s',
                                until = until - $1 * interval '1 s'`,
    [seconds],
  );

test('of parallel tries no more get through than one after the other, and what waits is not counted', async () => {
  const waits = await Promise.all(Array.from({ length: 12 }, () => attempts.begin([key])));
  expect(waits.filter((wait) => wait === 0)).toHaveLength(3);
  expect(Math.max(...waits)).toBe(30);
  const [row] = await database.sql.query<{ failures: number }>(`select failures from sign_in_attempt`);
  expect(Math.round(row!.failures)).toBe(3);
});

test('each further failure doubles the wait up to its limit, and asking again does not', async () => {
  for (let n = 0; n < 3; n++) await attempts.begin([key]);
  const waits: number[] = [];
  for (let n = 0; n < 8; n++) {
    const wait = await attempts.begin([key]);
    expect(await attempts.begin([key])).toBeLessThanOrEqual(wait);
    waits.push(wait);
    await later(wait);
    expect(await attempts.begin([key])).toBe(0); // one guess, wrong again
  }
  expect(waits[0]).toBe(30);
  for (let n = 1; n < waits.length; n++) expect(waits[n]).toBeGreaterThanOrEqual(Math.min(waits[n - 1]!, 890));
  expect(waits.at(-1)).toBeGreaterThan(800);
  expect(Math.max(...waits)).toBeLessThanOrEqual(900);
});

test('failures are forgotten one by one, and a row that says nothing more is swept', async () => {
  for (let n = 0; n < 3; n++) await attempts.begin([key]);
  await later(1_000);
  const [row] = await database.sql.query<{ gone: boolean }>(`select until < now() as gone from sign_in_attempt`);
  expect(row!.gone).toBe(false);
  await later(1_800);
  await postgresAuthorizations(database.sql, testSecrets).sweep();
  expect(await database.sql.query(`select 1 from sign_in_attempt`)).toEqual([]);
  expect(await attempts.begin([key])).toBe(0);
});

test('when one of several keys has to wait, none of them is counted', async () => {
  const other = { ...key, key: 'place 192.0.2.1', free: 100 };
  for (let n = 0; n < 3; n++) await attempts.begin([key, other]);
  for (let n = 0; n < 20; n++) expect(await attempts.begin([other, key])).toBeGreaterThan(0);
  const rows = await database.sql.query<{ failures: number }>(`select failures from sign_in_attempt`);
  expect(rows.map((row) => Math.round(row.failures))).toEqual([3, 3]);
});

test('keys in any order do not deadlock', async () => {
  const other = { ...key, key: 'place 192.0.2.1' };
  const many = { ...key, free: 1000 };
  await Promise.all(Array.from({ length: 40 }, (_, n) => attempts.begin(n % 2 ? [many, other] : [other, many])));
});

test('a try that was no failure is given back with its wait, or everything is forgotten', async () => {
  for (let n = 0; n < 3; n++) await attempts.begin([key]);
  await attempts.settle({ giveBack: [key] });
  expect(await attempts.begin([key])).toBe(0);
  expect(await attempts.begin([key])).toBeGreaterThan(0);
  await attempts.settle({ forget: [key] });
  expect(await database.sql.query(`select 1 from sign_in_attempt`)).toEqual([]);
});

test('what people typed is not in the table', async () => {
  await attempts.begin([key]);
  expect(JSON.stringify(await database.sql.query(`select * from sign_in_attempt`))).not.toContain('test.example');
});

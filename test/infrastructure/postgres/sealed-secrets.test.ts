import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { postMail, openLetter } from '../../../server/core/deliveries/post-mail.ts';
import { sealPlainSecrets } from '../../../server/infrastructure/postgres/accounts/server-secrets.ts';
import { postgresAuthorizations } from '../../../server/infrastructure/postgres/accounts/oidc-store.ts';
import { postgresDeliveries } from '../../../server/infrastructure/postgres/deliveries.ts';
import { resealAll, sealedColumns, unopenedSecrets } from '../../../server/infrastructure/postgres/sealed-columns.ts';
import { secretBox } from '../../../server/infrastructure/secret-box.ts';
import { smartKeys } from '../../../server/smart/keys.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { keyNamed } from '../../harness/secrets.ts';

let database: TestDatabase;
beforeAll(async () => (database = await freshDatabase()));
afterAll(() => database.close());
beforeEach(() => database.sql.query(`truncate server_secret, delivery`));

const first = secretBox([keyNamed('first')]);
const both = secretBox([keyNamed('second'), keyNamed('first')]);
const second = secretBox([keyNamed('second')]);
const nobody = { enqueue: () => Promise.resolve(), lacking: () => Promise.resolve([]) };

const everythingStored = async () => JSON.stringify(await database.sql.query(`select * from server_secret`));

async function oweLetter(): Promise<string> {
  const stores = { deliveries: postgresDeliveries(database.sql), jobs: nobody };
  const letter = {
    kind: 'link',
    to: 'a@clinic.example',
    subject: 'A',
    text: 'https://csss.test/account/link/word',
  } as const;
  return postMail(stores, first, letter);
}

test('no secret of the server can be read in the database', async () => {
  const { signing, cookies, proofs } = await smartKeys(postgresAuthorizations(database.sql, first));
  const stored = await everythingStored();
  for (const secret of [signing[0]!.d!, signing[0]!.p!, cookies[0]!, proofs]) expect(stored).not.toContain(secret);
});

test('what an earlier release left readable is sealed, and stays what it was', async () => {
  const kept = { 'cookie-keys': ['a', 'b'], 'page-key': 'text' };
  for (const [name, value] of Object.entries(kept))
    await database.sql.query(`insert into server_secret (name, value) values ($1, $2)`, [name, JSON.stringify(value)]);
  expect(await sealPlainSecrets(database.sql, first)).toBe(2);
  expect(await sealPlainSecrets(database.sql, first)).toBe(0);
  expect(await database.sql.query(`select from server_secret where value is not null`)).toEqual([]);
  const store = postgresAuthorizations(database.sql, first);
  for (const [name, value] of Object.entries(kept))
    expect(await store.secret(name, () => Promise.reject(new Error('made anew')))).toEqual(value);
});

test('bare keys of an earlier release go on signing, newest first, and get a turn', async () => {
  const store = postgresAuthorizations(database.sql, first);
  await store.secret('cookie-keys', async () => ['newest', 'older']);
  const { cookies, proofs } = await smartKeys(store);
  expect([cookies, proofs]).toEqual([['newest', 'older'], 'older']);
});

test('of two processes that make one secret, and of two that change it, none loses what the other did', async () => {
  const [one, other] = [postgresAuthorizations(database.sql, first), postgresAuthorizations(database.sql, first)];
  const made = await Promise.all([one.secret('x', async () => [1]), other.secret('x', async () => [2])]);
  expect(made[0]).toEqual(made[1]);
  const add = (store: typeof one, more: number) => store.changeSecret<number[]>('x', async (value) => [...value, more]);
  expect(await Promise.all([add(one, 3), add(other, 4)])).toEqual([true, true]);
  expect((await one.secret<number[]>('x', async () => [])).toSorted()).toEqual([...made[0], 3, 4].toSorted());
});

test('after a new first key everything opens, and when all is sealed anew the old key is needless', async () => {
  const store = postgresAuthorizations(database.sql, first);
  for (let number = 0; number < 250; number++) await store.secret(`secret-${number}`, async () => number);
  const delivery = await oweLetter();
  expect(await unopenedSecrets(database.sql, both)).toEqual([]);
  expect(await resealAll(database.sql, both)).toEqual({
    server_secret: 250,
    delivery: 1,
    second_factor: 0,
    draft: 0,
    push_subscription: 0,
  });
  expect(await resealAll(database.sql, both)).toEqual({
    server_secret: 0,
    delivery: 0,
    second_factor: 0,
    draft: 0,
    push_subscription: 0,
  });
  expect(await unopenedSecrets(database.sql, second)).toEqual([]);
  const anew = postgresAuthorizations(database.sql, second);
  expect(await anew.secret('secret-249', () => Promise.reject(new Error('made anew')))).toBe(249);
  const kept = await postgresDeliveries(database.sql).byId(delivery);
  expect(openLetter(second, kept!)).toMatchObject({ text: 'https://csss.test/account/link/word' });
});

test('a key that is lacking is named by the start of its hash, with the tables that need it; nothing is changed', async () => {
  await postgresAuthorizations(database.sql, first).secret('x', async () => 'y');
  await oweLetter();
  const key = first.seal('', '').split('.')[0];
  const unopened = [
    { table: 'server_secret', key, count: 1 },
    { table: 'delivery', key, count: 1 },
  ];
  expect(await unopenedSecrets(database.sql, second)).toEqual(unopened);
  await expect(resealAll(database.sql, second)).rejects.toThrow('No key of SECRET_KEYS opens');
  expect(await unopenedSecrets(database.sql, second)).toEqual(unopened);
});

test('every column whose comment or name says that it is sealed is in the registry', async () => {
  const columns = await database.sql.query<{ table_name: string; column_name: string }>(
    `select table_name, column_name from information_schema.columns
      where table_schema = 'public' and (column_name = 'sealed' or (table_name, column_name) in (('delivery', 'content'), ('second_factor', 'secret')))
      order by 1, 2`,
  );
  const known = sealedColumns.map(({ table, column }) => `${table}.${column}`).sort();
  expect(columns.map(({ table_name, column_name }) => `${table_name}.${column_name}`)).toEqual(known);
});

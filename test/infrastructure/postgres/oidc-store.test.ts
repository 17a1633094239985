import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuthorizationStore } from '../../../server/core/accounts/authorizations.ts';
import { postgresAccounts } from '../../../server/infrastructure/postgres/accounts/accounts.ts';
import { postgresSessions } from '../../../server/infrastructure/postgres/accounts/sessions.ts';
import { postgresAuthorizations } from '../../../server/infrastructure/postgres/accounts/oidc-store.ts';
import { freshDatabase, type TestDatabase } from '../../harness/database.ts';
import { testSecrets } from '../../harness/secrets.ts';

let database: TestDatabase;
let store: AuthorizationStore;

beforeAll(async () => {
  database = await freshDatabase();
  store = postgresAuthorizations(database.sql, testSecrets);
  await postgresAccounts(database.sql).insert({
    id: 'a1',
    email: 'A@test.example',
    passwordHash: 'x',
    role: 'doctor',
    displayName: 'A',
    fhirUser: 'Practitioner/1',
    disabled: false,
  });
  await store.saveClient({ id: 'c1', metadata: {}, firstParty: false, mayIntrospect: false, disabled: false });
});
afterAll(() => database.close());

test('what has expired is not there, and the sweep removes it', async () => {
  await store.put('Session', 's1', { uid: 'u1', accountId: 'a1' }, { expiresIn: -1 });
  await store.put('Session', 's2', { uid: 'u2', accountId: 'a1' }, { expiresIn: 60 });
  expect(await store.find('Session', { id: 's1' })).toBeUndefined();
  expect(await store.find('Session', { uid: 'u1' })).toBeUndefined();
  expect(await store.find('Session', { uid: 'u2' })).toMatchObject({ uid: 'u2' });
  await store.revokeToken('t1', new Date(Date.now() - 1000));
  expect(await store.sweep()).toBe(2);
  expect(await database.sql.query(`select id from oidc_payload`)).toEqual([{ id: 's2' }]);
});

test('one of many parallel uses wins: of a code, of an assertion, of a launch', async () => {
  await store.put('AuthorizationCode', 'code', { grantId: 'g1' }, { expiresIn: 60 });
  const used = await Promise.all(Array.from({ length: 8 }, () => store.consume('AuthorizationCode', 'code')));
  expect(used.filter(Boolean)).toHaveLength(1);
  expect(await store.find('AuthorizationCode', { id: 'code' })).toMatchObject({ consumed: expect.any(Number) });

  const puts = await Promise.all(
    Array.from({ length: 8 }, () => store.put('ReplayDetection', 'jti', {}, { expiresIn: 60, onlyNew: true })),
  );
  expect(puts.filter(Boolean)).toHaveLength(1);

  await store.saveLaunch({ id: 'l1', clientId: 'c1', accountId: 'a1', patient: 'p1' }, 60);
  expect(await store.takeLaunch('l1', { clientId: 'c1', accountId: 'somebody else' })).toBeUndefined();
  const taken = await Promise.all(
    Array.from({ length: 8 }, () => store.takeLaunch('l1', { clientId: 'c1', accountId: 'a1' })),
  );
  expect(taken.filter((launch) => launch?.patient === 'p1')).toHaveLength(1);
});

test('all processes that start at once get the same secret', async () => {
  let made = 0;
  const values = await Promise.all(Array.from({ length: 8 }, () => store.secret('test', async () => ++made)));
  expect(new Set(values).size).toBe(1);
  expect(await store.secret('test', async () => 'another')).toBe(values[0]);
});

test('ending a grant takes its tokens and context along and leaves a running interaction', async () => {
  await store.put('Grant', 'g2', { accountId: 'a1', clientId: 'c1' }, { expiresIn: 60 });
  await store.put('RefreshToken', 'r2', { grantId: 'g2', accountId: 'a1' }, { expiresIn: 60 });
  await store.put('Interaction', 'i2', { grantId: 'g2' }, { expiresIn: 60 });
  await store.saveGrant({ grantId: 'g2', accountId: 'a1', clientId: 'c1', patient: 'p1' });
  const of = { tokenId: 't2', clientId: 'c1', grantId: 'g2', accountId: 'a1' };
  expect(await store.standing(of)).toEqual({
    revoked: false,
    clientDisabled: false,
    firstParty: false,
    account: { role: 'doctor', fhirUser: 'Practitioner/1', disabled: false, factor: false, mailFactor: false },
  });
  await store.revokeGrant('g2');
  expect(await store.standing(of)).toMatchObject({ revoked: true });
  expect(await store.find('RefreshToken', { id: 'r2' })).toBeUndefined();
  expect(await store.grant('g2')).toBeUndefined();
  expect(await store.find('Interaction', { id: 'i2' })).toBeDefined();
});

test('a token is not good without its client, its account or its own standing', async () => {
  await store.put('Grant', 'g3', { accountId: 'a1', clientId: 'c1' }, { expiresIn: 60 });
  const of = { tokenId: 't3', clientId: 'c1', grantId: 'g3', accountId: 'a1' };
  expect(await store.standing({ ...of, clientId: 'unknown' })).toMatchObject({ clientDisabled: true });
  expect((await store.standing({ ...of, accountId: 'unknown' })).account).toBeUndefined();
  await store.revokeToken('t3', new Date(Date.now() + 60_000));
  expect(await store.standing(of)).toMatchObject({ revoked: true });
});

test('ending an account ends its sessions, refresh tokens and grants, and nobody else’s', async () => {
  await store.put('Session', 's4', { uid: 'u4', accountId: 'a1' }, { expiresIn: 60 });
  await store.put('Session', 's5', { uid: 'u5', accountId: 'b1' }, { expiresIn: 60 });
  await store.saveGrant({ grantId: 'g4', accountId: 'a1', clientId: 'c1' });
  await postgresSessions(database.sql).endAll('a1');
  expect(await store.grant('g4')).toBeUndefined();
  expect(await store.find('Session', { id: 's4' })).toBeUndefined();
  expect(await store.find('Session', { id: 's5' })).toBeDefined();
});

test('addresses that differ in case are one account, and a NUL is nobody', async () => {
  const accounts = postgresAccounts(database.sql);
  const again = {
    id: 'a2',
    email: 'a@TEST.example',
    passwordHash: 'x',
    role: 'doctor',
    displayName: 'A',
    fhirUser: 'Practitioner/2',
    disabled: false,
  } as const;
  await expect(accounts.insert(again)).rejects.toMatchObject({ code: 'duplicate' });
  expect((await accounts.byEmail('a@test.EXAMPLE'))?.id).toBe('a1');
  expect(await accounts.byEmail('a\0')).toBeUndefined();
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { forgetPersonal } from '../../server/work/forget-personal.ts';

let server: TestServer;
let doctor: Caller;
let pharmacist: Caller;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  const of = async (role: 'doctor' | 'pharmacist') => caller(server, (await server.signIn(role)).access_token);
  [doctor, pharmacist] = [await of('doctor'), await of('pharmacist')];
});
afterAll(() => server.stop());

const json = { 'Content-Type': 'application/json' };
const keep = (who: Caller, key: string, value: unknown) => who.send('PUT', `/portal/me/drafts/${key}`, { value }, json);

test('what somebody has typed is there again, for that person only, and until it is thrown away', async () => {
  const value = { notes: 'Infiltrate, left', chosen: 'Sick', more: [1, null, true] };
  expect((await keep(doctor, 'verify:t-1', value)).status).toBe(204);
  expect((await keep(doctor, 'verify:t-1', { ...value, notes: 'Infiltrate, right' })).status).toBe(204);
  const kept = await doctor.json<{ value: typeof value; savedAt: string }>('/portal/me/drafts/verify:t-1');
  expect(kept.value).toEqual({ ...value, notes: 'Infiltrate, right' });
  expect(Date.parse(kept.savedAt)).toBeGreaterThan(Date.now() - 60_000);
  expect((await pharmacist.get('/portal/me/drafts/verify:t-1')).status).toBe(204);
  await pharmacist.send('DELETE', '/portal/me/drafts/verify:t-1', undefined, json);
  expect((await doctor.get('/portal/me/drafts/verify:t-1')).status).toBe(200);
  expect((await doctor.send('DELETE', '/portal/me/drafts/verify:t-1', undefined, json)).status).toBe(204);
  expect((await doctor.get('/portal/me/drafts/verify:t-1')).status).toBe(204);
});

test('in the database it lies sealed, and no audit row or log of it says what it is', async () => {
  await keep(doctor, 'verify:t-2', { notes: 'Tuberculosis suspected' });
  const rows = await server.system.sql.query<{ row: string }>(`select draft::text as row from draft`);
  expect(rows.length).toBe(1);
  expect(rows[0]!.row).not.toMatch(/Tuberculosis/);
});

test.each([
  ['a/b', 404],
  ['a%20b', 422],
  ['x'.repeat(121), 422],
  ['__proto__', 204],
  ['a%00', 422],
])('a draft named %s is answered with %i', async (key, status) => {
  const answer = await keep(doctor, key, 'x');
  expect([answer.status, [400, 422].includes(answer.status) ? 422 : answer.status]).toContain(status);
});

test('more than 64 KiB is too much for one, and of a hundred and more the oldest go', async () => {
  expect((await keep(doctor, 'long', 'x'.repeat(64 * 1024))).status).toBe(413);
  for (let i = 0; i < 105; i++) expect((await keep(pharmacist, `many:${i}`, i)).status).toBe(204);
  const found = await Promise.all([0, 4, 5, 104].map((i) => pharmacist.get(`/portal/me/drafts/many:${i}`)));
  expect(found.map(({ status }) => status)).toEqual([204, 204, 200, 200]);
});

test('after a week it goes by itself', async () => {
  await keep(doctor, 'verify:t-3', 'old');
  await server.system.sql.query(`update draft set saved_at = now() - interval '8 days' where name = 'verify:t-3'`);
  await forgetPersonal(server.system.world);
  expect((await doctor.get('/portal/me/drafts/verify:t-3')).status).toBe(204);
  expect((await doctor.get('/portal/me/drafts/verify:t-2')).status).toBe(200);
});

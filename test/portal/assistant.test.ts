import { afterAll, beforeAll, expect, test } from 'vitest';
import { screens } from '../harness/people.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

interface Answer {
  category: string;
  text: string;
  language: string;
  links: { to: string; label: string }[];
  urgent?: true;
}

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const path = '/portal/assistant';
const asRole = async (role: 'patient' | 'doctor' | 'pharmacist' | 'admin') =>
  screens(server, (await server.signIn(role)).access_token);

test.each([
  ['patient', '/patient'],
  ['doctor', '/work'],
  ['pharmacist', '/work'],
  ['admin', '/work'],
] as const)('a %s is answered with links that lead to %s', async (role, to) => {
  const call = await asRole(role);
  const { status, body } = await call<Answer>('POST', path, { text: 'where is my report', language: 'en' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ category: 'result', language: 'en' });
  expect(body.links.map((link) => link.to)).toEqual([to]);
});

test('red flags are urgent, also in another language than the page’s', async () => {
  const call = await asRole('patient');
  const { body } = await call<Answer>('POST', path, { text: 'सुबह से सीने में दर्द है', language: 'en' });
  expect(body).toMatchObject({ category: 'medical', urgent: true, language: 'hi', links: [] });
  expect(body.text).toContain('112');
});

test('a question has 1 to 1,000 characters, as people count them; others are answered 422', async () => {
  const call = await asRole('doctor');
  const status = async (text: string) => (await call('POST', path, { text, language: 'ta' })).status;
  expect(await status('a')).toBe(200);
  expect(await status('😀'.repeat(1000))).toBe(200);
  expect(await status('😀'.repeat(1001))).toBe(422);
  expect(await status('')).toBe(422);
  expect(await status(' \n ')).toBe(422);
  expect(await status('x'.repeat(100_000))).toBe(422);
  for (const bad of [{ text: 1, language: 'en' }, { text: 'a', language: 'de' }, { text: 'a' }])
    expect((await call('POST', path, bad)).status).toBe(400);
});

test('nobody is answered without a token, and nothing of a question is in the audit trail', async () => {
  const options = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
  const body = JSON.stringify({ text: 'hello', language: 'en' });
  expect((await fetch(server.url + path, { ...options, body })).status).toBe(401);
  const call = await asRole('admin');
  await call('POST', path, { text: 'quincunx zymurgy password', language: 'en' });
  const trail = await call<unknown>('GET', '/portal/audit?limit=200');
  expect(trail.status).toBe(200);
  expect(JSON.stringify(trail.body)).not.toMatch(/quincunx|zymurgy|portal:assistant/);
});

test('more than thirty questions in a minute wait, and only those of this account', async () => {
  const call = await asRole('pharmacist');
  const ask = (who = call) => who('POST', path, { text: 'hello', language: 'en' });
  const statuses = [];
  for (let i = 0; i < 32; i++) statuses.push((await ask()).status);
  expect(statuses.at(-1)).toBe(429);
  expect((await ask(await asRole('patient'))).status).toBe(200);
});

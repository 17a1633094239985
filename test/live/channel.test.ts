import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../harness/calls.ts';
import { changeOf, livePage } from '../harness/live-page.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let service: ReturnType<typeof caller>;
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  service = caller(server, await server.backend());
});
afterAll(() => server.stop());

const put = async (resource: { resourceType: string; id: string; [other: string]: unknown }) =>
  expect((await service.send('PUT', `/fhir/${resource.resourceType}/${resource.id}`, resource)).ok).toBe(true);

test('a page hears of a record that somebody else wrote: its type, its id and what was done', async () => {
  const { access_token: token } = await server.signIn('doctor');
  const page = await livePage(server, token);
  await put({ resourceType: 'Patient', id: 'heard' });
  const created = await page.until(changeOf('heard'), 'the new record');
  expect(created.changes).toEqual([{ type: 'Patient', id: 'heard', act: 'create' }]);
  await put({ resourceType: 'Patient', id: 'heard', gender: 'female' });
  await page.until(({ changes }) => changes?.some(({ act }) => act === 'update') === true, 'the change');
  expect((await service.send('DELETE', '/fhir/Patient/heard')).ok).toBe(true);
  await page.until(({ changes }) => changes?.some(({ act }) => act === 'delete') === true, 'the deletion');
  expect(JSON.stringify(page.told)).not.toContain('female');
  page.close();
});

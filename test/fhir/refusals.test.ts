import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
  await server.put({ resourceType: 'Patient', id: 'a' });
  server.callers.set('reader', caller('system/Patient.rs', { kind: 'client' }));
});
afterAll(() => server.close());

const refusedRows = async (requestId: string) =>
  server.database.sql.query<{ row: string }>(
    `select to_jsonb(audit)::text as row from audit where to_jsonb(audit)::text like '%' || $1 || '%' and outcome = 'refused'`,
    [requestId],
  );
const jsonPatch = { body: '[]', type: 'application/json-patch+json' };
const patient = { resourceType: 'Patient', id: 'a' };
const bundle = (type: string) => ({
  resourceType: 'Bundle',
  type,
  entry: [{ request: { method: 'POST', url: 'Patient' }, resource: patient }],
});

test.each<[string, string, string, object]>([
  ['create', 'POST', '/Patient', { body: patient }],
  ['update', 'PUT', '/Patient/a', { body: patient }],
  ['patch', 'PATCH', '/Patient/a', jsonPatch],
  ['delete', 'DELETE', '/Patient/a', {}],
  ['conditional-delete', 'DELETE', '/Patient?identifier=x', {}],
  ['transaction', 'POST', '/', { body: bundle('transaction') }],
  ['batch', 'POST', '/', { body: bundle('batch') }],
])('a refused %s leaves one audit row, though its transaction is rolled back', async (name, method, path, init) => {
  const reply = await server.call(method, path, {
    as: 'reader',
    ...init,
    headers: { 'X-Request-Id': `refused-${name}.` },
  });
  expect([200, 403]).toContain(reply.status);
  expect(await refusedRows(`refused-${name}.`)).toHaveLength(1);
});

test('more refused writers than database connections do not wait for each other', async () => {
  const replies = await Promise.all(
    Array.from({ length: 40 }, () => server.call('PUT', '/Patient/a', { as: 'reader', body: patient })),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([403]));
  expect(server.faults).toEqual([]);
});

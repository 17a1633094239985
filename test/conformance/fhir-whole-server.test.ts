/** The FHIR API as others meet it: the whole server, real tokens, addresses and headers from outside. */
import { gunzipSync } from 'node:zlib';
import type { Bundle, CapabilityStatement, OperationOutcome } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let token: string;
let own: string; // the demo patient's id
let other: string; // another patient's id
let patientToken: string;
const call = (
  method: string,
  path: string,
  { as = token, body, headers = {} }: { as?: string | null; body?: unknown; headers?: Record<string, string> } = {},
) =>
  fetch(server.fhir + path, {
    method,
    headers: {
      ...(as !== null && { Authorization: `Bearer ${as}` }),
      ...(body !== undefined && { 'Content-Type': 'application/fhir+json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
const outcome = async (response: Response) => (await response.json()) as OperationOutcome;

beforeAll(async () => {
  server = await startTestServer({ workers: false });
  token = await server.backend();
  const tokens = await server.signIn('patient');
  patientToken = tokens.access_token;
  own = tokens.patient!;
  other = (
    (await (
      await call('POST', '/Patient', { body: { resourceType: 'Patient', name: [{ family: 'Fremd' }] } })
    ).json()) as { id: string }
  ).id;
  for (const id of [own, other]) {
    const resource = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${id}` },
      valueString: 'secret',
    };
    await call('POST', '/Observation', { body: resource });
  }
});
afterAll(() => server.stop());

test('the base takes Bundles with and without a slash', async () => {
  const body = {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [{ request: { method: 'GET', url: 'Patient?_count=1' } }],
  };
  for (const path of ['', '/']) {
    const response = await call('POST', path, { body });
    expect([path, response.status, ((await response.json()) as Bundle).type]).toEqual([path, 200, 'batch-response']);
  }
});

test('the CapabilityStatement is public, for any origin, and names the real addresses', async () => {
  const response = await call('GET', '/metadata', { as: null, headers: { Origin: 'https://anywhere.example' } });
  expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([200, '*']);
  const statement = (await response.json()) as CapabilityStatement;
  expect(statement.implementation!.url).toBe(server.fhir);
  const uris = statement.rest![0]!.security!.extension![0]!.extension!;
  const discovery = (await (await fetch(`${server.fhir}/.well-known/smart-configuration`)).json()) as Record<
    string,
    string
  >;
  expect(uris.find(({ url }) => url === 'authorize')!.valueUri).toBe(discovery['authorization_endpoint']);
  expect(uris.find(({ url }) => url === 'token')!.valueUri).toBe(discovery['token_endpoint']);
});

test('refusals are OperationOutcomes with the headers of their status', async () => {
  const none = await call('GET', '/Patient', { as: null });
  expect([
    none.status,
    none.headers.get('WWW-Authenticate')?.startsWith('Bearer'),
    (await outcome(none)).resourceType,
  ]).toEqual([401, true, 'OperationOutcome']);
  const wrong = await call('GET', '/Patient', { as: 'nonsense' });
  expect([wrong.status, wrong.headers.get('WWW-Authenticate')?.includes('invalid_token')]).toEqual([401, true]);
  const nowhere = await call('GET', '/a/b/c/d/e/f');
  expect([nowhere.status, (await outcome(nowhere)).issue[0]!.code]).toEqual([404, 'not-found']);
  const method = await call('DELETE', '/metadata');
  expect([method.status, method.headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
  expect(method.headers.get('X-Request-Id')).toBeTruthy();
  expect((await call('GET', '/Patient', { headers: { 'X-Request-Id': 'mine-1' } })).headers.get('X-Request-Id')).toBe(
    'mine-1',
  );
});

test('answers are packed when the client can unpack, and HEAD tells the length', async () => {
  const { request } = await import('node:http');
  const raw = await new Promise<{ encoding: string | undefined; body: Buffer }>((done, fail) => {
    request(`${server.fhir}/metadata`, { headers: { 'Accept-Encoding': 'gzip' } }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => done({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }));
    })
      .on('error', fail)
      .end();
  });
  expect(raw.encoding).toBe('gzip');
  expect(JSON.parse(gunzipSync(raw.body).toString())).toMatchObject({ resourceType: 'CapabilityStatement' });
  const head = await call('HEAD', `/Patient/${own}`);
  expect([head.status, head.headers.get('ETag') !== null, await head.text()]).toEqual([200, true, '']);
});

describe('a patient', () => {
  const asPatient = (path: string, method = 'GET', init: object = {}) =>
    call(method, path, { as: patientToken, ...init });

  test('reads and finds the own record', async () => {
    expect((await asPatient(`/Patient/${own}`)).status).toBe(200);
    const found = (await (await asPatient('/Observation')).json()) as Bundle;
    expect(found.entry).toHaveLength(1);
  });

  test.each([
    ['/Patient/OTHER', 404],
    ['/Patient/OTHER/_history', 404],
    ['/Patient/OTHER/_history/1', 404],
    ['/Patient/OTHER/Observation', 403],
    ['/Patient/OTHER/$everything', 403],
    ['/Patient/OTHER/*', 403],
    ['/Observation?patient=OTHER', 403],
    ['/Observation?subject=Patient/OTHER', 403],
    ['/Observation?subject:Patient=OTHER', 403],
    ['/Patient?_id=OTHER', 403],
    ['/Observation?patient=OWN,OTHER', 403],
    ['/Observation?subject:Patient._id=OTHER', 403],
  ])('gets nothing by %s', async (path, status) => {
    const response = await asPatient(path.replace('OTHER', other).replace('OWN', own));
    expect([response.status, ((await response.json()) as OperationOutcome).resourceType]).toEqual([
      status,
      'OperationOutcome',
    ]);
  });

  test.each([
    '/Observation?_revinclude=Observation:subject',
    '/Patient?_revinclude=Observation:subject',
    '/Observation?subject.family=Fremd',
    '/Patient?_has:Observation:subject:value-string=secret',
    '/?_type=Patient,Observation',
    '/Patient/_history',
    '/_history',
    '/Observation/_history',
    '/Observation?value-string=secret',
  ])('sees nothing of others by %s', async (path) => {
    const response = await asPatient(path);
    const found = JSON.stringify(((await response.json()) as Bundle).entry ?? []);
    expect(found).not.toContain(other);
    expect(found).not.toContain('Fremd');
    expect([200, 403]).toContain(response.status);
  });

  test('counts only what is visible', async () => {
    for (const path of ['/Observation?_summary=count', '/Observation?_total=accurate', '/Patient?_summary=count']) {
      expect(((await (await asPatient(path)).json()) as Bundle).total, path).toBe(1);
    }
  });

  test('cannot reach others by batch, condition or write', async () => {
    const get = (url: string) => ({ request: { method: 'GET', url } });
    const body = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [get(`Patient/${other}`), get(`Observation?patient=${other}`), get(`Patient/${other}/_history`)],
    };
    const batch = (await (await asPatient('', 'POST', { body })).json()) as Bundle;
    expect(batch.entry!.map(({ response }) => response!.status)).toEqual(['404', '403', '404']);
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${other}` },
    };
    expect((await asPatient('/Observation', 'POST', { body: observation })).status).toBe(403);
    const taken = await asPatient(`/Patient/${other}`, 'PUT', { body: { resourceType: 'Patient', id: other } });
    expect([403, 404]).toContain(taken.status);
    const patched = await asPatient(`/Patient/${other}`, 'PATCH', {
      body: '[]',
      headers: { 'Content-Type': 'application/json-patch+json' },
    });
    expect([403, 404]).toContain(patched.status);
    expect([403, 404, 204]).toContain((await asPatient(`/Patient/${other}`, 'DELETE')).status);
    expect((await call('GET', `/Patient/${other}`)).status).toBe(200);
  });

  test('a conditional read tells nothing of what may not be read', async () => {
    expect((await asPatient(`/Patient/${other}`, 'GET', { headers: { 'If-None-Match': 'W/"1"' } })).status).toBe(404);
    expect((await asPatient(`/Patient/${other}`, 'HEAD')).status).toBe(404);
  });
});

test('every access left an audit row with its request, refusals too', async () => {
  await call('GET', `/Patient/${other}`, { as: patientToken, headers: { 'X-Request-Id': 'audit-me' } });
  const rows = await server.system.sql.query<{ row: string }>(
    `select to_jsonb(a)::text as row from audit a where to_jsonb(a)::text like '%audit-me%'`,
  );
  expect(rows.length).toBeGreaterThan(0);
});

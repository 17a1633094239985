import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let token: string;
let doctor: string;
beforeAll(async () => {
  server = await startTestServer({
    environment: { TRUSTED_PROXIES: '127.0.0.1,::1', SITE_TIME_ZONE: 'Asia/Kolkata' },
    workers: false,
  });
  token = await server.backend();
  doctor = (await server.signIn('doctor')).access_token;
});
afterAll(() => server.stop());

const client = '203.0.113.45';
async function send(method: string, path: string, body?: object, bearer = token): Promise<number> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${bearer}`,
      'X-Forwarded-For': `192.0.2.66, ${client}`,
      'X-Request-Id': 'through-the-proxy',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Proto': 'gopher',
      ...(body && { 'Content-Type': 'application/fhir+json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(await response.text()).not.toMatch(/evil\.example|gopher/);
  return response.status;
}

test('every row of the audit names the client that the proxy saw, for reads, writes, bundles and refusals', async () => {
  const patient = { resourceType: 'Patient', id: 'proxied', birthDate: '1980-03-10' };
  const entry = [{ request: { method: 'GET', url: 'Patient/proxied' } }];
  const calls: [status: number, ...Parameters<typeof send>][] = [
    [201, 'PUT', '/fhir/Patient/proxied', patient],
    [200, 'GET', '/fhir/Patient/proxied'],
    [200, 'GET', '/fhir/Patient?birthdate=1980-03-10'],
    [404, 'GET', '/fhir/Patient/nobody-of-that-name'],
    [200, 'POST', '/fhir', { resourceType: 'Bundle', type: 'batch', entry }],
    [200, 'POST', '/fhir', { resourceType: 'Bundle', type: 'transaction', entry }],
    [204, 'DELETE', '/fhir/Patient/proxied'],
    [403, 'GET', '/portal/models', undefined, doctor],
    [200, 'GET', '/dicomweb/studies?PatientID=nobody'],
  ];
  for (const [status, ...call] of calls) expect(await send(...call), call.slice(0, 2).join(' ')).toBe(status);
  const rows = await server.system.sql.query<{ event: string; source_address: string | null }>(
    `select event, source_address from audit where request_id = 'through-the-proxy'`,
  );
  expect(rows.length).toBeGreaterThanOrEqual(calls.length);
  expect(rows.filter(({ source_address }) => source_address !== client)).toEqual([]);
});

test('the site says which zone its day is in', async () => {
  const status = (await (await fetch(`${server.url}/api/status`)).json()) as { timeZone: string };
  expect(status.timeZone).toBe('Asia/Kolkata');
  expect(await server.system.sql.query(`select zone from search_zone`)).toEqual([{ zone: 'Asia/Kolkata' }]);
});

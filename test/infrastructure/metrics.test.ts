import { afterAll, beforeAll, expect, test } from 'vitest';
import { serveMetrics } from '../../server/infrastructure/metrics-server.ts';
import { caller } from '../harness/calls.ts';
import { createPatient, storeImage } from '../harness/load.ts';
import { freePort, startTestServer, type TestServer } from '../harness/server.ts';

let server: TestServer;
let url: string;
beforeAll(async () => {
  const port = await freePort();
  server = await startTestServer({ environment: { METRICS_PORT: String(port) } });
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => server.stop());

const metrics = async () => (await fetch(`${url}/metrics`)).text();

test('requests count by route pattern, method and class of status, and nothing that a caller thinks up makes a series', async () => {
  const who = caller(server, await server.backend());
  const load = { patients: [], images: [] };
  expect([await createPatient(who, load), await storeImage(who, load)]).toEqual([201, 200]);
  await who.get('/fhir/Patient?name=Secretname');
  for (let i = 0; i < 20; i++) await fetch(`${server.url}/invented-${i}/Secretname`);
  await fetch(`${server.url}/fhir/Invented${1}/x/y/z`);
  await fetch(`${server.url}/readyz`);
  const text = await metrics();
  expect(text).toMatch(/csss_request_seconds_count\{route="\/fhir\/:type",method="POST",status="2xx"\} 1/);
  expect(text).toMatch(/csss_request_seconds_count\{route="\/dicomweb\/studies",method="POST",status="2xx"\} 1/);
  expect(text).toMatch(/csss_request_seconds_count\{route="other",method="GET",status="[24]xx"\} 20/);
  expect(text).not.toMatch(/Secretname|invented/i);
});

test('pools, threads, jobs, work inside, components, event loop, memory and descriptors are there', async () => {
  const text = await metrics();
  for (const line of [
    /csss_database_connections\{state="waiting"\} 0/,
    /csss_threads\{pool="reader",state="threads"\} [1-9]/,
    /csss_operation_seconds_count\{operation="store bytes",outcome="ok"\} [1-9]/,
    /csss_operation_seconds_count\{operation="read instance",outcome="ok"\} [1-9]/,
    /csss_operation_seconds_count\{operation="search records",outcome="ok"\} [1-9]/,
    /csss_operation_seconds_count\{operation="transaction",outcome="ok"\} [1-9]/,
    /csss_component_up\{component="database"\} 1/,
    /csss_clock_ahead_seconds -?\d/,
    /csss_nodejs_eventloop_lag_p99_seconds \d/,
    /csss_process_resident_memory_bytes \d/,
  ])
    expect(text).toMatch(line);
});

test('jobs that wait are counted by kind and state, with the age of the oldest', async () => {
  await server.system.world.transaction(({ jobs }) =>
    jobs.enqueue({ kind: 'send-report', key: 'none', data: { task: 'none' } }),
  );
  // The numbers are read once a second at most.
  await expect.poll(metrics, { timeout: 5_000 }).toMatch(/csss_job(s|_seconds_count)\{kind="send-report"/);
});

test('the port of the metrics has nothing else, and the public port has no metrics', async () => {
  expect((await fetch(`${url}/`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  expect(await (await fetch(`${server.url}/metrics`)).text()).not.toContain('csss_');
});

test('a reading that fails is an answer, not the end of the process', async () => {
  const broken = await serveMetrics(
    { contentType: 'text/plain', text: () => Promise.reject(new Error('no')) },
    { host: '127.0.0.1', port: 0 },
  );
  expect((await fetch(`http://127.0.0.1:${broken.port}/metrics`)).status).toBe(500);
  await broken.close();
});

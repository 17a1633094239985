import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Patient } from '@medplum/fhirtypes';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fhirServer, type FhirServer } from './server.ts';

// Nobody gets health data without a row that says so: it is there before the first byte of the answer is.
let server: FhirServer;
let patient: Patient & { id: string };
beforeAll(async () => {
  server = await fhirServer();
  patient = await server.put<Patient>({ resourceType: 'Patient', identifier: [{ system: 'urn:t', value: '1' }] });
});
afterAll(() => server.close());

interface Row {
  event: string;
  outcome: string;
  entities: string[];
  patients: string[];
}
const rowsOf = (requestId: string) =>
  server.database.sql.query<Row>(`select event, outcome, entities, patients from audit where request_id = $1`, [
    requestId,
  ]);

function ask(path: string, requestId: string): Socket {
  const { hostname, port } = new URL(server.base);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /fhir/${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nX-Request-Id: ${requestId}\r\n\r\n`,
  );
  return socket;
}

const asked = () => [
  { path: `Patient/${patient.id}`, event: 'fhir:read' },
  { path: `Patient/${patient.id}/_history/1`, event: 'fhir:vread' },
  { path: `Patient?identifier=urn:t|1`, event: 'fhir:search' },
  { path: `Patient?_id=${patient.id}&_summary=true`, event: 'fhir:search' },
  { path: `Patient/${patient.id}/_history`, event: 'fhir:history' },
];

test('the row of a read is there when the first byte of the answer is, and names what was read', async () => {
  for (const [n, { path, event }] of asked().entries()) {
    const socket = ask(path, `first-byte-${n}`);
    const first = await new Promise<Buffer>((done) => socket.once('data', done));
    const rows = await rowsOf(`first-byte-${n}`);
    socket.destroy();
    expect(first.toString('latin1')).toMatch(/^HTTP\/1.1 200/);
    expect(rows, path).toEqual([
      { event, outcome: 'success', entities: [`Patient/${patient.id}/_history/1`], patients: [patient.id] },
    ]);
  }
});

test('a client that goes away leaves the row of what it asked for all the same', async () => {
  const ids = asked().map(({ path }, n) => {
    const socket = ask(path, `away-${n}`);
    socket.once('ready', () => setTimeout(() => socket.resetAndDestroy(), 1));
    return `away-${n}`;
  });
  for (const id of ids) {
    let rows: Row[] = [];
    for (let waited = 0; rows.length === 0 && waited < 5000; waited += 20) {
      await sleep(20);
      rows = await rowsOf(id);
    }
    expect(rows, id).toMatchObject([{ outcome: 'success' }]);
  }
});

test('reads at the same moment each leave their own row', async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      server.call('GET', `/Patient/${patient.id}`, { headers: { 'X-Request-Id': `many-${n}` } }),
    ),
  );
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  const [counted] = await server.database.sql.query<{ rows: number; requests: number }>(
    `select count(*) as rows, count(distinct request_id) as requests from audit where request_id like 'many-%'`,
  );
  expect(counted).toEqual({ rows: 40, requests: 40 });
});

test('what is sent as it is stored is the same resource as a parsed one, in a read, a search and a Bundle', async () => {
  const named = await server.put<Patient>({
    resourceType: 'Patient',
    identifier: [{ system: 'urn:t', value: '2' }],
    name: [{ family: 'Ünï "quoted" \\ \u2028 line', given: ['</script>'] }],
  });
  const read = await server.call('GET', `/Patient/${named.id}`);
  const pretty = await server.call('GET', `/Patient/${named.id}?_pretty=true`);
  const found = await server.call('GET', '/Patient?identifier=urn:t|2');
  const foundPretty = await server.call('GET', '/Patient?identifier=urn:t|2&_pretty=true');
  const batch = await server.call('POST', '', {
    body: {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { request: { method: 'GET', url: `Patient/${named.id}` } },
        { request: { method: 'GET', url: 'Patient?identifier=urn:t|2' } },
      ],
    },
  });
  for (const one of [
    read.json,
    pretty.json,
    found.json.entry[0].resource,
    foundPretty.json.entry[0].resource,
    batch.json.entry[0].resource,
    batch.json.entry[1].resource.entry[0].resource,
  ]) {
    expect(one).toEqual(JSON.parse(JSON.stringify(named)));
  }
  expect(pretty.text).toContain('\n  "');
  expect(foundPretty.json.link[0].url).toBe(`${server.base}/Patient?identifier=urn%3At%7C2`);
});

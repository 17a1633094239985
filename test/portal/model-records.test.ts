import type { Bundle, Device, DocumentReference, OperationOutcome, Provenance } from '@medplum/fhirtypes';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deviceIdOf } from '../../server/core/analysis/findings.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { writeInTransaction } from '../../server/core/records/write.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { makeModel, type MadeModel } from '../harness/models.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { SHIPPED } from '../models/shipped.ts';

// The FHIR records of registered models: what made a result stays as it was, whoever writes and however.
let folder: string;
let server: TestServer;
let candidate: MadeModel;
let [admin, service, doctor]: Caller[] = [];
const digest = SHIPPED.manifest().model.sha256;
const id = deviceIdOf(digest);
const patch = [{ op: 'replace', path: '/status', value: 'entered-in-error' }];
const patchType = { 'Content-Type': 'application/json-patch+json' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'csss-model-records-'));
  candidate = await makeModel(folder, { version: '2.0.0', temperature: 3 });
  server = await startTestServer({ environment: { MODELS_DIR: folder }, workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
  doctor = caller(server, (await server.signIn('doctor')).access_token);
  service = caller(server, await server.backend());
}, 120_000);
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const who = () => [['admin', admin!], ['backend service', service!]] as const; // prettier-ignore
const standing = () => admin!.json<Device & { id: string }>(`/fhir/Device/${id}`);
const entry = (method: string, url: string, resource?: object) => ({ resource, request: { method, url } });
const bundle = (type: string, ...entries: object[]) => ({ resourceType: 'Bundle', type, entry: entries });

/** The refusal says where a model is changed, and nothing has changed. */
async function refused(answer: Response): Promise<void> {
  const outcome = (await answer.json()) as OperationOutcome;
  expect([answer.status, outcome.resourceType, outcome.issue[0]!.code]).toEqual([403, 'OperationOutcome', 'forbidden']);
  expect(outcome.issue[0]!.diagnostics).toMatch(/registry of models keeps.*\/models.*\/portal\/models/);
}

describe('the Device of a registered model', () => {
  test.each(Object.entries<(as: Caller, device: Device & { id: string }) => Promise<Response>>({
    'a PUT': (as, device) => as.send('PUT', `/fhir/Device/${id}`, { ...device, modelNumber: 'another' }),
    'a PUT that hides whose it is': (as) => as.send('PUT', `/fhir/Device/${id}`, { resourceType: 'Device', id }),
    'a PATCH': (as) => as.send('PATCH', `/fhir/Device/${id}`, patch, patchType),
    'a DELETE': (as) => as.send('DELETE', `/fhir/Device/${id}`, ''),
    'a conditional PUT': (as) => as.send('PUT', `/fhir/Device?identifier=urn:hash::sha256:${digest}`, { resourceType: 'Device', status: 'inactive' }),
    'a conditional PATCH': (as) => as.send('PATCH', `/fhir/Device?identifier=urn:hash::sha256:${digest}`, patch, patchType),
    'a conditional DELETE': (as) => as.send('DELETE', `/fhir/Device?identifier=urn:hash::sha256:${digest}`, ''),
    'a transaction that updates it': (as) => as.send('POST', '/fhir', bundle('transaction', entry('POST', 'Organization', { resourceType: 'Organization', name: 'Not kept' }), entry('PUT', `Device/${id}`, { resourceType: 'Device', id }))),
    'a transaction that deletes it': (as) => as.send('POST', '/fhir', bundle('transaction', entry('DELETE', `Device/${id}`))),
    'a second Device that says to be it': (as) => as.send('POST', '/fhir/Device', { resourceType: 'Device', identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:hash:sha256:${digest.toUpperCase()}` }] }),
    'another Device that becomes it': async (as) => {
      const other = (await (await as.send('POST', '/fhir/Device', { resourceType: 'Device' })).json()) as Device;
      return as.send('PUT', `/fhir/Device/${other.id}`, { ...other, version: [{ value: digest }] });
    },
    'the Device of a candidate, before there is one': (as) => as.send('PUT', `/fhir/Device/${deviceIdOf(candidate.digest)}`, { resourceType: 'Device', id: deviceIdOf(candidate.digest) }),
  }))('%s is refused', async (_how, ask) => {
    for (const [, as] of who()) {
      const before = await standing();
      await refused(await ask(as, before));
      expect(await standing()).toEqual(before);
    }
    expect(await admin!.search('Organization?name=Not kept')).toEqual([]);
  }); // prettier-ignore

  test('in a batch its entry is refused and the others are made', async () => {
    const other = entry('POST', 'Device', {
      resourceType: 'Device',
      deviceName: [{ name: 'Scanner 3', type: 'user-friendly-name' }],
    });
    const answer = await admin!.send('POST', '/fhir', bundle('batch', entry('DELETE', `Device/${id}`), other, entry('PUT', `Device/${id}`, { resourceType: 'Device', id }))); // prettier-ignore
    const { entry: entries } = (await answer.json()) as Bundle;
    expect(entries!.map(({ response }) => response!.status.slice(0, 3))).toEqual(['403', '201', '403']);
    expect((entries![0]!.response!.outcome as OperationOutcome).issue[0]!.diagnostics).toMatch(/\/portal\/models/);
  });

  test('the refusal is in the audit trail', async () => {
    const rows = await server.system.sql.query<{ event: string }>(
      `select event from audit where outcome = 'refused' and entities::text like $1`,
      [`%Device/${id}%`],
    );
    expect(rows.map(({ event }) => event)).toEqual(expect.arrayContaining(['fhir:update', 'fhir:delete']));
  });

  test('the registry itself changes it, and puts right what stood there before the model was known', async () => {
    const change = (act: string, one = digest) =>
      admin!.send('POST', `/portal/models/${one}/${act}`, { reason: 'a test of the records' }, { 'Content-Type': 'application/json' }); // prettier-ignore
    const runtime = (await standing()).version![2]!.value;
    const late = await makeModel(folder, { version: '4.0.0', temperature: 2 });
    const early = { resourceType: 'Device', id: deviceIdOf(late.digest), status: 'active', modelNumber: 'forged' };
    expect((await admin!.send('PUT', `/fhir/Device/${early.id}`, early)).status).toBe(403);
    await writeInTransaction(server.system.world, systemPrincipal('test'), {
      method: 'update',
      id: early.id,
      resource: early as Device,
    });
    expect((await admin!.send('POST', '/portal/models/rescan', {}, { 'Content-Type': 'application/json' })).status).toBe(200); // prettier-ignore
    expect((await change('promote', late.digest)).status).toBe(200);
    expect(await admin!.json<Device>(`/fhir/Device/${early.id}`)).toMatchObject({ modelNumber: 'chest-mobilenet-v2', status: 'active' }); // prettier-ignore
    expect(await standing()).toMatchObject({ status: 'inactive', version: [{}, {}, { value: runtime }] });
    expect((await change('promote')).status).toBe(200);
    expect(await standing()).toMatchObject({ status: 'active', version: [{}, {}, { value: 'cpu' }] });
  });
});

test('other Devices stay as free as they were', async () => {
  for (const [, as] of who()) {
    const made = await as.send('POST', '/fhir/Device', {
      resourceType: 'Device', identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:hash::sha256:${'0'.repeat(64)}` }, { system: 'urn:t', value: digest.slice(0, 40) }],
    }); // prettier-ignore
    const device = (await made.json()) as Device;
    expect(made.status).toBe(201);
    expect((await as.send('PUT', `/fhir/Device/${device.id}`, { ...device, status: 'inactive' })).status).toBe(200);
    expect((await as.send('PATCH', `/fhir/Device/${device.id}`, patch, patchType)).status).toBe(200);
    expect((await as.send('DELETE', `/fhir/Device/${device.id}`, '')).status).toBe(204);
  }
});

test('nobody writes a card for a registered model; other documents are free', async () => {
  const document = (value: string): DocumentReference => ({
    resourceType: 'DocumentReference',
    status: 'current',
    identifier: [{ system: 'urn:ietf:rfc:3986', value }],
    content: [{ attachment: { contentType: 'text/markdown', data: 'SGk=' } }],
  });
  const card = SHIPPED.json('fhir/DocumentReference.json') as DocumentReference;
  const { identifier: _none, ...aboutOnly } = card;
  for (const as of [service!, doctor!]) {
    await refused(await as.send('POST', '/fhir/DocumentReference', card));
    await refused(await as.send('POST', '/fhir/DocumentReference', aboutOnly));
    const made = await as.send('POST', '/fhir/DocumentReference', document('urn:uuid:1'));
    const other = (await made.json()) as DocumentReference;
    expect(made.status).toBe(201);
    await refused(await as.send('PUT', `/fhir/DocumentReference/${other.id}`, { ...document(`urn:hash::sha256:${digest}`), id: other.id })); // prettier-ignore
    expect((await as.send('PUT', `/fhir/DocumentReference/${other.id}`, { ...other, docStatus: 'final' })).status).toBe(200); // prettier-ignore
  }
});

test('nobody says in the name of a registered model who made what, and a Provenance is never changed', async () => {
  const provenance = (who: string): Provenance => ({
    resourceType: 'Provenance',
    target: [{ reference: 'Patient/x' }],
    recorded: '2026-11-24T12:00:00Z',
    agent: [{ who: { reference: 'Organization/y' }, onBehalfOf: { reference: who } }],
  });
  const fhirUser = { admin: 'Practitioner/demo-admin', 'backend service': 'Organization/y' };
  for (const [name, as] of who()) {
    for (const reference of [`Device/${id}`, `${server.fhir}/Device/${id}`, `Device/${id}/_history/1`]) {
      await refused(await as.send('POST', '/fhir/Provenance', provenance(reference)));
      const agent = [{ who: { reference } }];
      await refused(await as.send('POST', '/fhir/Provenance', { ...provenance('Device/z'), agent }));
    }
    const own = { ...provenance('x'), agent: [{ who: { reference: fhirUser[name] }, onBehalfOf: { reference: 'Device/another' } }] }; // prettier-ignore
    const made = await as.send('POST', '/fhir/Provenance', own);
    expect(made.status).toBe(201);
    const other = (await made.json()) as Provenance;
    const address = `/fhir/Provenance/${other.id}`;
    const changes = [as.send('PUT', address, other), as.send('PATCH', address, patch, patchType), as.send('DELETE', address, '')]; // prettier-ignore
    for (const answer of await Promise.all(changes)) expect(answer.status).toBe(403);
  }
});

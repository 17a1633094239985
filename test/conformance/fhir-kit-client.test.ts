/** The npm client `fhir-kit-client` drives the FHIR face: a reader of the specification who is not us. */
import { CapabilityTool, Client, type FhirResource } from 'fhir-kit-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fhirServer, type FhirServer } from '../fhir/server.ts';

let server: FhirServer;
let client: Client;
beforeAll(async () => {
  server = await fhirServer();
  client = new Client({ baseUrl: server.base, bearerToken: 'all' });
});
afterAll(() => server.close());

const patient = (extra: object = {}) => ({ resourceType: 'Patient', name: [{ family: 'Kit' }], ...extra });
const idOf = (resource: FhirResource) => resource['id'] as string;

test('reads the CapabilityStatement and the SMART addresses in it', async () => {
  const statement = await client.capabilityStatement();
  const tool = new CapabilityTool(statement);
  expect(tool.interactionsFor({ resourceType: 'ImagingStudy' })).toContain('search-type');
  expect(await client.smartAuthMetadata()).toMatchObject({
    authorizeUrl: expect.anything() as unknown,
    tokenUrl: expect.anything() as unknown,
  });
});

test('creates, reads, updates, patches, deletes', async () => {
  const created = await client.create({ resourceType: 'Patient', body: patient() });
  const id = idOf(created);
  expect(await client.read({ resourceType: 'Patient', id })).toMatchObject({ id });
  await client.update({ resourceType: 'Patient', id, body: patient({ id, active: true }) });
  const patched = await client.patch({
    resourceType: 'Patient',
    id,
    jsonPatch: [{ op: 'add', path: '/gender', value: 'female' }],
  });
  expect(patched).toMatchObject({ gender: 'female', active: true });
  expect(await client.vread({ resourceType: 'Patient', id, version: '1' })).not.toHaveProperty('active');
  const history = await client.resourceHistory({ resourceType: 'Patient', id });
  expect(history['entry']).toHaveLength(3);
  await client.delete({ resourceType: 'Patient', id });
  await expect(client.read({ resourceType: 'Patient', id })).rejects.toMatchObject({ response: { status: 410 } });
});

test('updates by criteria', async () => {
  const body = patient({ identifier: [{ system: 'urn:kit', value: '1' }] });
  const searchParams = { identifier: 'urn:kit|1' };
  const first = await client.update({ resourceType: 'Patient', searchParams, body });
  const second = await client.update({ resourceType: 'Patient', searchParams, body: { ...body, active: true } });
  expect(idOf(second)).toBe(idOf(first));
});

test('searches by GET and POST, pages, compartments and the system', async () => {
  const owner = idOf(await client.create({ resourceType: 'Patient', body: patient() }));
  for (let n = 0; n < 3; n++) {
    await client.create({
      resourceType: 'ImagingStudy',
      body: { resourceType: 'ImagingStudy', status: 'available', subject: { reference: `Patient/${owner}` } },
    });
  }
  let page: FhirResource | undefined = await client.resourceSearch({
    resourceType: 'ImagingStudy',
    searchParams: { patient: owner, _count: '1' },
  });
  let met = 0;
  while (page) {
    met += (page['entry'] as unknown[]).length;
    page = await client.nextPage({ bundle: page as never });
  }
  expect(met).toBe(3);
  const posted = await client.resourceSearch({
    resourceType: 'ImagingStudy',
    searchParams: { patient: owner },
    options: { postSearch: true },
  } as never);
  expect(posted['entry']).toHaveLength(3);
  const compartment = await client.compartmentSearch({
    resourceType: 'ImagingStudy',
    compartment: { resourceType: 'Patient', id: owner },
  });
  expect(compartment['entry']).toHaveLength(3);
  const system = await client.systemSearch({ searchParams: { _type: 'Patient', _id: owner } });
  expect(system['entry']).toHaveLength(1);
  expect((await client.typeHistory({ resourceType: 'ImagingStudy' }))['entry']).toHaveLength(3);
  expect(((await client.systemHistory())['entry'] as unknown[]).length).toBeGreaterThan(3);
});

test('runs batches, transactions and $validate', async () => {
  const entry = [{ resource: patient(), request: { method: 'POST', url: 'Patient' } }];
  expect(await client.batch({ body: { resourceType: 'Bundle', type: 'batch', entry } })).toMatchObject({
    type: 'batch-response',
  });
  expect(await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry } })).toMatchObject({
    type: 'transaction-response',
  });
  const outcome = await client.operation({
    name: 'validate',
    resourceType: 'Patient',
    input: patient({ gender: 'nonsense' }),
  });
  expect(outcome).toMatchObject({
    resourceType: 'OperationOutcome',
    issue: [{ code: 'code-invalid', severity: 'error' }],
  });
});

test('resolves references', async () => {
  const owner = idOf(await client.create({ resourceType: 'Patient', body: patient() }));
  expect(await client.resolve({ reference: `${server.base}/Patient/${owner}` })).toMatchObject({ id: owner });
});

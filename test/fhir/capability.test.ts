import { afterAll, beforeAll, expect, test } from 'vitest';
import { resourceTypes } from '../../server/core/r4/structure.ts';
import { searchParametersOf } from '../../server/core/search/search-parameters.ts';
import { validationIssues } from '../../server/core/validation/validate.ts';
import { fhirServer, type FhirServer, type Loose } from './server.ts';

let server: FhirServer;
let statement: Loose;
beforeAll(async () => {
  server = await fhirServer();
  statement = (await server.call('GET', '/metadata', { as: null })).json;
});
afterAll(() => server.close());

test('the CapabilityStatement is valid R4 and describes an instance', () => {
  expect(validationIssues(statement)).toEqual([]);
  expect(statement).toMatchObject({ kind: 'instance', fhirVersion: '4.0.1', status: 'active' });
  expect(statement.format).not.toContain('xml');
});

test('it offers every type that can be stored, with its parameters, includes and conditional interactions', () => {
  const types = statement.rest[0].resource.map((one: { type: string }) => one.type);
  expect(types).toHaveLength(resourceTypes.size - 2);
  const study = statement.rest[0].resource.find((one: { type: string }) => one.type === 'ImagingStudy');
  const names = study.searchParam.map((one: { name: string }) => one.name);
  expect(names).toEqual(expect.arrayContaining([...searchParametersOf('ImagingStudy').keys(), '_id', '_lastUpdated']));
  expect(study.searchInclude).toContain('ImagingStudy:endpoint');
  expect(study.searchRevInclude).toContain('DiagnosticReport:imaging-study');
  expect(study).toMatchObject({
    conditionalCreate: true,
    conditionalUpdate: true,
    conditionalDelete: 'single',
    versioning: 'versioned-update',
  });
});

test('it says where to sign in, in the old way too', () => {
  const { security } = statement.rest[0];
  expect(security.service[0].coding[0].code).toBe('SMART-on-FHIR');
  expect(security.extension[0].extension.map((one: { url: string }) => one.url)).toEqual(['authorize', 'token']);
});

test('every interaction that it names is answered', async () => {
  await server.put({ resourceType: 'Basic', id: 'x', code: { text: 'x' } });
  for (const path of [
    '/Basic/x',
    '/Basic/x/_history/1',
    '/Basic/x/_history',
    '/Basic/_history',
    '/Basic',
    '/_history',
    '/?_type=Basic',
  ]) {
    expect((await server.call('GET', path)).status, path).toBe(200);
  }
});

test('every type can be searched, and every parameter is understood', async () => {
  const values: Record<string, string> = {
    token: 'x',
    string: 'x',
    reference: 'Patient/1',
    date: '2020',
    number: '1',
    quantity: '1',
    uri: 'http://x',
    composite: 'x$1',
  };
  const refused: string[] = [];
  for (const { type, searchParam } of statement.rest[0].resource) {
    const query = new URLSearchParams([['_count', '1']]);
    for (const { name, type: kind } of searchParam)
      if (kind !== 'composite' && query.size < 90) query.append(name, values[kind]!);
    const reply = await server.call('GET', `/${type}?${query}`, { headers: { Prefer: 'handling=strict' } });
    if (reply.status !== 200) refused.push(`${type}: ${reply.status} ${reply.json?.issue?.[0]?.diagnostics}`);
  }
  expect(refused).toEqual([]);
  expect(server.faults).toEqual([]);
});

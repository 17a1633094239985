import type { Bundle, CapabilityStatement, Endpoint, Organization } from '@medplum/fhirtypes';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestServer, type TestServer } from '../harness/server.ts';

// User-access brands (SMART App Launch 2.2): who is behind this server, for apps in which people look for it.
let server: TestServer;
let smart: { user_access_brand_bundle: string; user_access_brand_identifier: { system: string; value: string } };
beforeAll(async () => {
  server = await startTestServer({ workers: false, demoData: false, environment: { SITE_NAME: 'Harbour Clinic' } });
  smart = (await (await fetch(`${server.fhir}/.well-known/smart-configuration`)).json()) as typeof smart;
});
afterAll(() => server.stop());

const get = (headers: Record<string, string> = {}) => fetch(smart.user_access_brand_bundle, { headers });

test('the bundle has the brand that the configuration names, and its endpoint', async () => {
  const answer = await get();
  expect(answer.headers.get('Content-Type')).toContain('application/fhir+json');
  const bundle = (await answer.json()) as Bundle;
  expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection' });
  expect(Date.parse(bundle.timestamp!)).toBeLessThanOrEqual(Date.now());
  const [brand, endpoint] = bundle.entry!.map(({ resource }) => resource) as [Organization, Endpoint];
  expect(brand).toMatchObject({
    resourceType: 'Organization',
    name: 'Harbour Clinic',
    identifier: [smart.user_access_brand_identifier],
  });
  expect(brand.telecom).toEqual([{ system: 'url', value: server.url }]);
  expect(endpoint).toMatchObject({
    resourceType: 'Endpoint',
    status: 'active',
    address: server.fhir,
    connectionType: { code: 'hl7-fhir-rest' },
  });
  expect(endpoint.extension).toContainEqual({
    url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version',
    valueCode: '4.0.1',
  });
  // Every reference is answered inside the bundle (also that of the portal).
  const urls = bundle.entry!.map(({ fullUrl }) => fullUrl);
  const portal = brand.extension![0]!.extension!.find(({ url }) => url === 'portalEndpoint');
  for (const reference of [
    brand.endpoint![0]!.reference,
    portal!.valueReference!.reference,
    endpoint.managingOrganization!.reference,
  ])
    expect(urls).toContain(reference);
});

test('each resource of it is valid R4', async () => {
  const { entry } = (await (await get()).json()) as Bundle;
  const token = await server.backend();
  for (const { resource } of entry!) {
    const { meta: _profile, ...plain } = resource!; // the profiles are not on this server
    const answer = await fetch(`${server.fhir}/${resource!.resourceType}/$validate`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json' },
      body: JSON.stringify(plain),
    });
    const text = await answer.text();
    expect([answer.status, text.includes('"severity":"error"')]).toEqual([200, false]);
  }
});

test('it is read by any page, kept by its weak tag, and the same in every process', async () => {
  const first = await get({ Origin: 'https://some.app' });
  expect(first.headers.get('Access-Control-Allow-Origin')).toBe('*');
  const tag = first.headers.get('ETag')!;
  expect(tag).toMatch(/^W\/"/);
  expect((await get({ 'If-None-Match': tag })).status).toBe(304);
  const preflight = await fetch(smart.user_access_brand_bundle, {
    method: 'OPTIONS',
    headers: {
      Origin: 'https://some.app',
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'if-none-match',
    },
  });
  expect(preflight.headers.get('Access-Control-Allow-Headers')?.toLowerCase()).toContain('if-none-match');
  const other = await startTestServer({ workers: false, beside: server, environment: { SITE_NAME: 'Harbour Clinic' } });
  try {
    expect((await fetch(`${other.url}/smart/brands.json`)).headers.get('ETag')).toBe(tag);
  } finally {
    await other.stop();
  }
});

test('the CapabilityStatement names the release', async () => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  const statement = (await (await fetch(`${server.fhir}/metadata`)).json()) as CapabilityStatement;
  expect(statement.software).toMatchObject({ version });
});

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CodeSystem, OperationDefinition, Resource, SearchParameter } from '@medplum/fhirtypes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keepDefinitions, type Definition } from '../../server/core/records/own-definitions.ts';
import { ownParameters } from '../../server/core/search/own-search-parameters.ts';
import { profileOf } from '../../server/core/validation/profiles.ts';
import { validationIssues } from '../../server/core/validation/validate.ts';
import { canonical } from '../../server/core/vocabulary/systems.ts';
import { operations } from '../../server/fhir/operations/operations.ts';
import { codeSystems } from '../../scripts/code-systems-fsh.ts';
import { fhirServer, type FhirServer } from './server.ts';

// What the server says of itself, as records: made from FSH, sound by R4, loaded once, written by nobody else.
const root = join(import.meta.dirname, '../..');
const folder = join(root, 'fhir-profiles/resources');
const definitions = readdirSync(folder).map(
  (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Definition,
);
const ofType = <T extends Resource>(type: T['resourceType']): T[] =>
  definitions.filter(({ resourceType }) => resourceType === type) as unknown as T[];
const urlOf = (one: Resource): string => (one as unknown as { url: string }).url;

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
  await keepDefinitions(server.world, definitions);
});
afterAll(() => server.close());

describe('fhir-profiles', () => {
  test('the committed JSON and the table of the server are what SUSHI makes of the FSH, without a network', async () => {
    // Any socket ends the compiler.
    const noNetwork = `import net from 'node:net'; net.Socket.prototype.connect = () => { console.error('a socket'); process.exit(9); };`;
    const barred = `data:text/javascript,${encodeURIComponent(noNetwork)}`;
    const made = promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', '--import', barred, 'scripts/build-profiles.ts', '--check'], { cwd: root }); // prettier-ignore
    expect(await made.catch((error: { stdout: string; stderr: string }) => error)).toMatchObject({ stdout: '', stderr: '' });
  }, 240_000); // seconds, and minutes on a machine that has other things to do

  test('every definition is sound by the rules of R4, and lies at its address', () => {
    expect(definitions.flatMap((one) => validationIssues(one).map(({ message, expression }) => `${one.id} ${expression}: ${message}`))).toEqual([]);
    expect(definitions.map(urlOf)).toEqual(definitions.map(({ resourceType, id }) => `${canonical}/${resourceType}/${id}`));
  });

  test('the code systems say what the server writes, word for word', () => {
    const published = ofType<CodeSystem>('CodeSystem').map(({ url, concept }) => [url, Object.fromEntries(concept!.map(({ code, display }) => [code, display]))]);
    expect(Object.fromEntries(published)).toEqual(Object.fromEntries(codeSystems.map(({ url, codes }) => [url, codes])));
  });

  test('the search parameters are those of the server', () => {
    const published = ofType<SearchParameter>('SearchParameter').flatMap(({ base, code, type, expression, target }) =>
      base!.map((one) => {
        const paths = expression!.split(' | ').filter((term) => term.startsWith(`${one}.`)).map((term) => term.slice(one!.length + 1));
        return [`${one}.${code}`, { type, path: paths.join(' | '), ...(target && { target }) }];
      }),
    );
    const { Resource: _common, ...ours } = ownParameters;
    const used = Object.entries(ours).flatMap(([type, all]) => Object.entries(all).map(([code, entry]) => [`${type}.${code}`, entry]));
    expect(Object.fromEntries(published)).toEqual(Object.fromEntries(used));
  });

  test('every operation of the server is defined, with its address, type and level', () => {
    const published = new Map(ofType<OperationDefinition>('OperationDefinition').map((one) => [one.url!, one]));
    for (const { type, name, level, definition } of operations) {
      expect(definition).toBe(`${canonical}/OperationDefinition/${type}-${name}`);
      expect(published.get(definition), definition).toMatchObject({ code: name, resource: [type], system: false, type: level === 'type', instance: level === 'instance' });
    }
  });
}); // prettier-ignore

describe('as records', () => {
  test('each is read by its id and found by its canonical address', async () => {
    for (const one of definitions) {
      const { id, resourceType } = one;
      const read = await server.call('GET', `/${resourceType}/${id}`);
      expect([read.status, read.json.url]).toEqual([200, urlOf(one)]);
      const found = await server.call('GET', `/${resourceType}?url=${encodeURIComponent(urlOf(one))}`);
      expect(found.json.entry?.map((entry: { resource: Resource }) => entry.resource.id), id).toEqual([id]);
    }
  });

  test('loading again writes nothing; a changed one gets a version, however many processes start at once', async () => {
    expect(await keepDefinitions(server.world, definitions)).toBe(0);
    const changed = definitions.map((one) => (one.id === 'instance-uid' ? { ...one, version: '9' } : one) as Definition);
    const written = await Promise.all([1, 2, 3, 4].map(() => keepDefinitions(server.world, changed)));
    expect(written.sort()).toEqual([0, 0, 0, changed.filter(({ id }) => id === 'instance-uid').length]);
    expect((await server.call('GET', '/StructureDefinition/instance-uid')).json.meta.versionId).toBe('2');
    await keepDefinitions(server.world, definitions);
  });

  test('no client changes, deletes or takes the address of one; a definition of its own it may keep', async () => {
    for (const type of ['StructureDefinition', 'CodeSystem', 'ValueSet', 'SearchParameter', 'OperationDefinition'] as const) {
      const [one] = ofType(type) as (Resource & { id: string })[];
      const before = (await server.call('GET', `/${type}/${one!.id}`)).text;
      const { meta: _meta, ...content } = JSON.parse(before) as Definition;
      const tries = [
        server.call('PUT', `/${type}/${one!.id}`, { body: { ...content, status: 'retired' } }),
        server.call('PUT', `/${type}/${one!.id}`, { body: { ...content, url: 'https://other.example/x' } }),
        server.call('PATCH', `/${type}/${one!.id}`, { body: [{ op: 'replace', path: '/status', value: 'retired' }], type: 'application/json-patch+json' }),
        server.call('DELETE', `/${type}/${one!.id}`),
        server.call('POST', `/${type}`, { body: content }),
      ];
      for (const { status, json } of await Promise.all(tries)) {
        expect(status, type).toBe(403);
        expect(json.issue[0].diagnostics).toContain('Give your own an address of yours');
      }
      expect((await server.call('GET', `/${type}/${one!.id}`)).text).toBe(before);
    }
    const own = { resourceType: 'CodeSystem', url: 'https://other.example/fhir/CodeSystem/x', status: 'active', content: 'complete' };
    expect((await server.call('POST', '/CodeSystem', { body: own })).status).toBe(201);
  });

  test('the CapabilityStatement names the profiles, the operations and what defines its parameters', async () => {
    const { json } = await server.call('GET', '/metadata', { as: null });
    const profiles = json.rest[0].resource.flatMap((one: { supportedProfile?: string[] }) => one.supportedProfile ?? []);
    expect(profiles.filter((one: string) => one.startsWith(canonical)).sort()).toEqual(ofType('StructureDefinition').map(urlOf).filter((url) => profileOf(url)).sort());
    const task = json.rest[0].resource.find((one: { type: string }) => one.type === 'Task');
    expect(task.supportedProfile).toContain(`${canonical}/StructureDefinition/step-task`);
    expect(task.searchParam).toContainEqual({ name: 'output', type: 'reference', definition: `${canonical}/SearchParameter/Task-output` });
  });
}); // prettier-ignore

describe('$validate', () => {
  const profile = `${canonical}/StructureDefinition/dicomweb-endpoint`;
  const extension = [{ url: 'http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token', valueBoolean: true }]; // prettier-ignore
  const endpoint = {
    resourceType: 'Endpoint', status: 'active', payloadType: [{ text: 'any' }], payloadMimeType: ['application/dicom'], address: 'https://x.example/dicomweb', extension,
    connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'dicom-wado-rs' },
  }; // prettier-ignore
  const { extension: _none, ...open } = endpoint;
  const asked = async (body: object, query = '') => {
    const reply = await server.call('POST', `/Endpoint/$validate${query}`, { body });
    expect(reply.status).toBe(200);
    return (reply.json.issue as { severity: string; diagnostics: string }[]).map(
      ({ severity, diagnostics }) => `${severity} ${diagnostics}`,
    );
  };
  const parameters = (resource: object, name: string) => ({
    resourceType: 'Parameters',
    parameter: [
      { name: 'resource', resource },
      { name: 'profile', valueUri: name },
    ],
  });

  test('checks the profile in the address, in the Parameters and in the resource itself', async () => {
    const query = `?profile=${encodeURIComponent(profile)}`;
    expect(await asked(endpoint, query)).toEqual(['information The resource is valid']);
    const refused = [expect.stringContaining('error Endpoint: endpoint-token:') as unknown];
    expect(await asked(open, query)).toEqual(refused);
    expect(await asked(parameters(open, `${profile}|0.1.0`))).toEqual(refused);
    expect(await asked({ ...open, meta: { profile: [profile] } })).toEqual(refused);
    expect(await asked(open)).toEqual(['information The resource is valid']);
  });

  test('says so when a profile is unknown: an error for the one that is asked for, else a warning', async () => {
    const unknown = 'https://other.example/StructureDefinition/x';
    expect(await asked(parameters(endpoint, unknown))).toEqual([expect.stringMatching(/^error A profile is named/)]);
    expect(await asked({ ...endpoint, meta: { profile: [unknown] } })).toEqual([expect.stringMatching(/^warning /)]);
    const r4 = 'http://hl7.org/fhir/StructureDefinition/';
    expect(await asked(parameters(endpoint, `${r4}Endpoint`))).toEqual(['information The resource is valid']);
    expect(await asked(parameters(endpoint, `${r4}Patient`))).toEqual([expect.stringMatching(/^error A profile is named/)]);
    const ofTask = `${canonical}/StructureDefinition/step-task`;
    expect(await asked(parameters(endpoint, ofTask))).toEqual([expect.stringMatching(/^error Endpoint: must be a Task/)]);
  }); // prettier-ignore
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer, type Loose } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
  server.callers.set('reader', caller('system/Patient.rs', { kind: 'client' }));
});
afterAll(() => server.close());

const post = (type: string, ...entry: object[]) =>
  server.call('POST', '/', { body: { resourceType: 'Bundle', type, entry } });
const request = (method: string, url: string, resource?: object, extra: object = {}, fullUrl?: string) => ({
  ...(fullUrl && { fullUrl }),
  ...(resource && { resource }),
  request: { method, url, ...extra },
});
const patient = (extra: object = {}) => ({ resourceType: 'Patient', ...extra });
const identified = (value: string) => patient({ identifier: [{ system: 'urn:t', value }] });
const count = async (query: string): Promise<number> =>
  (await server.call('GET', `/${query}&_summary=count`)).json.total;
const uuid = (n: number) => `urn:uuid:00000000-0000-4000-8000-00000000000${n}`;

describe('transaction', () => {
  test('creates records that refer to each other, and answers in the order of the request', async () => {
    const observation = {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      identifier: [{ system: 'urn:ietf:rfc:3986', value: uuid(1) }],
      subject: { reference: uuid(1) },
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${uuid(1)}">p</a></div>` },
      extension: [{ url: 'urn:e', valueUri: uuid(1) }],
    };
    const reply = await post(
      'transaction',
      request('GET', 'Patient?_id=none'),
      request('POST', 'Observation', observation, {}, uuid(2)),
      request('POST', 'Patient', identified('tx1'), {}, uuid(1)),
    );
    expect(reply.status, reply.text).toBe(200);
    expect(reply.json.type).toBe('transaction-response');
    const [found, stored, made] = reply.json.entry;
    expect(found.resource.type).toBe('searchset');
    expect(stored.response).toMatchObject({ status: '201 Created', etag: 'W/"1"' });
    expect(stored.response.location).toMatch(/\/Observation\/[^/]+\/_history\/1$/);
    const name = `Patient/${made.resource.id}`;
    expect(stored.resource.subject.reference).toBe(name);
    expect(stored.resource.extension[0].valueUri).toBe(name);
    expect(stored.resource.text.div).toContain(`href="${name}"`);
    expect(stored.resource.identifier[0].value).toBe(uuid(1));
  });

  test('stores nothing when one entry fails, and names it', async () => {
    const reply = await post(
      'transaction',
      request('POST', 'Patient', identified('atomic')),
      request('POST', 'Observation', { resourceType: 'Observation' }),
    );
    expect([reply.status, reply.json.resourceType, reply.json.issue[0].expression]).toEqual([
      400,
      'OperationOutcome',
      ['Bundle.entry[1]'],
    ]);
    expect(await count('Patient?identifier=urn:t|atomic')).toBe(0);
  });

  test('deletes first, then creates, then updates, then reads', async () => {
    await server.put({ resourceType: 'Patient', id: 'tx-old', identifier: [{ system: 'urn:t', value: 'order' }] });
    await server.put({ resourceType: 'Patient', id: 'tx-up' });
    const reply = await post(
      'transaction',
      request('GET', 'Patient?identifier=urn:t|order'),
      request('PUT', 'Patient/tx-up', patient({ id: 'tx-up', active: true })),
      request('POST', 'Patient', identified('order'), { ifNoneExist: 'identifier=urn:t|order' }),
      request('DELETE', 'Patient/tx-old'),
    );
    expect(reply.json.entry.map((entry: Loose) => entry.response.status)).toEqual([
      '200 OK',
      '200 OK',
      '201 Created',
      '204 No Content',
    ]);
    expect(reply.json.entry[0].resource.entry).toHaveLength(1);
    expect(reply.json.entry[0].resource.entry[0].resource.id).toBe(reply.json.entry[2].resource.id);
  });

  test('understands ifNoneExist, ifMatch, conditional updates and references', async () => {
    await server.put({ resourceType: 'Patient', id: 'tx-known', identifier: [{ system: 'urn:t', value: 'known' }] });
    const observation = (reference: string) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference },
    });
    const reply = await post(
      'transaction',
      request('POST', 'Patient', identified('known'), { ifNoneExist: 'identifier=urn:t|known' }, uuid(3)),
      request('POST', 'Observation', observation(uuid(3))),
      request('POST', 'Observation', observation('Patient?identifier=urn:t|known')),
      request('PUT', 'Device?identifier=urn:t|dev', {
        resourceType: 'Device',
        identifier: [{ system: 'urn:t', value: 'dev' }],
        patient: { reference: uuid(3) },
      }),
    );
    expect(reply.status, reply.text).toBe(200);
    expect(reply.json.entry.map((entry: Loose) => entry.response.status)).toEqual([
      '200 OK',
      '201 Created',
      '201 Created',
      '201 Created',
    ]);
    for (const index of [1, 2]) expect(reply.json.entry[index].resource.subject.reference).toBe('Patient/tx-known');
    expect(reply.json.entry[3].resource.patient.reference).toBe('Patient/tx-known');
    const stale = await post(
      'transaction',
      request('PUT', 'Patient/tx-known', patient({ id: 'tx-known' }), { ifMatch: 'W/"9"' }),
    );
    expect(stale.status).toBe(412);
    const unknown = await post(
      'transaction',
      request('POST', 'Observation', observation('Patient?identifier=urn:t|nobody')),
    );
    expect(unknown.status).toBe(412);
    const dangling = await post('transaction', request('POST', 'Observation', observation(uuid(9))));
    expect(dangling.status).toBe(400);
  });

  test('refuses one record in two entries', async () => {
    await server.put({ resourceType: 'Patient', id: 'tx-twice' });
    const twice = await post(
      'transaction',
      request('PUT', 'Patient/tx-twice', patient({ id: 'tx-twice', active: true })),
      request('DELETE', 'Patient/tx-twice'),
    );
    expect(twice.status).toBe(400);
    const same = await post(
      'transaction',
      request('POST', 'Patient', patient(), {}, uuid(4)),
      request('POST', 'Patient', patient(), {}, uuid(4)),
    );
    expect(same.status).toBe(400);
  });

  test('patches with JSON Patch in a Binary and with Parameters', async () => {
    await server.put({ resourceType: 'Patient', id: 'tx-patch' });
    const data = Buffer.from(JSON.stringify([{ op: 'add', path: '/active', value: true }])).toString('base64');
    const reply = await post(
      'transaction',
      request('PATCH', 'Patient/tx-patch', {
        resourceType: 'Binary',
        contentType: 'application/json-patch+json',
        data,
      }),
    );
    expect(reply.json.entry?.[0].resource, reply.text).toMatchObject({ active: true, meta: { versionId: '2' } });
  });

  test('holds under concurrent writers of the same records', async () => {
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, n) => {
        const a = request('POST', 'Patient', identified('left'), { ifNoneExist: 'identifier=urn:t|left' }, uuid(5));
        const b = request('POST', 'Patient', identified('right'), { ifNoneExist: 'identifier=urn:t|right' }, uuid(6));
        return post('transaction', ...(n % 2 === 0 ? [a, b] : [b, a]));
      }),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect([await count('Patient?identifier=urn:t|left'), await count('Patient?identifier=urn:t|right')]).toEqual([
      1, 1,
    ]);
  });

  test('judges every entry by the scopes of the token', async () => {
    const body = { resourceType: 'Bundle', type: 'transaction', entry: [request('POST', 'Patient', patient())] };
    expect((await server.call('POST', '/', { body, as: 'reader' })).status).toBe(403);
  });
});

describe('batch', () => {
  test('answers each entry by itself', async () => {
    const reply = await post(
      'batch',
      request('POST', 'Patient', identified('batch')),
      request('POST', 'Patient', { resourceType: 'Patient', gender: 'nonsense' }),
      request('GET', 'Patient/nobody'),
      request('GET', 'Patient?identifier=urn:t|batch'),
      request('GET', 'Nonsense/1'),
      request('DELETE', 'Patient/nobody'),
      request('EXPLODE', 'Patient/1'),
      {},
      request('GET', 'metadata'),
    );
    expect([reply.status, reply.json.type]).toEqual([200, 'batch-response']);
    expect(reply.json.entry.map((entry: Loose) => entry.response.status.slice(0, 3))).toEqual([
      '201',
      '400',
      '404',
      '200',
      '404',
      '204',
      '400',
      '400',
      '404',
    ]);
    expect(reply.json.entry[1].response.outcome.issue[0].code).toBe('code-invalid');
  });

  test('reads history, versions, compartments and what is fresh', async () => {
    await server.put({ resourceType: 'Patient', id: 'b1' });
    const reply = await post(
      'batch',
      request('GET', 'Patient/b1/_history'),
      request('GET', 'Patient/b1/_history/1'),
      request('GET', 'Patient/b1', undefined, { ifNoneMatch: 'W/"1"' }),
      request('GET', 'Patient/b1/Task'),
      request('POST', 'Patient/$validate', patient()),
    );
    expect(reply.json.entry.map((entry: Loose) => entry.response.status.slice(0, 3))).toEqual([
      '200',
      '200',
      '304',
      '200',
      '200',
    ]);
    expect(reply.json.entry[1].fullUrl).toBe(`${server.base}/Patient/b1`);
  });

  test('judges every entry by the scopes of the token', async () => {
    const body = {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        request('POST', 'Patient', patient()),
        request('GET', 'Observation?code=x'),
        request('GET', 'Patient?_count=1'),
      ],
    };
    const reply = await server.call('POST', '/', { body, as: 'reader' });
    expect(reply.json.entry.map((entry: Loose) => entry.response.status.slice(0, 3))).toEqual(['403', '403', '200']);
  });
});

test.each([
  ['a searchset', { resourceType: 'Bundle', type: 'searchset' }],
  ['no Bundle', { resourceType: 'Patient' }],
  ['a type that is a trap', { resourceType: 'Bundle', type: 'constructor' }],
  ['entries that are no list', { resourceType: 'Bundle', type: 'batch', entry: {} }],
  ['too many entries', { resourceType: 'Bundle', type: 'batch', entry: Array(1001).fill({}) }],
])('refuses %s posted to the base', async (_name, body) => {
  const reply = await server.call('POST', '/', { body });
  expect([reply.status, reply.json.resourceType]).toEqual([400, 'OperationOutcome']);
});

test('gives back no more than Prefer asks for', async () => {
  const entry = [request('POST', 'Patient', patient()), request('GET', 'Patient?_count=1')];
  const body = { resourceType: 'Bundle', type: 'transaction', entry };
  const reply = await server.call('POST', '/', { body, headers: { Prefer: 'return=minimal' } });
  expect(reply.json.entry.map((one: Loose) => [one.response.status, Boolean(one.resource)])).toEqual([
    ['201 Created', false],
    ['200 OK', true],
  ]);
});

test('an empty transaction is one', async () => {
  expect((await post('transaction')).json).toMatchObject({ type: 'transaction-response' });
  expect(server.faults).toEqual([]);
});

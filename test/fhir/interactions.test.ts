import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fhirServer, type FhirServer, type Loose } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
});
afterAll(() => server.close());

const patient = (extra: object = {}) => ({ resourceType: 'Patient', name: [{ family: 'Muster' }], ...extra });

async function created(extra: object = {}) {
  const reply = await server.call('POST', '/Patient', { body: patient(extra) });
  expect(reply.status, reply.text).toBe(201);
  return reply.json as { id: string; meta: { versionId: string } };
}

describe('create', () => {
  test('answers 201 with the version in Location, an ETag, and a server id', async () => {
    const reply = await server.call('POST', '/Patient', { body: patient({ id: 'mine', meta: { versionId: '9' } }) });
    expect(reply.status).toBe(201);
    expect(reply.json.id).not.toBe('mine');
    expect(reply.headers.get('Location')).toBe(`${server.base}/Patient/${reply.json.id}/_history/1`);
    expect(reply.headers.get('ETag')).toBe('W/"1"');
    expect(Date.parse(reply.headers.get('Last-Modified')!)).not.toBeNaN();
    expect(reply.json.meta.versionId).toBe('1');
    expect(reply.headers.get('Content-Type')).toBe('application/fhir+json; charset=utf-8');
  });

  test('gives what Prefer asks for', async () => {
    const minimal = await server.call('POST', '/Patient', { body: patient(), headers: { Prefer: 'return=minimal' } });
    expect([minimal.status, minimal.text]).toEqual([201, '']);
    expect(minimal.headers.get('Location')).toContain('/_history/1');
    const outcome = await server.call('POST', '/Patient', {
      body: patient(),
      headers: { Prefer: 'return=OperationOutcome' },
    });
    expect([outcome.status, outcome.json.resourceType]).toEqual([201, 'OperationOutcome']);
  });

  test('refuses a body of another type than the address', async () => {
    const reply = await server.call('POST', '/Observation', { body: patient() });
    expect([reply.status, reply.json.resourceType]).toEqual([400, 'OperationOutcome']);
  });
});

describe('conditional create', () => {
  test('creates once, finds once, and refuses when several match', async () => {
    const body = patient({ identifier: [{ system: 'urn:x', value: 'once' }] });
    const headers = { 'If-None-Exist': 'identifier=urn:x|once' };
    const first = await server.call('POST', '/Patient', { body, headers });
    const second = await server.call('POST', '/Patient', { body, headers });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json.id).toBe(first.json.id);
    await created({ identifier: [{ system: 'urn:x', value: 'once' }] });
    const third = await server.call('POST', '/Patient', { body, headers });
    expect([third.status, third.json.issue[0].code]).toEqual([412, 'multiple-matches']);
  });

  test('makes one record of eight at the same time', async () => {
    const body = patient({ identifier: [{ system: 'urn:x', value: 'race' }] });
    const replies = await Promise.all(
      Array.from({ length: 8 }, () =>
        server.call('POST', '/Patient', { body, headers: { 'If-None-Exist': 'identifier=urn:x|race' } }),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(replies.map(({ json }) => json.id)).size).toBe(1);
  });

  test('refuses criteria that say nothing', async () => {
    for (const criteria of ['_count=1', 'nonsense=1', '']) {
      const reply = await server.call('POST', '/Patient', { body: patient(), headers: { 'If-None-Exist': criteria } });
      expect(reply.status, criteria).toBe(criteria === '' ? 201 : 400);
    }
  });
});

describe('read', () => {
  test('reads, and knows what the client has already', async () => {
    const { id } = await created();
    const reply = await server.call('GET', `/Patient/${id}`);
    expect([reply.status, reply.headers.get('ETag')]).toEqual([200, 'W/"1"']);
    expect((await server.call('GET', `/Patient/${id}`, { headers: { 'If-None-Match': 'W/"1"' } })).status).toBe(304);
    expect((await server.call('GET', `/Patient/${id}`, { headers: { 'If-None-Match': 'W/"2"' } })).status).toBe(200);
    const modified = reply.headers.get('Last-Modified')!;
    expect((await server.call('GET', `/Patient/${id}`, { headers: { 'If-Modified-Since': modified } })).status).toBe(
      304,
    );
    const head = await server.call('HEAD', `/Patient/${id}`);
    expect([head.status, head.text, head.headers.get('ETag')]).toEqual([200, '', 'W/"1"']);
  });

  test('marks a part of a resource as one', async () => {
    const { id } = await created({ birthDate: '1970-02-03' });
    const reply = await server.call('GET', `/Patient/${id}?_elements=birthDate`);
    expect(Object.keys(reply.json).sort()).toEqual(['birthDate', 'id', 'meta', 'resourceType']);
    expect(reply.json.meta.tag[0].code).toBe('SUBSETTED');
  });

  test('tells not found, never was, and deleted apart', async () => {
    expect((await server.call('GET', '/Patient/none')).json.issue[0].code).toBe('not-found');
    const { id } = await created();
    expect((await server.call('DELETE', `/Patient/${id}`)).status).toBe(204);
    expect((await server.call('DELETE', `/Patient/${id}`)).status).toBe(204);
    const gone = await server.call('GET', `/Patient/${id}`);
    expect([gone.status, gone.json.issue[0].code]).toEqual([410, 'deleted']);
    expect((await server.call('GET', `/Patient/${id}/_history/1`)).status).toBe(200);
    expect((await server.call('GET', `/Patient/${id}/_history/2`)).status).toBe(410);
    for (const version of ['3', '0', 'x', '-1', '99999999999']) {
      expect((await server.call('GET', `/Patient/${id}/_history/${version}`)).status, version).toBe(404);
    }
    expect((await server.call('DELETE', '/Patient/never-was')).status).toBe(204);
  });
});

describe('update', () => {
  test('makes the next version, guarded by If-Match', async () => {
    const { id } = await created();
    const body = patient({ id, gender: 'female' });
    expect((await server.call('PUT', `/Patient/${id}`, { body, headers: { 'If-Match': 'W/"7"' } })).status).toBe(412);
    const reply = await server.call('PUT', `/Patient/${id}`, { body, headers: { 'If-Match': 'W/"1"' } });
    expect([reply.status, reply.headers.get('ETag')]).toEqual([200, 'W/"2"']);
    expect((await server.call('PUT', `/Patient/${id}`, { body, headers: { 'If-Match': 'three' } })).status).toBe(400);
  });

  test('wants the id of the address in the body', async () => {
    const { id } = await created();
    expect((await server.call('PUT', `/Patient/${id}`, { body: patient() })).status).toBe(400);
    expect((await server.call('PUT', `/Patient/${id}`, { body: patient({ id: 'other' }) })).status).toBe(400);
  });

  test('creates under the id of a client, and brings back what was deleted', async () => {
    const body = patient({ id: 'chosen' });
    expect((await server.call('PUT', '/Patient/chosen', { body })).status).toBe(201);
    await server.call('DELETE', '/Patient/chosen');
    const again = await server.call('PUT', '/Patient/chosen', { body });
    expect([again.status, again.headers.get('ETag')]).toEqual([201, 'W/"3"']);
  });

  test('only creates when If-None-Match says so', async () => {
    const body = patient({ id: 'only-new' });
    const headers = { 'If-None-Match': '*' };
    const replies = await Promise.all([1, 2, 3].map(() => server.call('PUT', '/Patient/only-new', { body, headers })));
    expect(replies.map(({ status }) => status).sort()).toEqual([201, 412, 412]);
  });

  test('finds what it updates by criteria', async () => {
    const body = patient({ identifier: [{ system: 'urn:x', value: 'cond' }] });
    const first = await server.call('PUT', '/Patient?identifier=urn:x|cond', { body });
    expect(first.status).toBe(201);
    const second = await server.call('PUT', '/Patient?identifier=urn:x|cond', { body: { ...body, gender: 'male' } });
    expect([second.status, second.json.id, second.json.gender]).toEqual([200, first.json.id, 'male']);
    expect(
      (await server.call('PUT', '/Patient?identifier=urn:x|cond', { body: { ...body, id: 'other' } })).status,
    ).toBe(400);
    expect((await server.call('PUT', '/Patient', { body })).status).toBe(400);
    const removed = await server.call('DELETE', '/Patient?identifier=urn:x|cond');
    expect(removed.status).toBe(204);
    expect((await server.call('GET', `/Patient/${first.json.id}`)).status).toBe(410);
  });

  test('never deletes several by criteria', async () => {
    await created({ identifier: [{ system: 'urn:x', value: 'twice' }] });
    await created({ identifier: [{ system: 'urn:x', value: 'twice' }] });
    expect((await server.call('DELETE', '/Patient?identifier=urn:x|twice')).status).toBe(412);
  });
});

describe('patch', () => {
  const jsonPatch = 'application/json-patch+json';

  test('applies a JSON Patch under If-Match and says so in history', async () => {
    const { id } = await created();
    const body = JSON.stringify([{ op: 'add', path: '/gender', value: 'other' }]);
    expect(
      (await server.call('PATCH', `/Patient/${id}`, { body, type: jsonPatch, headers: { 'If-Match': 'W/"5"' } }))
        .status,
    ).toBe(412);
    const reply = await server.call('PATCH', `/Patient/${id}`, {
      body,
      type: jsonPatch,
      headers: { 'If-Match': 'W/"1"' },
    });
    expect([reply.status, reply.json.gender, reply.headers.get('ETag')]).toEqual([200, 'other', 'W/"2"']);
    const history = await server.call('GET', `/Patient/${id}/_history`);
    expect(history.json.entry.map((entry: Loose) => entry.request.method)).toEqual(['PATCH', 'POST']);
  });

  test.each([
    [
      'a failing test',
      [
        { op: 'test', path: '/gender', value: 'male' },
        { op: 'add', path: '/gender', value: 'other' },
      ],
      409,
    ],
    ['a path that is not there', [{ op: 'replace', path: '/nothing/here', value: 1 }], 409],
    ['a change of the id', [{ op: 'replace', path: '/id', value: 'x' }], 400],
    ['a change of the type', [{ op: 'replace', path: '/resourceType', value: 'Group' }], 400],
    ['an invalid outcome', [{ op: 'add', path: '/gender', value: 'nonsense' }], 400],
    ['no array', { op: 'add' }, 400],
    ['an unknown operation', [{ op: 'explode', path: '/' }], 400],
    ['a prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 409],
    ['a replaced root', [{ op: 'replace', path: '', value: null }], 409],
    ['a doubling document', Array.from({ length: 22 }, () => ({ op: 'copy', from: '', path: '/x' })), 400],
  ])('refuses %s and changes nothing', async (_name, operations, status) => {
    const { id } = await created();
    const reply = await server.call('PATCH', `/Patient/${id}`, { body: JSON.stringify(operations), type: jsonPatch });
    expect([reply.status, reply.json.resourceType], reply.text).toEqual([status, 'OperationOutcome']);
    expect((await server.call('GET', `/Patient/${id}`)).headers.get('ETag')).toBe('W/"1"');
  });

  test('applies a FHIRPath Patch', async () => {
    const { id } = await created({
      telecom: [
        { system: 'phone', value: '1' },
        { system: 'phone', value: '2' },
      ],
    });
    const operation = (...parts: object[]) => ({ name: 'operation', part: parts });
    const part = (name: string, value: object) => ({ name, ...value });
    const body = {
      resourceType: 'Parameters',
      parameter: [
        operation(
          part('type', { valueCode: 'add' }),
          part('path', { valueString: 'Patient' }),
          part('name', { valueString: 'birthDate' }),
          part('value', { valueDate: '1930-01-01' }),
        ),
        operation(
          part('type', { valueCode: 'replace' }),
          part('path', { valueString: 'Patient.name[0].family' }),
          part('value', { valueString: 'Neu' }),
        ),
        operation(
          part('type', { valueCode: 'delete' }),
          part('path', { valueString: "Patient.telecom.where(value = '1')" }),
        ),
        operation(
          part('type', { valueCode: 'insert' }),
          part('path', { valueString: 'Patient.telecom' }),
          part('index', { valueInteger: 1 }),
          part('value', { valueContactPoint: { system: 'email', value: 'a@b.example' } }),
        ),
        operation(
          part('type', { valueCode: 'move' }),
          part('path', { valueString: 'Patient.telecom' }),
          part('source', { valueInteger: 1 }),
          part('destination', { valueInteger: 0 }),
        ),
      ],
    };
    const reply = await server.call('PATCH', `/Patient/${id}`, { body });
    expect(reply.status, reply.text).toBe(200);
    expect(reply.json).toMatchObject({ birthDate: '1930-01-01', name: [{ family: 'Neu' }] });
    expect(reply.json.telecom.map((one: Loose) => one.value)).toEqual(['a@b.example', '2']);
    const wrong = {
      resourceType: 'Parameters',
      parameter: [
        operation(
          part('type', { valueCode: 'replace' }),
          part('path', { valueString: 'Patient.photo' }),
          part('value', { valueString: 'x' }),
        ),
      ],
    };
    expect((await server.call('PATCH', `/Patient/${id}`, { body: wrong })).status).toBe(409);
  });

  test('finds what it patches by criteria, and refuses other media types', async () => {
    const { id } = await created({ identifier: [{ system: 'urn:x', value: 'patch' }] });
    const body = JSON.stringify([{ op: 'add', path: '/active', value: true }]);
    expect((await server.call('PATCH', '/Patient?identifier=urn:x|patch', { body, type: jsonPatch })).json.id).toBe(id);
    expect((await server.call('PATCH', '/Patient?identifier=urn:x|nobody', { body, type: jsonPatch })).status).toBe(
      404,
    );
    expect((await server.call('PATCH', `/Patient/${id}`, { body, type: 'application/json' })).status).toBe(415);
  });
});

describe('history', () => {
  test('lists versions newest first, page by page', async () => {
    const { id } = await created();
    await server.call('PUT', `/Patient/${id}`, { body: patient({ id, active: true }) });
    await server.call('DELETE', `/Patient/${id}`);
    const all = await server.call('GET', `/Patient/${id}/_history`);
    expect(all.json.type).toBe('history');
    expect(
      all.json.entry.map((entry: Loose) => [entry.request.method, entry.response.etag, Boolean(entry.resource)]),
    ).toEqual([
      ['DELETE', 'W/"3"', false],
      ['PUT', 'W/"2"', true],
      ['POST', 'W/"1"', true],
    ]);
    const first = await server.call('GET', `/Patient/${id}/_history?_count=2`);
    const next = first.json.link.find((link: Loose) => link.relation === 'next').url;
    const rest = await server.call('GET', next);
    expect(rest.json.entry.map((entry: Loose) => entry.response.etag)).toEqual(['W/"1"']);
    const since = await server.call('GET', `/Patient/${id}/_history?_since=2100-01-01T00:00:00Z`);
    expect([since.status, since.json.entry]).toEqual([200, undefined]);
    expect((await server.call('GET', `/Patient/${id}/_history?_since=yesterday`)).status).toBe(400);
    expect((await server.call('GET', `/Patient/${id}/_history?_page=rubbish`)).status).toBe(400);
    expect((await server.call('GET', '/Patient/none/_history')).status).toBe(404);
  });

  test('covers types and the whole server', async () => {
    expect((await server.call('GET', '/Patient/_history?_count=3')).json.entry).toHaveLength(3);
    expect((await server.call('GET', '/_history?_count=3')).json.entry).toHaveLength(3);
  });
});

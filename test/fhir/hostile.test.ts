import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer({ limit: 200_000 });
  server.callers.set('no-scopes', caller('user/Nothing.rs', { role: 'doctor' }));
  server.callers.set('no-patient', caller('patient/*.cruds', { role: 'doctor' }));
  await server.put({ resourceType: 'Patient', id: 'a', active: true });
});
afterAll(() => server.close());

describe('a caller', () => {
  test('without a token is told how to get in, as an OperationOutcome', async () => {
    const reply = await server.call('GET', '/Patient/a', { as: null });
    expect([reply.status, reply.json.issue[0].code]).toEqual([401, 'login']);
    expect(reply.headers.get('WWW-Authenticate')).toMatch(/^Bearer realm="[^"]+"$/);
  });

  test('with a wrong token learns that it is wrong', async () => {
    const reply = await server.call('GET', '/Patient/a', { as: 'stolen' });
    expect(reply.status).toBe(401);
    expect(reply.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
    expect((await server.call('GET', '/Patient/a?access_token=all', { as: null })).status).toBe(401);
  });

  test('without a scope, or with a patient scope without a patient, gets 403 on everything', async () => {
    for (const as of ['no-scopes', 'no-patient']) {
      for (const path of [
        '/Patient/a',
        '/Patient',
        '/Patient/a/_history',
        '/Patient/_history',
        '/Patient/a/_history/1',
        '/Patient/a/ImagingStudy',
      ]) {
        const reply = await server.call('GET', path, { as });
        expect([reply.status, reply.json.issue[0].code], `${as} ${path}`).toEqual([403, 'forbidden']);
      }
      expect((await server.call('POST', '/Patient', { as, body: { resourceType: 'Patient' } })).status).toBe(403);
    }
  });

  test('sees the CapabilityStatement without a token, and nothing else', async () => {
    expect((await server.call('GET', '/metadata', { as: null })).status).toBe(200);
    for (const path of ['/', '/Patient', '/Nonsense', '/_history', '/a/b/c/d/e']) {
      expect((await server.call('GET', path, { as: null })).status, path).toBe(401);
    }
  });
});

describe('an address', () => {
  test.each([
    ['GET', '/Nonsense', 404],
    ['GET', '/Nonsense/1', 404],
    ['GET', '/patient/a', 404],
    ['GET', '/Parameters', 404],
    ['GET', '/Patient/a/b/c/d', 404],
    ['GET', '/Patient/a%00b', 404],
    ['GET', '/Patient/%F0', 404],
    ['GET', '/Patient/..%2Fx', 404],
    ['GET', `/Patient/${'x'.repeat(65)}`, 404],
    ['GET', '/Patient/a/_history/1%27', 404],
    ['GET', '/$everything', 404],
    ['GET', '/constructor/1', 404],
    ['PUT', '/', 405],
    ['DELETE', '/', 405],
    ['POST', '/Patient/a', 405],
    ['PUT', '/Patient/a/_history', 405],
    ['DELETE', '/Patient/a/_history/1', 405],
    ['POST', '/metadata', 405],
    ['PROPFIND', '/Patient', 405],
  ])('%s %s is answered %i with an OperationOutcome', async (method, path, status) => {
    const reply = await server.call(method, path, { ...(method === 'POST' || method === 'PUT' ? { body: {} } : {}) });
    expect([reply.status, reply.json?.resourceType], reply.text).toEqual([status, 'OperationOutcome']);
    if (status === 405) expect(reply.headers.get('Allow')).toMatch(/GET|POST/);
  });
});

describe('content negotiation', () => {
  const accept = (value: string, path = '/Patient/a') => server.call('GET', path, { headers: { Accept: value } });

  test.each([
    'application/fhir+json',
    'application/json',
    '*/*',
    'application/*',
    'application/fhir+json; fhirVersion=4.0',
    'text/html, */*;q=0.1',
    'application/fhir+xml, application/fhir+json;q=0.5',
  ])('gives JSON for Accept: %s', async (value) => {
    const reply = await accept(value);
    expect([reply.status, /^application\/(fhir\+)?json/.test(reply.headers.get('Content-Type')!)]).toEqual([200, true]);
  });

  test.each([
    'application/fhir+xml',
    'image/png',
    'text/html',
    'application/fhir+json; fhirVersion=5.0',
    'application/fhir+json;q=0',
  ])('refuses Accept: %s', async (value) => {
    const reply = await accept(value);
    expect([reply.status, reply.json.resourceType]).toEqual([406, 'OperationOutcome']);
  });

  test('_format wins over Accept, and _pretty is for people', async () => {
    expect((await accept('application/fhir+xml', '/Patient/a?_format=json')).status).toBe(200);
    expect((await accept('*/*', '/Patient/a?_format=application/fhir+json')).status).toBe(200);
    expect((await accept('application/fhir+json', '/Patient/a?_format=xml')).status).toBe(406);
    expect((await accept('*/*', '/Patient/a?_pretty=true')).text).toContain('\n  ');
    expect((await accept('application/json')).headers.get('Content-Type')).toContain('application/json');
  });

  test.each([
    'application/fhir+xml',
    'text/plain',
    'application/fhir+json; charset=latin1',
    'application/fhir+json; fhirVersion=3.0',
    'application/x-www-form-urlencoded',
  ])('refuses a body of %s', async (type) => {
    const reply = await server.call('POST', '/Patient', { body: '{"resourceType":"Patient"}', type });
    expect([reply.status, reply.json.resourceType]).toEqual([415, 'OperationOutcome']);
  });
});

describe('a body', () => {
  const send = (body: string | Uint8Array, headers = {}) => server.call('POST', '/Patient', { body, headers });
  const deep = `{"resourceType":"Patient","extension":${'[{"extension":'.repeat(5000)}[]${'}]'.repeat(5000)}}`;

  test.each([
    ['no JSON', '{"resourceType":'],
    ['an array', '[]'],
    ['a string', '"Patient"'],
    ['nothing', ''],
    ['a bomb of depth', deep],
    ['only brackets', '['.repeat(100_000)],
    ['a NUL', '{"resourceType":"Patient","language":"a\\u0000b"}'],
    ['a NUL in a name', '{"resourceType":"Patient","a\\u0000":1}'],
    ['a prototype', '{"resourceType":"Patient","__proto__":{"admin":true}}'],
    ['an escaped prototype', '{"resourceType":"Patient","\\u005f_proto__":{"admin":true}}'],
    ['half a surrogate', '{"resourceType":"Patient","language":"\\ud800"}'],
    ['no type', '{"id":"x"}'],
    ['one property twice', '{"resourceType":"Patient","active":true,"active" :false}'],
    [
      'a conditional reference',
      '{"resourceType":"Patient","managingOrganization":{"reference":"Organization?name=x"}}',
    ],
    ['a type that is none', '{"resourceType":"Person2"}'],
    ['a constructor', '{"resourceType":"Patient","constructor":{"prototype":{}}}'],
    ['a type that is a number', '{"resourceType":1}'],
    [
      'a script',
      JSON.stringify({
        resourceType: 'Patient',
        text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>' },
      }),
    ],
    ['an empty list', '{"resourceType":"Patient","contact":[]}'],
  ])('of %s is refused with 400 and an OperationOutcome', async (_name, body) => {
    const reply = await send(body);
    expect([reply.status, reply.json?.resourceType], reply.text).toEqual([400, 'OperationOutcome']);
    expect(reply.text).not.toMatch(/at .*\.ts|select |insert |node_modules/i);
  });

  test('over the limit is refused with 413, announced or not, packed or not', async () => {
    const large = JSON.stringify({ resourceType: 'Patient', name: [{ text: 'x'.repeat(300_000) }] });
    expect((await send(large)).status).toBe(413);
    const bomb = gzipSync(
      Buffer.from(JSON.stringify({ resourceType: 'Patient', name: [{ text: ' '.repeat(50_000_000) }] })),
    );
    const packed = await send(bomb, { 'Content-Encoding': 'gzip' });
    expect([packed.status, packed.json.issue[0].code]).toEqual([413, 'too-long']);
    expect(
      (await send(gzipSync(Buffer.from('{"resourceType":"Patient"}')), { 'Content-Encoding': 'gzip' })).status,
    ).toBe(201);
    expect((await send('{"resourceType":"Patient"}', { 'Content-Encoding': 'gzip' })).status).toBe(400);
    expect((await send('{"resourceType":"Patient"}', { 'Content-Encoding': 'zebra' })).status).toBe(415);
  });

  test('that is not UTF-8 is refused', async () => {
    const reply = await send(
      Buffer.concat([
        Buffer.from('{"resourceType":"Patient","language":"'),
        Buffer.from([0xff, 0xfe]),
        Buffer.from('"}'),
      ]),
    );
    expect(reply.status).toBe(400);
  });

  test('that stops half-way leaves the server well', async () => {
    const url = new URL(`${server.base}/Patient`);
    await new Promise<void>((done) => {
      // The server resets the connection: that is the answer.
      const request = httpRequest({
        host: url.hostname,
        port: url.port,
        path: url.pathname,
        method: 'POST',
        headers: { Authorization: 'Bearer all', 'Content-Type': 'application/fhir+json', 'Content-Length': '5000' },
      });
      request.on('error', () => done());
      request.write('{"resourceType":');
      setTimeout(() => request.destroy(), 50);
    });
    expect((await server.call('GET', '/Patient/a')).status).toBe(200);
  });

  test('is never repeated in an error', async () => {
    const secret = 'Geheimnis-4711';
    for (const body of [
      { resourceType: 'Patient', gender: secret },
      { resourceType: 'Patient', birthDate: secret },
      { resourceType: 'Patient', [secret]: 1 },
      { resourceType: 'Observation', status: secret },
      { resourceType: secret },
      { resourceType: 'Patient', managingOrganization: { reference: `Patient/${secret}` } },
    ]) {
      const reply = await send(JSON.stringify(body));
      expect([reply.status, reply.text.includes(secret)], reply.text).toEqual([400, false]);
    }
    const search = await server.call('GET', `/Patient?birthdate=${secret}`);
    expect([search.status, search.text.includes(secret)], search.text).toEqual([400, false]);
  });
});

test('nothing of all this was a fault of the server', () => {
  expect(server.faults).toEqual([]);
});

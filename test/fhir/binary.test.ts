import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer({ limit: 100_000 });
  await server.put({ resourceType: 'Patient', id: 'a' });
  await server.put({ resourceType: 'Patient', id: 'b' });
  server.callers.set('patient-a', caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' }));
  server.callers.set('patient-b', caller('patient/*.rs', { role: 'patient', patient: 'b', fhirUser: 'Patient/b' }));
});
afterAll(() => server.close());

const pdf = Buffer.from('%PDF-1.7 not really');
const upload = async (headers = {}) =>
  server.call('POST', '/Binary', {
    body: pdf,
    type: 'application/pdf',
    headers: { Accept: 'application/fhir+json', ...headers },
  });

test('raw content goes in and comes out byte for byte', async () => {
  const stored = await upload();
  expect(stored.status, stored.text).toBe(201);
  expect(stored.json).toMatchObject({
    resourceType: 'Binary',
    contentType: 'application/pdf',
    data: pdf.toString('base64'),
  });
  for (const Accept of ['*/*', 'application/pdf', 'application/*;q=0.5, application/pdf']) {
    const raw = await server.call('GET', `/Binary/${stored.json.id}`, { headers: { Accept } });
    expect([raw.status, raw.text, raw.headers.get('Content-Type'), raw.headers.get('ETag')]).toEqual([
      200,
      pdf.toString(),
      'application/pdf',
      'W/"1"',
    ]);
    expect(raw.headers.get('Content-Disposition')).toBe('attachment');
    expect(raw.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(raw.headers.get('Content-Security-Policy')).toContain('sandbox');
  }
  expect((await server.call('GET', `/Binary/${stored.json.id}`, { headers: { Accept: 'image/png' } })).status).toBe(
    406,
  );
  expect((await server.call('GET', `/Binary/${stored.json.id}?_format=json`)).json.resourceType).toBe('Binary');
  expect((await server.call('GET', `/Binary/${stored.json.id}/_history/1`)).text).toBe(pdf.toString());
  expect(
    (await server.call('GET', `/Binary/${stored.json.id}`, { headers: { 'If-None-Match': 'W/"1"' } })).status,
  ).toBe(304);
});

test('the resource in JSON is stored as such', async () => {
  const body = { resourceType: 'Binary', contentType: 'text/plain', data: Buffer.from('hello').toString('base64') };
  const stored = await server.call('POST', '/Binary', { body });
  expect(stored.status).toBe(201);
  expect((await server.call('GET', `/Binary/${stored.json.id}`)).text).toBe('hello');
  expect((await server.call('POST', '/Binary', { body: { ...body, data: '***' } })).status).toBe(400);
});

test('ranges are served, and impossible ones refused', async () => {
  const { id } = (await upload()).json;
  const range = (Range: string) => server.call('GET', `/Binary/${id}`, { headers: { Range } });
  const part = await range('bytes=0-3');
  expect([part.status, part.text, part.headers.get('Content-Range')]).toEqual([206, '%PDF', `bytes 0-3/${pdf.length}`]);
  expect((await range('bytes=-6')).text).toBe('really');
  expect((await range('bytes=9-')).text).toBe('not really');
  expect((await range('bytes=9-99999')).text).toBe('not really');
  const beyond = await range('bytes=500-');
  expect(beyond.json.resourceType).toBe('OperationOutcome');
  expect([beyond.status, beyond.headers.get('Content-Range')]).toEqual([416, `bytes */${pdf.length}`]);
  for (const odd of ['bytes=5-2', 'bytes=a-b', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-'])
    expect((await range(odd)).status, odd).toBe(200);
});

test('a range is for GET, and with If-Range the whole is given: versions are no strong validators', async () => {
  const { id } = (await upload()).json;
  const asked = async (method: string, headers: Record<string, string>) =>
    (await server.call(method, `/Binary/${id}`, { headers: { Range: 'bytes=0-3', ...headers } })).status;
  expect([await asked('GET', {}), await asked('HEAD', {}), await asked('GET', { 'If-Range': 'W/"1"' })]).toEqual([
    206, 200, 200,
  ]);
  expect(await asked('GET', { 'If-None-Match': 'W/"1"' })).toBe(304);
});

test('Accept decides by its q values whether content or resource is given', async () => {
  const { id } = (await upload()).json;
  const resource = async (Accept: string, of = id) =>
    (await server.call('GET', `/Binary/${of}`, { headers: { Accept } })).json?.resourceType === 'Binary';
  expect(await resource('application/pdf;q=0.5, application/fhir+json')).toBe(true);
  expect(await resource('application/fhir+json;q=0.5, application/pdf')).toBe(false);
  expect(await resource('application/fhir+json, */*')).toBe(true);
  expect(await resource('application/pdf;q=0.1, */*;q=0.9')).toBe(true);
  // Content that is FHIR itself is given to who takes anything, the resource to who asks for FHIR.
  const fhir = { body: '{"resourceType":"Patient"}', type: 'application/json' };
  const stored = await server.call('POST', '/Binary', { ...fhir, headers: { Accept: 'application/fhir+json' } });
  expect([await resource('application/fhir+json', stored.json.id), await resource('*/*', stored.json.id)]).toEqual([
    true,
    false,
  ]);
});

test('only who may see the security context sees the content', async () => {
  const { id } = (await upload({ 'X-Security-Context': 'Patient/a' })).json;
  expect((await server.call('GET', `/Binary/${id}`, { as: 'patient-a' })).status).toBe(200);
  for (const path of [
    `/Binary/${id}`,
    `/Binary/${id}?_format=json`,
    `/Binary/${id}/_history/1`,
    `/Binary/${id}/_history`,
  ]) {
    expect((await server.call('GET', path, { as: 'patient-b' })).status, path).toBe(404);
  }
  const open = (await upload()).json.id;
  expect((await server.call('GET', `/Binary/${open}`, { as: 'patient-a' })).status).toBe(404);
});

test('content without a type, too much of it, or with a type that breaks headers is refused', async () => {
  expect((await server.call('POST', '/Binary', { body: Buffer.alloc(200_000), type: 'image/png' })).status).toBe(413);
  expect((await server.call('POST', '/Binary', { body: pdf, type: 'nonsense' })).status).toBe(415);
  const body = { resourceType: 'Binary', contentType: 'text/html\r\nSet-Cookie: a=b', data: 'aGFsbG8=' };
  const stored = await server.call('POST', '/Binary', { body });
  if (stored.status === 201) {
    const raw = await server.call('GET', `/Binary/${stored.json.id}`);
    expect([raw.headers.get('Content-Type'), raw.headers.get('Set-Cookie')]).toEqual([
      'application/octet-stream',
      null,
    ]);
  } else expect(stored.status).toBe(400);
});

test('PUT replaces raw content', async () => {
  const { id } = (await upload()).json;
  const reply = await server.call('PUT', `/Binary/${id}`, {
    body: 'new',
    type: 'text/plain',
    headers: { Accept: 'application/fhir+json' },
  });
  expect([reply.status, reply.headers.get('ETag')]).toEqual([200, 'W/"2"']);
  expect((await server.call('GET', `/Binary/${id}`)).text).toBe('new');
  expect(server.faults).toEqual([]);
});

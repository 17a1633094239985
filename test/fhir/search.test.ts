import { afterAll, beforeAll, expect, test } from 'vitest';
import { caller } from '../harness/records.ts';
import { fhirServer, type FhirServer, type Loose } from './server.ts';

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
  for (const [id, family, birthDate] of [
    ['a', 'Mueller', '1970-01-01'],
    ['b', 'Müllerin', '1980-05-05'],
    ['c', '100%', '1990-09-09'],
  ]) {
    await server.put({ resourceType: 'Patient', id: id!, name: [{ family: family! }], birthDate: birthDate! });
  }
  for (const n of [1, 2, 3]) {
    await server.put({
      resourceType: 'ImagingStudy',
      id: `s${n}`,
      status: 'available',
      subject: { reference: 'Patient/a' },
      started: `2026-0${n}-01T10:00:00+02:00`,
      modality: [{ code: 'CT' }],
    });
  }
  await server.put({
    resourceType: 'Task',
    id: 't1',
    status: 'ready',
    intent: 'order',
    for: { reference: 'Patient/a' },
  });
  server.callers.set('patient-a', caller('patient/*.rs', { role: 'patient', patient: 'a', fhirUser: 'Patient/a' }));
});
afterAll(() => server.close());

const ids = (bundle: Loose, mode = 'match') =>
  (bundle.entry ?? []).filter((entry: Loose) => entry.search.mode === mode).map((entry: Loose) => entry.resource.id);
const link = (bundle: Loose, relation: string): string | undefined =>
  bundle.link.find((one: Loose) => one.relation === relation)?.url;
const search = async (query: string, init?: object) => (await server.call('GET', `/${query}`, init)).json;

test('a search is a searchset with self link, full addresses and modes', async () => {
  const bundle = await search('ImagingStudy?patient=a&_include=ImagingStudy:subject&_sort=started');
  expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'searchset' });
  expect(ids(bundle)).toEqual(['s1', 's2', 's3']);
  expect(ids(bundle, 'include')).toEqual(['a']);
  expect(bundle.entry[0].fullUrl).toBe(`${server.base}/ImagingStudy/s1`);
  expect(new URL(link(bundle, 'self')!).searchParams.get('patient')).toBe('a');
});

test('priorities sort by urgency, not by the alphabet', async () => {
  for (const priority of ['urgent', 'routine', 'stat', 'asap'] as const)
    await server.put({ resourceType: 'Task', id: `t-${priority}`, status: 'requested', intent: 'order', priority });
  const byPriority = async (sort: string, more = '') =>
    ids(await search(`Task?_id=t-urgent,t-routine,t-stat,t-asap&_sort=${sort}${more}`));
  expect(await byPriority('-priority')).toEqual(['t-stat', 't-asap', 't-urgent', 't-routine']);
  expect(await byPriority('priority')).toEqual(['t-routine', 't-urgent', 't-asap', 't-stat']);
  const first = await search('Task?_id=t-urgent,t-routine,t-stat,t-asap&_sort=-priority&_count=2');
  const second = await server.call('GET', link(first, 'next')!);
  expect([...ids(first), ...ids(second.json)]).toEqual(['t-stat', 't-asap', 't-urgent', 't-routine']);
});

test('unknown parameters are left out of the self link and named, or refused when the client is strict', async () => {
  const bundle = await search('Patient?favourite-colour=red&_id=a');
  expect(ids(bundle)).toEqual(['a']);
  expect(link(bundle, 'self')).not.toContain('favourite');
  const outcome = bundle.entry.find((entry: Loose) => entry.search.mode === 'outcome').resource;
  expect(outcome.issue[0]).toMatchObject({ severity: 'warning' });
  expect(outcome.issue[0].diagnostics).toContain('favourite-colour');
  const strict = await server.call('GET', '/Patient?favourite-colour=red', { headers: { Prefer: 'handling=strict' } });
  expect([strict.status, strict.json.issue[0].code]).toEqual([400, 'not-supported']);
});

test.each([
  'Patient?name:sounds=x',
  'Patient?_id:near=x',
  'Patient?birthdate:exact=2020',
  'ImagingStudy?subject:Observation=x',
  'Patient?name.family=x',
  'ImagingStudy?patient:Device.name=x',
  'Patient?name:exact:exact=x',
  'Patient?_include:x=Patient:link',
])('refuses the modifier of %s always', async (query) => {
  const reply = await server.call('GET', `/${query}`);
  expect([reply.status, reply.json.resourceType]).toEqual([400, 'OperationOutcome']);
});

test.each([
  'Patient?birthdate=yesterday',
  'Patient?birthdate=2020-13-01',
  'Patient?_count=many',
  'Patient?_summary=maybe',
  'Patient?_total=roughly',
  'Patient?name=%00',
  'Patient?active:missing=2',
  'Patient?_count=1&_count=2',
  'Patient?_has:Observation=1',
  'Patient?_elements=a;b',
  'Observation?value-quantity=abc',
  'Patient?_lastUpdated=gt20x',
])('refuses the value of %s', async (query) => {
  const reply = await server.call('GET', `/${query}`);
  expect([reply.status, reply.json?.resourceType], reply.text).toEqual([400, 'OperationOutcome']);
});

test('counts without entries when _count is 0 or _summary is count', async () => {
  for (const query of ['Patient?_count=0', 'Patient?_summary=count']) {
    const bundle = await search(query);
    expect([bundle.total, bundle.entry, link(bundle, 'next')]).toEqual([3, undefined, undefined]);
  }
  expect((await search('Patient?_total=accurate&_count=1')).total).toBe(3);
});

test('pages through all matches once, with addresses that tell nothing', async () => {
  const met: string[] = [];
  let url: string | undefined = `${server.base}/Patient?_count=1&_sort=family&name:missing=false`;
  for (let page = 0; url && page < 10; page++) {
    const reply: Loose = await server.call('GET', url);
    expect(reply.status, reply.text).toBe(200);
    met.push(...ids(reply.json));
    url = link(reply.json, 'next');
    expect(decodeURIComponent(url ?? '')).not.toMatch(/mueller|family|name/i);
  }
  expect(met.sort()).toEqual(['a', 'b', 'c']);
});

test('a page belongs to its caller and its search', async () => {
  const bundle = await search('ImagingStudy?_count=1');
  const next = link(bundle, 'next')!;
  expect((await server.call('GET', next)).status).toBe(200);
  expect((await server.call('GET', next, { as: 'patient-a' })).status).toBe(400);
  expect((await server.call('GET', next.replace('/ImagingStudy', '/Patient'))).status).toBe(400);
  expect((await server.call('GET', `${next.slice(0, -4)}AAAA`)).status).toBe(400);
  expect((await server.call('GET', '/Patient?_page=')).status).toBe(400);
});

test('a page of a search is none of a history, and the other way round', async () => {
  const search = new URL(link((await server.call('GET', '/Patient?_count=1')).json, 'next')!).search;
  const history = new URL(link((await server.call('GET', '/Patient/_history?_count=1')).json, 'next')!);
  expect((await server.call('GET', `/Patient/_history${search}`)).status).toBe(400);
  expect((await server.call('GET', `/_history${history.search}`)).status).toBe(400);
  for (const path of ['/Patient', '/', '/Patient/a/Observation', '/Patient/a/$everything'])
    expect([path, (await server.call('GET', `${path}?_page=${history.searchParams.get('_page')}`)).status]).toEqual([
      path,
      400,
    ]);
});

test('one changed letter of a page address is a refusal, wherever it stands', async () => {
  const next = new URL(link((await server.call('GET', '/Patient?_count=1&_sort=family')).json, 'next')!);
  const token = next.searchParams.get('_page')!;
  expect(Buffer.from(token, 'base64url').toString('latin1')).not.toMatch(/mueller/i);
  for (const at of [0, 20, 30, token.length >> 1, token.length - 2]) {
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    const reply = await server.call('GET', `/Patient?_page=${changed}`);
    expect([at, reply.status, reply.json.resourceType]).toEqual([at, 400, 'OperationOutcome']);
  }
});

test('POST _search takes parameters of the address and of the form together', async () => {
  const form = { type: 'application/x-www-form-urlencoded' };
  const reply = await server.call('POST', '/Patient/_search?_id=a,b', { body: 'family=M%C3%BCllerin', ...form });
  expect(ids(reply.json)).toEqual(['b']);
  expect((await server.call('POST', '/Patient/_search', { body: '{}', type: 'application/json' })).status).toBe(415);
  const other = await server.call('POST', '/ImagingStudy/_search?patient=a', {
    body: 'patient=b',
    ...form,
    as: 'patient-a',
  });
  expect([other.status, other.json.issue[0].code]).toEqual([403, 'forbidden']);
});

test('summary and elements are marked as a part', async () => {
  const [entry] = (await search('Patient?_id=a&_elements=birthDate')).entry;
  expect(Object.keys(entry.resource).sort()).toEqual(['birthDate', 'id', 'meta', 'resourceType']);
  const [summary] = (await search('ImagingStudy?_id=s1&_summary=true')).entry;
  expect(summary.resource).toMatchObject({ status: 'available', meta: { tag: [{ code: 'SUBSETTED' }] } });
});

test('a percent sign is data, and prefixes ignore case and accents', async () => {
  expect(ids(await search('Patient?family=%25'))).toEqual([]);
  expect(ids(await search('Patient?family=100%25'))).toEqual(['c']);
  expect(ids(await search('Patient?family=MULLERIN'))).toEqual(['b']);
});

test('a bare plus sign in a time zone is understood', async () => {
  expect(ids(await search('ImagingStudy?started=2026-01-01T10:00:00+02:00'))).toEqual(['s1']);
  expect(ids(await search('ImagingStudy?started=2026-01-01T10:00:00%2B02:00'))).toEqual(['s1']);
});

test('chains, reverse chains and reverse includes', async () => {
  expect(ids(await search('ImagingStudy?patient.birthdate=1970-01-01')).sort()).toEqual(['s1', 's2', 's3']);
  expect(ids(await search('ImagingStudy?subject:Patient.family=Mueller')).sort()).toEqual(['s1', 's2', 's3']);
  expect(ids(await search('Patient?_has:ImagingStudy:patient:status=available'))).toEqual(['a']);
  expect(ids(await search('Patient?_id=a&_revinclude=ImagingStudy:patient'), 'include').sort()).toEqual([
    's1',
    's2',
    's3',
  ]);
});

test('a search of the system needs _type and walks through the types', async () => {
  expect((await server.call('GET', '/?_id=a')).json.issue[0].code).toBe('too-costly');
  let url: string | undefined = `${server.base}/?_type=Patient,ImagingStudy&_count=2`;
  const met: string[] = [];
  while (url) {
    const reply: Loose = await server.call('GET', url);
    expect(reply.status, reply.text).toBe(200);
    met.push(...ids(reply.json));
    url = link(reply.json, 'next');
  }
  expect(met.sort()).toEqual(['a', 'b', 'c', 's1', 's2', 's3']);
  expect((await search('?_type=Patient,ImagingStudy&_summary=count')).total).toBe(6);
  const posted = await server.call('POST', '/_search', {
    body: '_type=Patient&_id=a',
    type: 'application/x-www-form-urlencoded',
  });
  expect(ids(posted.json)).toEqual(['a']);
});

test('a compartment holds what is about its patient, Tasks included', async () => {
  expect(ids(await search('Patient/a/ImagingStudy')).sort()).toEqual(['s1', 's2', 's3']);
  expect(ids(await search('Patient/b/ImagingStudy'))).toEqual([]);
  expect(ids(await search('Patient/a/Task'))).toEqual(['t1']);
  expect(ids(await search('Patient/a/ImagingStudy?_id=s2', { as: 'patient-a' }))).toEqual(['s2']);
  expect((await server.call('GET', '/Patient/b/ImagingStudy', { as: 'patient-a' })).status).toBe(403);
  expect((await server.call('GET', '/Patient/none/ImagingStudy', { as: 'patient-a' })).status).toBe(403);
  expect((await server.call('GET', '/Patient/none/ImagingStudy')).status).toBe(404);
  const posted = await server.call('POST', '/Patient/a/ImagingStudy/_search', {
    body: '_id=s3',
    type: 'application/x-www-form-urlencoded',
  });
  expect(ids(posted.json)).toEqual(['s3']);
});

test('a compartment can be searched through all its types', async () => {
  const met: string[] = [];
  let url: string | undefined = `${server.base}/Patient/a/*?_count=2`;
  while (url) {
    const reply: Loose = await server.call('GET', url);
    expect(reply.status, reply.text).toBe(200);
    met.push(...ids(reply.json));
    url = link(reply.json, 'next');
  }
  expect(met.sort()).toEqual(['a', 's1', 's2', 's3', 't1']);
  expect((await search('Patient/a/*?_summary=count')).total).toBe(5);
});

test('$everything gives the compartment with what it refers to, and nothing about others', async () => {
  await server.put({ resourceType: 'Practitioner', id: 'doc' });
  await server.put({
    resourceType: 'Observation',
    id: 'o1',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/a' },
    focus: [{ reference: 'Patient/b' }],
    performer: [{ reference: 'Practitioner/doc' }],
  });
  const bundle = await search('Patient/a/$everything');
  expect(bundle.entry[0].resource.id).toBe('a');
  expect(ids(bundle).sort()).toEqual(['a', 'o1', 's1', 's2', 's3', 't1']);
  expect(ids(bundle, 'include')).toEqual(['doc']);
  expect(ids(await search('Patient/a/$everything?_type=ImagingStudy')).sort()).toEqual(['s1', 's2', 's3']);
  expect(ids(await search('Patient/a/$everything?_since=2100-01-01'))).toEqual([]);
  expect((await server.call('GET', '/Patient/a/$everything?start=2020-01-01')).status).toBe(400);
  expect((await server.call('GET', '/Patient/b/$everything', { as: 'patient-a' })).status).toBe(403);
  const first = await search('Patient/a/$everything?_count=2');
  expect((await server.call('GET', link(first, 'next')!)).status).toBe(200);
});

/**
 * FHIR bodies, patches and searches as no client should send them. The usual run is short; `HOSTILE_BODIES=1000` makes it
 * long, `HOSTILE_SEED` another one.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fhirServer, type FhirServer } from '../fhir/server.ts';

const bodies = Number(process.env['HOSTILE_BODIES'] ?? 240);
const seed = Number(process.env['HOSTILE_SEED'] ?? 20261127);
const long = bodies > 500;

let server: FhirServer;
beforeAll(async () => {
  server = await fhirServer();
  await server.put({ resourceType: 'Patient', id: 'a', active: true });
});
afterAll(() => server.close());

const faults = new Map<string, string>();
const count = { requests: 0, accepted: 0 };

const samples: Record<string, unknown>[] = [
  {
    resourceType: 'Patient',
    active: true,
    identifier: [{ system: 'http://hospital.example/mrn', value: '17', period: { start: '2020-01-01' } }],
    name: [{ family: 'Example', given: ['Erika'], use: 'official' }],
    telecom: [{ system: 'phone', value: '1', rank: 1 }],
    birthDate: '1970-02-03',
    address: [{ line: ['Road 1'], city: 'Town' }],
    contact: [{ name: { text: 'Someone' } }],
    link: [{ other: { reference: 'Patient/a' }, type: 'seealso' }],
    extension: [{ url: 'http://example.org/e', valueDecimal: 1.5 }],
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div>' },
    contained: [{ resourceType: 'Organization', id: 'o', name: 'Org' }],
    managingOrganization: { reference: '#o' },
  },
  {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'Heart rate' },
    subject: { reference: 'Patient/a' },
    effectivePeriod: { start: '2026-01-01T00:00:00Z', end: '2026-01-02T00:00:00+01:00' },
    valueQuantity: { value: 60, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
    referenceRange: [{ low: { value: 1 }, high: { value: 2 } }],
    component: [{ code: { text: 'c' }, valueRange: { low: { value: 1 }, high: { value: 2 } } }],
  },
  {
    resourceType: 'ServiceRequest',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/a' },
    identifier: [{ value: 'A' }],
    occurrenceTiming: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } },
  },
  {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [
      { request: { method: 'GET', url: 'Patient?name=x' } },
      { request: { method: 'POST', url: 'Patient' }, resource: { resourceType: 'Patient' } },
    ],
  },
  {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'operation',
        part: [
          { name: 'type', valueCode: 'replace' },
          { name: 'path', valueString: 'Patient.active' },
          { name: 'value', valueBoolean: false },
        ],
      },
    ],
  },
];

/** JSON text to stand where a value was; not all of it is JSON. */
const evil: string[] = [
  'null', 'true', '0', '-0', '-1', '1e400', '-1e400', '1e-400', '9007199254740993', '2147483648', '123456789012345678901234567890.123456789',
  '[]', '{}', '[[]]', '[null]', '{"":1}', '""', '" "', '"\\u0000"', '"\\ud800"', '"\\udc00x"', '"\\uFEFF\\u200B"', '"\\u202e"',
  '"constructor"', '"__proto__"', '"toString"', '"Patient/../../etc"', '"Patient/a/_history/99999999999"', '"urn:uuid:x"', '"#"', '"#nothing"',
  '"0001-01-01"', '"0000-01-01"', '"9999-12-31T23:59:59.999999999999+14:00"', '"0001-01-01T00:00:00+14:00"', '"2026-02-30"',
  '{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}', '{"a":1,"a":2}', '{"resourceType":"Patient"}',
  '[1,"a",null,{}]', 'NaN', "'x'", '"<div><script/></div>"', '"a|b|c,d$e\\\\f"',
  `"${'x'.repeat(100_000)}"`, `${'['.repeat(5_000)}${']'.repeat(5_000)}`, '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000),
  `[${Array.from({ length: 2_000 }, () => '{"text":"x"}').join(',')}]`,
]; // prettier-ignore

const plausible = ['"a"', '"A-1"', '"final"', '"active"', '"http://x.example/y"', '"urn:oid:1.2.3"', '"2026"', '"2026-01"', '"0001-01-01"', '"9999-12-31"', '"\u{1f600}"', '"\u0301\u0301"', '"Patient/a"', '"%_\\\\"', '"A,B|C$D"', `"${'y '.repeat(30_000)}y"`]; // prettier-ignore

/** Every place in a document where a value stands. */
function placesIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  const inside = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [path, ...inside.flatMap(([key, inner]) => placesIn(inner, [...path, Array.isArray(value) ? Number(key) : key]))]; // prettier-ignore
}

/** The document as text, with `text` in the place of the value at a path. */
function withText(value: unknown, path: (string | number)[], text: string): string {
  const [step, ...rest] = path;
  if (step === undefined) return text;
  const inner = (one: unknown, key: string | number) =>
    key === step ? withText(one, rest, text) : JSON.stringify(one);
  if (Array.isArray(value)) return `[${value.map((one, i) => inner(one, i)).join(',')}]`;
  return `{${Object.entries(value as object).map(([key, one]) => `${JSON.stringify(key)}:${inner(one, key)}`).join(',')}}`; // prettier-ignore
}

const names = [
  'constructor',
  '__proto__',
  'id',
  'meta',
  'resourceType',
  '_active',
  'valueInteger',
  'x\\u0000',
  '',
  'extension',
  'contained',
];

/** One time in `times`. */
const rarely = <T>(times: number, one: fc.Arbitrary<T>) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: one });

const mutated: fc.Arbitrary<{ type: string; text: string }> = fc
  .record({
    sample: fc.constantFrom(...samples),
    place: fc.nat(),
    text: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...evil) }, { weight: 1, arbitrary: fc.json() }),
    likely: rarely(2, fc.nat()),
    name: rarely(5, fc.constantFrom(...names)),
    cut: rarely(12, fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map(({ sample, place, text, likely, name, cut }) => {
    const places = placesIn(sample).slice(1);
    const path = places[place % places.length]!;
    // Half of the time a value of the same kind, which gets further.
    const kind = JSON.stringify(path.reduce<unknown>((at, step) => (at as Record<string, unknown>)[step], sample))[0]!;
    const alike = [...evil, ...(kind === '"' ? plausible : [])].filter((one) =>
      (/[\d-]/.test(kind) ? /^[\d-]/ : kind === '"' ? /^"/ : /^[[{tf]/).test(one),
    );
    let body =
      name === null
        ? withText(sample, path, likely === null ? text : alike[likely % alike.length]!)
        : JSON.stringify(sample).replace(/\}$/, `,"${name}":${text}}`);
    if (cut !== null) body = body.slice(0, Math.floor(cut * body.length));
    return { type: String(sample['resourceType']), text: body };
  });

const searchNames = ['name', 'birthdate', 'identifier', '_id', '_lastUpdated', '_sort', '_count', '_include', '_revinclude', '_has:Observation:subject:code', 'general-practitioner:Practitioner.name', '_summary', '_elements', '_total', 'page', '_filter', '_content', '_format', 'constructor', '__proto__', 'toString', 'active:missing', 'name:exact', 'name:constructor', 'identifier:of-type', '_security', '']; // prettier-ignore
const searchValues = ['', ' ', '%00', '\u0000', '\ud800', 'a'.repeat(5_000), '%', '_', '\\', '\\,', ',,,', '$', '|', '||', 'a|b|c', 'ge2026', 'ge', 'eq0000', '0001-01-01', '9999-12-31', '2026-13-45', 'ap1e400', '-1', '1e400', '99999999999999999999', '*', '*:*', 'Patient:link', 'Patient:constructor', 'constructor', '__proto__', '-constructor', '(', '[', '.*', 'true,false', "'", '"', ';--', '\u200b', '\ufeff', '\u{1f600}']; // prettier-ignore
const search = fc.array(fc.tuple(fc.constantFrom(...searchNames), fc.oneof(fc.constantFrom(...searchValues), fc.string({ maxLength: 40, unit: 'binary' }))), { minLength: 1, maxLength: 4 }); // prettier-ignore

async function send(method: string, path: string, options: Parameters<FhirServer['call']>[2]): Promise<void> {
  count.requests++;
  const reply = await server.call(method, path, options);
  if (reply.status < 300) count.accepted++;
  const where = `${method} ${path.slice(0, 60)}`;
  if (reply.status >= 500) faults.set(`${reply.status} ${where}`, `${String(options?.body).slice(0, 300)} ${path.slice(0, 300)} ${reply.text.slice(0, 200)}`); // prettier-ignore
  for (const fault of server.faults.splice(0)) faults.set(String(fault), `${where} ${String((fault as Error).stack)}`);
}

test('the bodies are good before they are changed', async () => {
  for (const body of samples.slice(0, 4)) {
    const { resourceType: type } = body;
    expect([type, (await server.call('POST', type === 'Bundle' ? '/' : `/${String(type)}`, { body })).text]).toEqual([type, expect.not.stringContaining('OperationOutcome')]); // prettier-ignore
  }
  expect((await server.call('PATCH', '/Patient/a', { body: samples[4] })).status).toBe(200);
});

test(
  'no body makes the server fail, nor leaves a trace in what is not its own',
  async () => {
    await fc.assert(
      fc.asyncProperty(mutated, async ({ type, text }) => {
        if (type === 'Bundle') await send('POST', '/', { body: text });
        else if (type === 'Parameters') await send('PATCH', '/Patient/a', { body: text });
        else {
          await send('POST', `/${type}`, { body: text });
          await send('PUT', `/${type}/p${count.requests % 7}`, { body: text.replace('{', `{"id":"p${count.requests % 7}",`) }); // prettier-ignore
          await send('POST', `/${type}/$validate`, { body: text });
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: bodies, seed, endOnFailure: true },
    );
    if (long) process.stderr.write(`${JSON.stringify({ seed, bodies, ...count })}\n`);
    expect([...faults]).toEqual([]);
    // A run in which nearly nothing is stored says nothing.
    expect(count.accepted).toBeGreaterThan(count.requests / 10);
  },
  30_000 + bodies * 500,
);

test(
  'no search string makes the server fail',
  async () => {
    await fc.assert(
      fc.asyncProperty(search, fc.constantFrom('/Patient', '/Observation', '/', '/Patient/a/Observation', '/_history', '/Patient/_history'), async (pairs, path) => {
        const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`).join('&');
        await send('GET', `${path}?${query}`, {});
        if (!path.includes('_history')) await send('POST', `${path === '/' ? '' : path}/_search`, { body: query, type: 'application/x-www-form-urlencoded' });
        // As it is, without percent signs in the right places.
        await send('GET', `${path}?${pairs.map(([name, value]) => `${name}=${value}`).join('&').replace(/[^\x21-\x7e]/g, '%ff').replaceAll('#', '')}`, {});
      }), // prettier-ignore
      { numRuns: bodies, seed, endOnFailure: true },
    );
    if (long) process.stderr.write(`${JSON.stringify({ seed, searches: bodies, ...count })}\n`);
    expect([...faults]).toEqual([]);
  },
  30_000 + bodies * 500,
);

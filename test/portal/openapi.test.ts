import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { makeLink } from '../../server/core/accounts/one-time-link.ts';
import { openBrowser, type TestBrowser } from '../harness/browser.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { barriers, overflow } from '../harness/page-acts.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The OpenAPI document says what the server does: compared with its router and with its answers.
type Schema = Parameters<typeof z.fromJSONSchema>[0];
interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  security: object[];
  parameters?: { name: string; in: 'path' | 'query'; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}
interface OpenApi {
  openapi: string;
  info: { description: string };
  paths: Record<string, Record<string, Operation>>;
}

let server: TestServer;
let admin: Caller;
let document: OpenApi;
let operations: { method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  server = await startTestServer({ workers: false });
  admin = caller(server, (await server.signIn('admin')).access_token);
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApi;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
}, 120_000);
afterAll(() => server.stop());

interface Layer {
  path: unknown;
  methods: string[];
}

/** What any router of the server answers: Koa's middleware that a router made knows its router. */
function routed(): { method: string; path: string }[] {
  const parts = server.system.app.middleware as unknown as { router?: { stack: Layer[] } }[];
  return parts
    .flatMap(({ router }) => router?.stack ?? [])
    .flatMap(({ path, methods }) =>
      methods
        .filter((method) => (method !== 'HEAD' || !methods.includes('GET')) && typeof path === 'string')
        .map((method) => ({ method: method.toLowerCase(), path: (path as string).replace(/:([A-Za-z]+)/g, '{$1}') })),
    );
}

test('every route of our own screens is in the document, and nothing that is not there', () => {
  const documented = new Set(operations.map(({ method, path }) => `${method} ${path}`));
  const ours = routed().filter(({ path }) => /^\/(portal|api|openapi\.json|api-docs)(\/|$)/.test(path));
  expect(ours.length).toBeGreaterThan(10);
  expect(ours.map(({ method, path }) => `${method} ${path}`).filter((one) => !documented.has(one))).toEqual([]);
  const known = new Set(routed().map(({ method, path }) => `${method} ${path}`));
  const elsewhere = [...documented].filter((one) => !known.has(one));
  // Answered before any router, or by the router inside the SMART face; that they answer is looked at below.
  expect(elsewhere.sort()).toEqual(['get /.well-known/smart-configuration', 'get /healthz', 'get /readyz', 'post /smart/launch']); // prettier-ignore
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every documented address is there: an empty request is answered or refused, never 404', async () => {
  const token = (await server.signIn('doctor')).access_token;
  for (const { method, path, operation } of operations) {
    const filled = path.replace(/\{\w+\}/g, '0');
    const isPublic = operation.security.length === 0;
    if (isPublic && path.includes('{')) continue; // an id that is not there is 404 rightly
    const bare = await fetch(server.url + filled, { method: method.toUpperCase() });
    // What nobody answers says so in these words; a picture that was never set is another matter.
    expect([method, path, (await bare.text()).includes('There is nothing at this address')]).toEqual([method, path, false]); // prettier-ignore
    expect([method, path, bare.status < 500 && (isPublic || bare.status === 401)]).toEqual([method, path, true]);
    expect([method, path, bare.status, Object.keys(operation.responses)]).toEqual([method, path, bare.status, expect.arrayContaining([String(bare.status)])]); // prettier-ignore
    if (isPublic || method === 'get' || method === 'head') continue;
    const asked = await caller(server, token).send(method.toUpperCase(), filled, {}, { 'Content-Type': 'application/json' }); // prettier-ignore
    // Some have nothing to be told (end my other sign-ins), or take a change that says nothing.
    const expected = asked.status < 500 && (asked.status !== 404 || path.includes('{'));
    expect([method, path, asked.status, expected]).toEqual([method, path, asked.status, true]);
  }
});

test('real answers are as the document says', async () => {
  const doctor = caller(server, (await server.signIn('doctor')).access_token);
  const patient = caller(server, (await server.signIn('patient')).access_token);
  const looked: string[] = [];
  for (const { method, path, operation } of operations) {
    const schema = operation.responses['200']?.content?.['application/json']?.schema;
    if (method !== 'get' || path.includes('{')) continue;
    if (!schema) {
      // A file, a page, or nothing: JSON that the document does not describe is for nobody.
      const undescribed = await admin.get(path);
      expect([path, undescribed.headers.get('Content-Type') ?? '']).toEqual([
        path,
        expect.not.stringMatching(/^application\/json/),
      ]);
      continue;
    }
    // The own emergency accesses are a doctor's, the own scans and links a patient's.
    let answer = await admin.get(path);
    for (const other of [doctor, patient]) if (answer.status === 403) answer = await other.get(path);
    expect([path, answer.status]).toEqual([path, 200]);
    const result = z.fromJSONSchema(schema).safeParse(await answer.json());
    expect([path, result.error?.issues ?? []]).toEqual([path, []]);
    looked.push(path);
  }
  expect(looked).toEqual(expect.arrayContaining(['/api/status', '/portal/models', '/portal/deliveries', '/readyz', '/healthz'])); // prettier-ignore
});

test('it is OpenAPI 3.1 with plain JSON Schema, says who may, and names what lies elsewhere', () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  const text = JSON.stringify(document);
  expect(text).not.toContain('"$schema"');
  expect(document.info.description).toMatch(/RFC 7591.*registration_endpoint/s);
  for (const { path, operation, method } of operations) {
    expect(operation.summary).not.toBe('');
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
    expect(described).toEqual(names);
    if (method === 'get') expect(operation.requestBody).toBeUndefined();
    if (operation.security.length > 0) expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['401', '403'])); // prettier-ignore
  }
  const launch = document.paths['/smart/launch']!['post']!;
  expect(launch.requestBody!.content['application/json']!.schema).toMatchObject({ required: ['client'] });
});

test('the page needs no script and nothing from elsewhere, and names every address', async () => {
  const answer = await fetch(`${server.url}/api-docs`);
  const page = await answer.text();
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = answer.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|script-src/);
  expect(page).not.toMatch(/<script|\son[a-z]+=|style=|src="http/);
  for (const { path } of operations) expect(page).toContain(path.replace(/\{(\w+)\}/g, ':$1'));
});

test('people can read the page, and the one that confirms an address, whatever their sight and screen', async () => {
  const browser: TestBrowser = await openBrowser();
  try {
    const { page } = await browser.person();
    const patient = 'Patient/demo-patient-1';
    const data = { address: 'a@example.org', patient, step: `Task/${randomUUID()}` };
    const { word } = await server.system.world.transaction((stores) => makeLink(stores, { purpose: 'confirm-address', data })); // prettier-ignore
    for (const path of ['/api-docs', `/account/confirm-address/${word}`]) {
      await page.goto(server.url + path, { waitUntil: 'load' });
      expect([path, await barriers(page)]).toEqual([path, []]);
      await page.setViewport({ width: 360, height: 740 });
      expect([path, await overflow(page)]).toEqual([path, 0]);
    }
    await page.$eval('#birth-date', (field) => ((field as HTMLInputElement).value = '2001-01-01'));
    await Promise.all([page.waitForNavigation(), page.click('button[type="submit"]')]);
    expect(await page.$eval('[role="alert"]', (alert) => alert.textContent)).toMatch(/date of birth/);
    expect(await barriers(page)).toEqual([]);
  } finally {
    await browser.close();
  }
});

import Koa from 'koa';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { cors } from '../../server/http/answer/cors.ts';

const own = 'https://csss.example';
let http: Server;
let base: string;
/** The database is away while an origin is looked up. */
let asked = 0;

beforeAll(async () => {
  const app = new Koa();
  app.silent = true;
  app.use(
    cors(own, () => {
      asked++;
      throw new Problem('transient', 'The database is not available');
    }),
  );
  app.use((ctx) => {
    ctx.body = 'here';
  });
  await new Promise<void>((done) => (http = app.listen(0, '127.0.0.1', done)));
  base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterAll(() => http.close());

test.each([
  ['/fhir/Patient', own],
  ['/assets/index.js', 'https://other.example'],
  ['/healthz', 'https://other.example'],
  ['/readyz', 'https://other.example'],
])('%s from %s waits for no database', async (path, origin) => {
  asked = 0;
  const answer = await fetch(base + path, { headers: { Origin: origin } });
  expect([answer.status, asked, answer.headers.get('access-control-allow-origin')]).toEqual([200, 0, null]);
});

test('a foreign page that asks for data is looked up', async () => {
  asked = 0;
  expect((await fetch(`${base}/fhir/Patient`, { headers: { Origin: 'https://other.example' } })).status).toBe(500);
  expect(asked).toBe(1);
});

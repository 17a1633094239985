import { setTimeout as sleep } from 'node:timers/promises';
import Koa from 'koa';
import { expect, test } from 'vitest';
import { Problem } from '../../server/core/problem.ts';
import { accessLog, type AccessEntry } from '../../server/http/access-log.ts';
import { lookAtParts, up } from '../../server/http/request/parts.ts';
import { requestId } from '../../server/http/request/request-id.ts';
import { selfRequests, watchSelf } from '../../server/http/self-request.ts';
import type { State } from '../../server/http/state.ts';

test('a thousand who ask at the same time, and again within a second, cost one look', async () => {
  let looks = 0;
  const ask = lookAtParts({ part: { look: async () => (await sleep(20), looks++, up) } });
  const all = await Promise.all(Array.from({ length: 1000 }, ask));
  expect(all.every(({ part }) => part!.up)).toBe(true);
  await ask();
  expect(looks).toBe(1);
  await sleep(1_050);
  await ask();
  expect(looks).toBe(2);
});

test('a part that hangs is told so after its limit, is not asked again meanwhile, and the others are told at once', async () => {
  let looks = 0;
  let release = () => {};
  const ask = lookAtParts({
    hanging: { limitMs: 100, look: () => (looks++, new Promise((done) => (release = () => done(up)))) },
    well: { look: () => up },
  });
  const start = performance.now();
  for (let i = 0; i < 3; i++)
    expect(await ask()).toEqual({ hanging: { up: false, line: 'no answer in 0.1 s' }, well: up });
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(looks).toBe(1);
  release();
  await sleep(0);
  expect((await ask()).hanging).toEqual(up);
});

test.each([
  [Object.assign(new Error(), { code: 'EMFILE' }), 'no file descriptors are left'],
  [Object.assign(new Error(), { code: 'ENOSPC' }), 'the disk is full'],
  [new Problem('transient', 'The database is not available.'), 'The database is not available.'],
  [new Error('password of postgres://csss:secret@db'), 'does not work (Error)'],
])('what a part throws is told in words for the public: %s', async (error, line) => {
  expect(await lookAtParts({ part: { look: () => Promise.reject(error) } })()).toEqual({ part: { up: false, line } });
});

test('a server asks itself through its whole stack, without a port; only a failure is an entry', async () => {
  const entries: AccessEntry[] = [];
  const app = new Koa<State>();
  app.use(requestId()).use(accessLog((entry) => entries.push(entry)));
  app.use((ctx) => {
    if (ctx.path === '/bad') throw new Error('broken');
    ctx.body = { host: ctx.host };
  });
  const ask = selfRequests(app, 'pacs.example:8443');
  expect(await ask('/good')).toEqual({ status: 200, body: '{"host":"pacs.example:8443"}' });
  expect((await ask('/bad')).status).toBe(500);
  expect(entries).toMatchObject([{ status: 500, route: 'other', err: { message: 'broken' } }]);
});

test('a server that does not answer itself is beyond help after a while, and ended after twice as long', async () => {
  let well = true;
  let dead = 0;
  const watch = watchSelf(async () => { if (!well) throw new Error('poisoned'); }, { everyMs: 20, patienceMs: 1_000, onDead: () => dead++ }); // prettier-ignore
  await sleep(100);
  expect(watch.beyondHelp()).toBeUndefined();
  well = false;
  await sleep(1_700);
  expect([watch.beyondHelp(), dead]).toEqual(['the server has not answered itself for 2 s', 0]);
  await sleep(600);
  expect(dead).toBe(1);
  watch.stop();
});

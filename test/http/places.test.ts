import { createServer, get, type ClientRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemPrincipal } from '../../server/core/principal.ts';
import { Problem } from '../../server/core/problem.ts';
import { koaListener } from '../../server/http/koa-listener.ts';
import { places } from '../../server/http/places.ts';
import type { State } from '../../server/http/state.ts';

let http: Server;
let running = 0;
let begun = 0;
let arrived = 0;
let gone = 0;
let finish: (() => void)[] = [];
beforeEach(async () => {
  [running, begun, arrived, gone, finish] = [0, 0, 0, 0, []];
  const app = new Koa<State>();
  app.silent = true;
  app.use(async (ctx, next) => {
    arrived++;
    ctx.res.once('close', () => gone++);
    ctx.state.principal = systemPrincipal(ctx.path);
    await next().catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      ctx.status = 429;
      ctx.set('Retry-After', String(error.retryAfter));
    });
  });
  app.use(places({ perCaller: 2, waitingPerCaller: 3 }));
  app.use(async (ctx) => {
    running++;
    begun++;
    await new Promise<void>((done) => finish.push(done));
    running--;
    ctx.body = 'done';
  });
  http = createServer(koaListener(app));
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done));
});
afterEach(() => {
  for (const end of finish) end();
  http.closeAllConnections();
  http.close();
});

function ask(path: string): { asking: ClientRequest; status: Promise<number> } {
  const { port } = http.address() as AddressInfo;
  let asking!: ClientRequest;
  const status = new Promise<number>((done) => {
    asking = get({ port, path, agent: false }, (answer) => {
      answer.resume();
      done(answer.statusCode!);
    });
    asking.once('error', () => done(0));
  });
  return { asking, status };
}
const until = (holds: () => boolean) => expect.poll(holds, { timeout: 5000 }).toBe(true);

test('a caller has so many places, waits beyond them, is refused beyond that, and takes none of others', async () => {
  const first = Array.from({ length: 5 }, () => ask('/one'));
  await until(() => running === 2);
  expect(await ask('/one').status).toBe(429);
  const other = ask('/other');
  await until(() => running === 3);
  finish.pop()!();
  expect(await other.status).toBe(200);
  for (let n = 0; n < 5; n++) {
    await until(() => finish.length > 0);
    expect(running).toBeLessThanOrEqual(2);
    finish.shift()!();
  }
  expect(await Promise.all(first.map(({ status }) => status))).toEqual([200, 200, 200, 200, 200]);
});

test('who leaves while waiting gives the place to the next and begins nothing', async () => {
  const inTurn = [];
  // One after the other: connections opened together arrive in any order.
  for (let n = 1; n <= 4; n++) {
    inTurn.push(ask('/one'));
    await until(() => arrived === n);
  }
  const [, , leaving, staying] = inTurn;
  leaving!.asking.destroy();
  await until(() => gone === 1);
  expect(running).toBe(2);
  for (const end of finish.splice(0)) end();
  await until(() => finish.length === 1);
  finish.pop()!();
  expect(await staying!.status).toBe(200);
  expect(begun).toBe(3);
});

import type { Server } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultBudget } from '../../server/http/budget.ts';
import { createHttpServer } from '../../server/http/http-server.ts';
import { trustedProxies } from '../../server/http/request/client-address.ts';
import type { News, NewsFeed } from '../../server/core/news/news-feed.ts';
import type { Principal } from '../../server/core/principal.ts';
import { liveFace, type LiveFace } from '../../server/live/face.ts';
import { localCertificate } from '../harness/certificate.ts';
import { startTlsProxy } from '../harness/tls-proxy.ts';
import { liveLimits } from '../../server/live/limits.ts';
import { caller } from '../harness/records.ts';
import { freshDatabase, type TestDatabase } from '../harness/database.ts';
import { livePage, openLivePage } from '../harness/live-page.ts';
import { freePort } from '../harness/server.ts';
import { testSettings, testWorld } from '../harness/world.ts';

// The face alone, over a feed of the test's own: one that tells more than any page takes, and behind a proxy.
let database: TestDatabase;
let http: Server;
let live: LiveFace;
let url: string;
const closed: string[] = [];
const listeners = new Set<(news: News) => void>();
let position = 1;
const feed: NewsFeed = {
  follow(listener) {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  position: () => `${position}.1`,
  positionBefore: () => `${position}.1`,
  between: () => Promise.resolve(undefined),
  close: () => Promise.resolve(),
};

beforeAll(async () => {
  database = await freshDatabase();
  const port = await freePort();
  url = `http://localhost:${port}`;
  ({ http, live } = await openFace(url, port));
});
afterAll(async () => {
  live.close();
  await new Promise((done) => http.close(done));
  await database.close();
});

async function openFace(publicUrl: string, port: number): Promise<{ http: Server; live: LiveFace }> {
  const doctor: Principal = {
    ...caller('user/*.rs', { role: 'doctor', fhirUser: 'Practitioner/x' }),
    firstParty: true,
  };
  const face = liveFace({
    world: testWorld(database, testSettings(publicUrl)),
    feed,
    verify: () => Promise.resolve(doctor),
    refusals: { note: () => Promise.resolve() },
    publicUrl,
    trusted: trustedProxies([]),
    most: 10,
    measures: { open: () => undefined, told: () => undefined, closed: (reason) => void closed.push(reason) },
  });
  const server = createHttpServer((_asked, answer) => void answer.end(), defaultBudget, face);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return { http: server, live: face };
}

/** @returns bytes of its message. */
function tell(): number {
  const records = Array.from({ length: liveLimits.changes }, (_, i) => ({
    type: 'Observation' as const,
    id: `${position}-${i}-${'x'.repeat(40)}`,
    act: 'create' as const,
    patients: [],
  }));
  const news: News = { cursor: `${++position}.1`, records, topics: [], since: Date.now() };
  for (const listener of listeners) listener(news);
  return JSON.stringify(records.map(({ patients: _patients, ...change }) => change)).length;
}

test('a page that takes nothing is let go after a bounded backlog, and others go on hearing', async () => {
  const [quick, slow] = [await livePage({ url }, 'quick'), await livePage({ url }, 'slow')];
  slow.socket.pause();
  let told = 0;
  for (let i = 0; i < 5_000 && !closed.includes('slow'); i++) {
    told += tell();
    await new Promise((done) => setTimeout(done, 2));
  }
  expect(closed).toEqual(['slow']);
  // What the machine's own buffers of the connection hold, and what we hold.
  expect(told).toBeLessThan(64 << 20);
  expect(live.state()).toEqual({ channels: 1, people: 1 });
  const last = `${position}.1`;
  await quick.until(({ cursor }) => cursor === last, 'the last news');
  slow.socket.terminate();
  quick.close();
});

test('of a flood a page hears the kinds of records only', async () => {
  const page = await livePage({ url }, 'any');
  const flood = Array.from({ length: liveLimits.changes + 1 }, (_, i) => ({ type: 'Observation' as const, id: `f-${i}`, act: 'create' as const, patients: [] })); // prettier-ignore
  const news: News = { cursor: `${++position}.1`, records: flood, topics: [], since: Date.now() };
  for (const listener of listeners) listener(news);
  const told = await page.until(({ cursor }) => cursor === news.cursor, 'the flood');
  expect(told).toMatchObject({ changes: [], gone: ['Observation'] });
  page.close();
});

test('the channel works behind a proxy that ends TLS and passes the upgrade', async () => {
  const certificate = localCertificate();
  const proxy = await startTlsProxy(certificate);
  const port = await freePort();
  const behind = await openFace(proxy.url, port);
  proxy.forwardTo(port);
  const page = await openLivePage({ url: proxy.url }, { token: 'any' }, { Origin: proxy.url }, certificate.cert);
  await page.until(({ type }) => type === 'welcome', 'the welcome');
  await expect(openLivePage({ url: `http://localhost:${port}` }, undefined)).rejects.toThrow('403');
  page.close();
  await page.closed;
  behind.live.close();
  await proxy.close();
  await new Promise((done) => behind.http.close(done));
});

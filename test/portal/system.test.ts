import { hostname, userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeAudit, judgeBrowser, judgeClock, judgeDatabase, judgeDisk, judgeKeys, judgeModel, judgeProcesses, judgeQueue, judgeRelay, judgeSchema, judgeWorkers, type ProcessFacts } from '../../server/core/site/system-parts.ts'; // prettier-ignore
import type { SystemState } from '../../server/portal/system.ts';
import { caller, eventually, type Caller } from '../harness/calls.ts';
import { livePage } from '../harness/live-page.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';
import { reviewForRelease, reviewWorld, type ReviewWorld } from '../work/review-world.ts';

// The installation on one page: two processes on one database, and what waits behind the navigation.
let place: ReviewWorld;
let admin: Caller;
let token: string;

beforeAll(async () => {
  place = await reviewWorld();
  token = (await place.server.signIn('admin')).access_token;
  admin = caller(place.server, token);
}, 120_000);
afterAll(() => place.stop());

const state = (who = admin) => who.json<SystemState>('/portal/system');
const partOf = ({ parts }: SystemState, name: string) => parts.find((one) => one.name === name)!;

test('all parts are there, those that work say so, and the process that answers is among the processes', async () => {
  const told = await state();
  expect(told.parts.map(({ name }) => name)).toEqual([
    'processes', 'database', 'disk', 'images', 'workers', 'queue', 'model', 'browser', 'relay', 'audit', 'keys', 'schema', 'live', 'clock',
  ]); // prettier-ignore
  for (const name of ['processes', 'database', 'images', 'workers', 'model', 'browser', 'keys', 'schema'])
    expect([name, partOf(told, name).state]).toEqual([name, 'ok']);
  expect(told.processes).toMatchObject([{ role: 'all', own: true, silent: false, down: [] }]);
});

test('who asks after a change is told of it, however soon somebody asked before', async () => {
  const { sql } = place.server.system;
  for (let time = 0; time < 3; time++) {
    await sql.query(`insert into process_state (id, role, version, parts, figures) values ('guest', 'worker', '0.0.1', '{}', '{"memory": 1, "clockAhead": 0}')`); // prettier-ignore
    expect((await state()).processes).toHaveLength(2);
    await sql.query(`delete from process_state where id = 'guest'`);
    expect((await state()).processes).toHaveLength(1);
  }
});

test('it is for administrators, leaves no row in the audit trail, and tells of no machine, path or secret', async () => {
  const doctor = caller(place.server, (await place.server.signIn('doctor')).access_token);
  expect((await doctor.get('/portal/system')).status).toBe(403);
  expect((await doctor.get('/portal/waiting')).status).toBe(403);
  expect((await fetch(`${place.server.url}/portal/system`)).status).toBe(401);
  const rows = async () =>
    (await place.server.system.sql.query<{ n: number }>(`select count(*) as n from audit where subject = (select id from account where email = 'admin@demo.csss.example')`))[0]!.n; // prettier-ignore
  const before = await rows();
  const answers = [await (await admin.get('/portal/system')).text(), await (await admin.get('/portal/waiting')).text()];
  expect(await rows()).toBe(before);
  for (const text of answers) {
    for (const secret of [
      hostname(),
      place.server.dataDir,
      '/tmp',
      process.cwd(),
      userInfo().homedir,
      'postgres://',
      '127.0.0.1',
      'localhost',
    ])
      // prettier-ignore
      expect(text).not.toContain(secret);
  }
});

test('a second process is told of by the first, with what only it knows, and pages hear that it came and went', async () => {
  const page = await livePage(place.server, token);
  const environment = { ROLE: 'api', PUBLIC_URL: place.server.url };
  let api: TestServer | undefined = await startTestServer({ beside: place.server, environment, workers: false });
  try {
    await page.until((message) => message.topics?.includes('system') === true, 'that it came');
    const told = await eventually(async () => {
      const now = await state(caller(api!, token));
      return now.processes.length === 2 && now;
    }, 'both processes');
    expect(told.processes.map(({ role, own }) => ({ role, own }))).toEqual([
      { role: 'all', own: false },
      { role: 'api', own: true },
    ]);
    // It has neither itself.
    expect(partOf(told, 'browser')).toMatchObject({ state: 'ok', facts: { workers: 1 } });
    expect(partOf(told, 'model').state).toBe('ok');
    await api.stop();
    api = undefined;
    await eventually(async () => (await state()).processes.length === 1, 'that it is gone');
  } finally {
    await api?.stop();
    page.close();
  }
});

test('what waits behind the places of the navigation is counted', async () => {
  const before = await admin.json<Record<string, number>>('/portal/waiting');
  await reviewForRelease(place, undefined);
  const after = await admin.json<Record<string, number>>('/portal/waiting');
  expect(after['approvals']).toBe(before['approvals']! + 1);
  expect(after).toMatchObject({ registrations: 0, deliveries: expect.any(Number), system: expect.any(Number) });
});

describe('a part is judged', () => {
  const now = new Date('2026-11-27T12:00:00Z');
  const one = (more: Partial<ProcessFacts> = {}): ProcessFacts => ({
    role: 'all', version: '1', silent: false, parts: { server: true, database: true, browser: true, model: true }, figures: { clockAhead: 0 }, ...more,
  }); // prettier-ignore

  test('processes: silent ones, different releases, one that does not answer itself', () => {
    expect(judgeProcesses([one()], '1')).toMatchObject({ state: 'ok' });
    expect(judgeProcesses([one(), one({ silent: true })], '1')).toMatchObject({ state: 'attention', reason: 'silent' });
    expect(judgeProcesses([one(), one({ version: '2' })], '1')).toMatchObject({ reason: 'versions' });
    expect(judgeProcesses([one({ parts: { server: false } })], '1')).toMatchObject({ state: 'failed' });
  });

  test('a worker that is silent is none', () => {
    expect(judgeWorkers([one({ role: 'api' }), one({ silent: true })])).toMatchObject({ state: 'failed', reason: 'no-worker' }); // prettier-ignore
    expect(judgeWorkers([one({ role: 'worker' })])).toMatchObject({ state: 'ok' });
  });

  test('browser and model: in no worker, in some, in all', () => {
    const without = one({ parts: { browser: false, model: false } });
    const active = { name: 'm', version: '1' };
    expect(judgeBrowser([without])).toMatchObject({ state: 'failed', reason: 'browser' });
    expect(judgeBrowser([without, one()])).toMatchObject({ state: 'attention', reason: 'browser-some' });
    expect(judgeBrowser([one({ role: 'api', parts: {} })])).toMatchObject({ reason: 'no-worker' });
    expect(judgeModel([without], active)).toMatchObject({ state: 'failed', reason: 'model' });
    expect(judgeModel([without, one()], active)).toMatchObject({ reason: 'model-some' });
    expect(judgeModel([one()], undefined)).toMatchObject({ state: 'attention', reason: 'no-model' });
  });

  test('disk and database: before they are full', () => {
    const gib = 2 ** 30;
    expect(judgeDisk({ free: 50 * gib, total: 100 * gib, reserve: 1 }).state).toBe('ok');
    expect(judgeDisk({ free: 9 * gib, total: 100 * gib, reserve: 1 }).reason).toBe('nearly-full');
    expect(judgeDisk({ free: 1, total: 100 * gib, reserve: 2 }).state).toBe('failed');
    expect(judgeDatabase([one()], { bytes: 1, connections: 90, most: 100 }).reason).toBe('connections');
    expect(judgeDatabase([one({ parts: { database: false } })], { bytes: 1, connections: 1, most: 100 }).state).toBe('failed'); // prettier-ignore
  });

  test('work that waits: what runs in the shadow may, people may not', () => {
    const kind = (name: string, more: object) => ({ kind: name, waiting: 0, later: 0, active: 0, failed: 0, oldest: 0, ...more }); // prettier-ignore
    expect(judgeQueue([])).toMatchObject({ state: 'ok', facts: { waiting: 0, oldest: 0 } });
    expect(judgeQueue([kind('shadow', { waiting: 9, oldest: 9000 })]).state).toBe('ok');
    expect(judgeQueue([kind('analyze', { waiting: 1, oldest: 301 })]).reason).toBe('waits');
    expect(judgeQueue([kind('issue-report', { failed: 1 })]).reason).toBe('failed-jobs');
  });

  test('relay, tables and clocks', () => {
    expect(judgeRelay({ state: 'unused' }).state).toBe('idle');
    expect(judgeRelay({ state: 'failing', since: now })).toMatchObject({ state: 'failed', facts: { since: now.toISOString() } }); // prettier-ignore
    expect(judgeSchema({ missing: ['x'], unknown: [] }, 1).state).toBe('failed');
    expect(judgeSchema({ missing: [], unknown: ['x'] }, 1).reason).toBe('schema-later');
    expect(judgeClock([one({ figures: { clockAhead: -2_500 } })]).reason).toBe('clock');
  });

  test('the audit trail: never verified, long ago, broken off, with faults', () => {
    const check = (state: string, found: number, days: number) => ({ state, found, changedAt: new Date(now.getTime() - days * 86_400_000) }); // prettier-ignore
    expect(judgeAudit({ rows: 1, linked: 1 }, now).reason).toBe('audit-never');
    expect(judgeAudit({ rows: 1, linked: 1, check: check('done', 0, 1) }, now).state).toBe('ok');
    expect(judgeAudit({ rows: 1, linked: 1, check: check('done', 0, 32) }, now).reason).toBe('audit-old');
    expect(judgeAudit({ rows: 1, linked: 1, check: check('failed', 0, 1) }, now).reason).toBe('audit-broken-off');
    expect(judgeAudit({ rows: 1, linked: 1, check: check('done', 2, 1) }, now).state).toBe('failed');
    expect(judgeAudit({ rows: 200_000, linked: 1, check: check('done', 0, 1) }, now).reason).toBe('audit-unsealed');
  });

  test('keys whose turn is over and that nobody has turned', () => {
    const turn = (days: number) => ({ since: new Date(now.getTime() - 90 * 86_400_000), until: new Date(now.getTime() + days * 86_400_000), count: 2 }); // prettier-ignore
    expect(judgeKeys([turn(10), turn(20)], 1, now)).toMatchObject({ state: 'ok', facts: { keys: 4, recordKeys: 1 } });
    expect(judgeKeys([turn(10), turn(-3)], 1, now).reason).toBe('turn-late');
  });
});

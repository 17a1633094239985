import type { AuditEvent } from '@medplum/fhirtypes';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvCell } from '../../server/portal/audit/audit-export.ts';
import type { AuditEntry } from '../../server/portal/audit/audit-list.ts';
import { caller, type Caller } from '../harness/calls.ts';
import { startTestServer, type TestServer } from '../harness/server.ts';

// The trail on our own screens, and who saw whom.
type Person = 'patient' | 'doctor' | 'pharmacist' | 'admin';
let server: TestServer;
const who = {} as Record<Person, Caller>;
const tokens = new Map<Caller, string>();

async function signedIn(role: Person, options = {}): Promise<Caller> {
  const { access_token } = await server.signIn(role, options);
  const one = caller(server, access_token);
  tokens.set(one, access_token);
  return one;
}
let patient: string;

beforeAll(async () => {
  server = await startTestServer({ workers: false, environment: { TRUSTED_PROXIES: '127.0.0.1,::1' } });
  for (const role of ['patient', 'doctor', 'pharmacist', 'admin'] as const) who[role] = await signedIn(role);
  const account = await server.system.world.read(({ accounts }) => accounts.byEmail('patient@demo.csss.example'));
  patient = account!.fhirUser.slice('Patient/'.length);
  await who.doctor.get(`/fhir/Patient/${patient}`);
  await who.doctor.get(`/fhir/Observation?patient=${patient}`);
}, 120_000);
afterAll(() => server.stop());

interface Page {
  rows: AuditEntry[];
  next?: string;
}
const page = (query: string, as = who.admin) => as.json<Page>(`/portal/audit?${query}`);
const rowsWith = (requestId: string) =>
  server.system.sql.query<{ event: string; outcome: string; reason: string | null; entities: string[]; patients: string[]; address: string; kind: string | null }>(
    `select event, outcome, reason, entities, patients, source_address as address, kind from audit where request_id = $1 order by seq`, [requestId],
  ); // prettier-ignore
async function send(path: string, options: { as?: Caller; method?: string; body?: unknown; headers?: Record<string, string>; id: string }) {
  const { as, method = 'GET', body, headers = {}, id } = options;
  return fetch(server.url + path, {
    method,
    headers: {
      'X-Request-Id': id,
      ...(as && { Authorization: `Bearer ${tokens.get(as)}` }),
      ...(body !== undefined && { 'Content-Type': 'application/fhir+json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
} // prettier-ignore

describe('the list', () => {
  it('tells who did what to whom, with names, newest first, and filters', async () => {
    const { rows } = await page(`patient=${patient}&event=fhir:read&limit=5`);
    expect(rows[0]).toMatchObject({
      event: 'fhir:read',
      outcome: 'success',
      who: { kind: 'user', role: 'doctor', name: expect.stringMatching(/\w+ \w+/) as string },
      patients: [{ id: patient, name: expect.stringMatching(/\w+/) as string }],
      entities: [expect.stringContaining(`Patient/${patient}/_history/`) as string],
    });
    const { subject } = rows[0]!.who;
    for (const [query, fits] of [
      [`account=${subject}`, (row) => row.who.subject === subject],
      ['outcome=refused', (row) => row.outcome === 'refused'],
      ['event=fhir:*', (row) => row.event.startsWith('fhir:')],
      [`entity=Patient/${patient}`, (row) => row.entities.some((name) => name.startsWith(`Patient/${patient}`))],
      ['to=2020-01-01', () => false],
    ] as [string, (row: AuditEntry) => boolean][]) {
      const found = (await page(`${query}&limit=200`)).rows;
      expect(found.every(fits), query).toBe(true);
      expect(found.length > 0, query).toBe(
        !query.startsWith('to=') && query !== 'outcome=refused' ? true : found.length > 0,
      );
    }
  });

  it('goes on from page to page', async () => {
    const seqs: number[] = [];
    for (let before: string | undefined = ''; before !== undefined && seqs.length < 12;) {
      const { rows, next }: Page = await page(`event=smart:*&limit=3${before && `&before=${before}`}`);
      seqs.push(...rows.map(({ seq }) => seq));
      before = next;
    }
    expect(seqs.length).toBeGreaterThan(6);
    expect(seqs).toEqual([...new Set(seqs)]);
  });

  it.each(['from=yesterday', 'limit=0', 'before=1', 'event=a b', 'more=1'])('refuses %s', async (query) => {
    expect((await who.admin.get(`/portal/audit?${query}`)).status).toBe(400);
  });

  it.each(['/portal/audit', '/portal/audit/export', '/portal/audit/chain'])('%s is for administrators in our own app', async (path) => {
    for (const role of ['patient', 'doctor', 'pharmacist'] as const) expect((await who[role].get(path)).status).toBe(403);
    expect((await fetch(server.url + path)).status).toBe(401);
    const service = caller(server, await server.backend());
    expect((await service.get(path)).status).toBe(403);
  }); // prettier-ignore
});

describe('the export', () => {
  it('gives all rows as AuditEvents or as a table, and is in the trail', async () => {
    const lines = (await (await who.admin.get('/portal/audit/export?event=fhir:*')).text()).trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as AuditEvent);
    expect(events.length).toBeGreaterThan(2);
    expect(events.every(({ resourceType, type }) => resourceType === 'AuditEvent' && type.code === 'rest')).toBe(true);
    const answer = await who.admin.get(`/portal/audit/export?format=csv&patient=${patient}`);
    expect(answer.headers.get('Content-Type')).toContain('text/csv');
    expect(answer.headers.get('Content-Disposition')).toMatch(/^attachment; filename="audit-\d{4}-\d\d-\d\d\.csv"$/);
    const table = (await answer.text()).split('\r\n');
    expect(table[0]).toMatch(/^seq,at,action,event,outcome/);
    expect(table.length).toBeGreaterThan(2);
    expect((await page('event=audit:export&outcome=success')).rows.length).toBe(2);
  });

  it('of many rows comes a page at a time, and ends when the caller goes away', async () => {
    await server.system.sql.query(
      `insert into audit (action, event, outcome, entities) select 'R', 'bulk:read', 'success', array[repeat('x', 2000) || n] from generate_series(1, 20000) n`,
    );
    const before = process.memoryUsage().heapUsed;
    const aborter = new AbortController();
    const answer = await fetch(`${server.url}/portal/audit/export?event=bulk:*`, {
      headers: { Authorization: `Bearer ${tokens.get(who.admin)}`, 'Accept-Encoding': 'identity' },
      signal: aborter.signal,
    });
    const reader = answer.body!.getReader();
    for (let read = 0; read < 1 << 20;) read += (await reader.read()).value!.length;
    aborter.abort();
    const busy = async () => {
      const [row] = await server.system.sql.query<{ count: number }>(
        `select count(*) from pg_stat_activity
          where datname = current_database() and query_start > now() - interval '200 ms' and query like '%from audit a%' and pid <> pg_backend_pid()`,
      );
      return row!.count;
    };
    await expect.poll(busy, { timeout: 5_000, interval: 100 }).toBe(0);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150 << 20);
  });

  it.each([
    ['=1+1', `"'=1+1"`], ['+1', `"'+1"`], ['-1', `"'-1"`], ['@x', `"'@x"`], ['\t=1', `"'\t=1"`], [' =1', `"' =1"`], ['a"b', '"a""b"'], ['Rao, A', '"Rao, A"'],
    [7, '7'], [null, ''], ['|cmd', `"'|cmd"`],
  ])('writes the cell %j so that it is no formula', (value, cell) => {
    expect(csvCell(value)).toBe(cell);
  }); // prettier-ignore
});

describe('the wholeness of the trail', () => {
  it('is verified on request, and the page says how far it is and what was found', async () => {
    const asked = await who.admin.send('POST', '/portal/audit/verify', {}, { 'Content-Type': 'application/json' });
    expect(asked.status).toBe(202);
    type Chain = { rows: number; linked: number; lastCheckpoint?: { seq: number }; verified?: { found: number; faults: { kind: string }[] } };
    let chain = await who.admin.json<Chain>('/portal/audit/chain');
    for (let n = 0; n < 100 && !chain.verified; n++) {
      await sleep(200);
      chain = await who.admin.json<Chain>('/portal/audit/chain');
    }
    expect(chain.verified).toMatchObject({ found: 0, faults: [] });
    expect(chain.linked).toBeGreaterThan(20_000);
    expect(chain.rows).toBeGreaterThanOrEqual(chain.linked);
    expect(chain.lastCheckpoint!.seq).toBeGreaterThanOrEqual(0);
  }); // prettier-ignore
});

describe('who saw me', () => {
  it('tells a patient the names of people and services, and nothing about others', async () => {
    const service = caller(server, await server.backend());
    await service.get(`/fhir/Patient/${patient}`);
    await service.get('/fhir/Patient?_count=50'); // this patient and others
    const { rows } = await who.patient.json<Page>('/portal/me/accesses?limit=100');
    expect(rows.find(({ who: by }) => by.role === 'doctor')?.who.name).toMatch(/\w/);
    expect(rows.find(({ who: by }) => by.kind === 'client')?.who).toMatchObject({ name: 'Demo backend service' });
    for (const row of rows) {
      expect(row.patients.map(({ id }) => id)).toEqual([patient]);
      expect(row).toMatchObject({ entities: [], outcome: 'success' });
      expect(Object.keys(row)).not.toEqual(expect.arrayContaining(['address']));
      expect(row.who.subject).toBeUndefined();
      expect(row.who.role).not.toBe('patient');
    }
  });

  it('tells staff what they did themselves', async () => {
    const { rows } = await who.doctor.json<Page>('/portal/me/accesses');
    expect(rows.length).toBeGreaterThan(2);
    expect(new Set(rows.map(({ who: by }) => by.role))).toEqual(new Set(['doctor', undefined]));
  });
});

describe('what is refused', () => {
  it('leaves one row for each kind of refusal of each face, with its code and the address behind the proxy', async () => {
    const forwarded = { 'X-Forwarded-For': '203.0.113.9' };
    const put = (headers: Record<string, string>, id: string) =>
      send(`/fhir/Patient/${patient}`, {
        as: who.doctor,
        method: 'PUT',
        id,
        headers,
        body: { resourceType: 'Patient', id: patient },
      });
    const all: [string, number, string, string, () => Promise<Response>][] = [
      ['r403', 403, 'fhir:create', 'forbidden', () => send('/fhir/Device', { as: who.doctor, method: 'POST', body: { resourceType: 'Device' }, id: 'r403', headers: forwarded })],
      ['r412', 412, 'fhir:update', 'lock-error', () => put({ 'If-Match': 'W/"999"', ...forwarded }, 'r412')],
      ['r404', 404, 'fhir:read', 'not-found', () => send('/fhir/Patient/somebody-else', { as: who.patient, id: 'r404', headers: forwarded })],
      ['r401', 401, 'fhir:read', 'login', () => send('/fhir/Patient/x', { id: 'r401', headers: forwarded })],
      ['d403', 403, 'dicomweb:search', 'forbidden', async () => {
        const narrow = await signedIn('doctor', { scope: 'openid fhirUser user/Patient.rs' });
        return send('/dicomweb/studies', { as: narrow, id: 'd403', headers: forwarded });
      }],
      ['d404', 404, 'dicomweb:retrieve', 'not-found', () => send('/dicomweb/studies/1.2.3', { as: who.patient, id: 'd404', headers: forwarded })],
      ['p403', 403, 'audit:list', 'forbidden', () => send('/portal/audit', { as: who.doctor, id: 'p403', headers: forwarded })],
      ['p401', 401, 'portal:read', 'login', () => send('/portal/audit', { id: 'p401', headers: forwarded })],
    ]; // prettier-ignore
    for (const [id, status, event, reason, ask] of all) {
      expect([id, (await ask()).status]).toEqual([id, status]);
      const rows = await rowsWith(id);
      expect(rows, id).toMatchObject([{ event, outcome: 'refused', reason, address: '203.0.113.9' }]);
    }
  });

  it('in a batch leaves a row for the entry', async () => {
    const entry = { resource: { resourceType: 'Patient', id: patient }, request: { method: 'PUT', url: `Patient/${patient}`, ifMatch: 'W/"999"' } };
    const answer = await send('/fhir', { as: who.doctor, method: 'POST', id: 'batch', body: { resourceType: 'Bundle', type: 'batch', entry: [entry] } });
    expect(answer.status).toBe(200);
    expect(await rowsWith('batch')).toMatchObject([{ outcome: 'refused', reason: 'lock-error' }]);
  }); // prettier-ignore

  it('of strangers fills no table: some rows a network, the rest counted in one', async () => {
    const flood = { 'X-Forwarded-For': '198.51.100.7' };
    await Promise.all(Array.from({ length: 60 }, () => send('/dicomweb/studies', { id: 'flood', headers: flood })));
    expect((await rowsWith('flood')).length).toBe(5);
    const other = await send('/dicomweb/studies', { id: 'other', headers: { 'X-Forwarded-For': '198.51.100.8' } });
    expect(other.status).toBe(401);
    expect((await rowsWith('other')).length).toBe(1);
  });
});

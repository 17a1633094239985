import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../../server/core/world.ts';
import { verifyAudit } from '../../server/core/access/audit-chain.ts';
import { sealAudit } from '../../server/core/access/audit-seal.ts';
import { everything } from '../../server/core/access/narrowing.ts';
import { parseSearch } from '../../server/core/search/parse-search.ts';
import { auditAnchorFile } from '../../server/infrastructure/audit-anchor-file.ts';
import { jwsSigner, makeSigningKey } from '../../server/infrastructure/jws-signer.ts';
import { connect, poolSql } from '../../server/infrastructure/postgres/connection.ts';
import { startEmbeddedPostgres } from '../../server/infrastructure/postgres/embedded.ts';
import { testSettings, testWorld } from '../harness/world.ts';
import { median, report } from './measure.ts';

const rows = 1_000_000;

/** A year of a busy department: 2,000 patients, 60 people, the last of them an hour ago. */
const generated = `
  insert into audit (at, action, event, outcome, kind, subject, client_id, role, fhir_user, token_id, patients, entities, request_id, source_address)
  select now() - interval '1 hour' - make_interval(secs => ($1 - n) * 31.5), 'R',
         (array['fhir:read', 'fhir:search', 'dicomweb:retrieve', 'fhir:update', 'smart:sign-in'])[1 + n % 5], case when n % 50 = 0 then 'refused' else 'success' end,
         'user', 'account-' || n % 60, 'csss-viewer', 'doctor', 'Practitioner/p-' || n % 60, md5((n / 40)::text), array['patient-' || (n * 7919) % 2000],
         array['Observation/' || md5(n::text) || '/_history/1'], 'request-' || n, '10.0.0.' || n % 250
    from generate_series(1::bigint, $1::bigint) n`;

/** Searches of AuditEvents, sealing and verification, on a million rows. */
export async function auditSearchBench(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'csss-bench-audit-'));
  const server = await startEmbeddedPostgres(folder);
  const dataSource = await connect(server.url, { poolSize: 4, statementTimeoutMs: 0 });
  await dataSource.runMigrations();
  const sql = poolSql(dataSource);
  for (let month = 0; month < 13; month++)
    await sql.query(
      `select make_audit_partition((date_trunc('month', now() at time zone 'UTC') - make_interval(months => $1))::date)`,
      [month],
    );
  await sql.query(generated, [rows]);
  await sql.query('analyze audit');
  const database = { url: server.url, sql, dataSource, close: () => Promise.resolve() };
  const signer = jwsSigner([await makeSigningKey()]);
  const world = testWorld(database, testSettings('https://csss.test'), { signer, auditAnchors: auditAnchorFile(folder, () => undefined) }); // prettier-ignore
  const now = Date.now();
  const day = (back: number) => new Date(now - back * 86_400_000).toISOString().slice(0, 10);
  for (const query of [
    'patient=patient-7', `patient=patient-7&date=ge${day(30)}`, `date=ge${day(8)}&date=lt${day(7)}`, 'agent=Practitioner/p-7', '_sort=date&_count=20',
    'outcome=4', `type=rest&date=ge${day(2)}`, 'subtype=110122', `entity=Observation/x&date=ge${day(30)}`, 'entity=Observation/x', '_id=4711',
    'patient=patient-7&_summary=count', '_summary=count',
  ]) report(`AuditEvent?${query.replace(/\d{4}-\d\d-\d\d/g, 'DAY')}`, await timed(world, query), '', ''); // prettier-ignore
  const seal = await seconds(() => sealAudit(world));
  const heap = process.memoryUsage().heapUsed;
  const verify = await seconds(() => verifyAudit(world));
  report('seal, rows a second', (rows / seal).toFixed(0), `${seal.toFixed(1)} s`, '');
  report('verify, rows a second', (rows / verify).toFixed(0), `${verify.toFixed(1)} s, heap ${Math.round((process.memoryUsage().heapUsed - heap) / 1e6)} MB more`, ''); // prettier-ignore
  await dataSource.destroy();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function timed(world: World, text: string): Promise<string> {
  const { query } = parseSearch('AuditEvent', [...new URLSearchParams(text)], { strict: true });
  const times: number[] = [];
  for (let n = 0; n < 5; n++)
    times.push(1000 * (await seconds(() => world.read(({ records }) => records.search(query, () => everything)))));
  return `${median(times).toFixed(1)} ms`;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

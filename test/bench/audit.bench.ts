import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditTrail } from '../../server/core/access/audit-trail.ts';
import { systemPrincipal } from '../../server/core/principal.ts';
import { sharedAudit } from '../../server/infrastructure/postgres/audit/audit.ts';
import { connect, poolSql } from '../../server/infrastructure/postgres/connection.ts';
import { secretBox } from '../../server/infrastructure/secret-box.ts';
import { startEmbeddedPostgres } from '../../server/infrastructure/postgres/embedded.ts';
import { measure, median, report } from './measure.ts';

const rows = 1_000;
const writers = 8;
const rounds = 20;
const stamp = { keys: secretBox([Buffer.alloc(32, 'bench keys')]), now: () => new Date() };
const plainTable = [
  `create schema plain`,
  `create table plain.audit (like public.audit including all excluding indexes, primary key (seq))`,
  `create index audit_at on plain.audit (at)`,
  `create index audit_patients on plain.audit using gin (patients) with (fastupdate = off)`,
  `create trigger audit_append_only before update or delete or truncate on plain.audit
   for each statement execute function refuse_change()`,
];

/**
 * 20,000 rows of the audit trail, each on disk before its writer goes on: into the table as it is, and into a plain one
 * of the same columns and indexes, a thousand in turns, because a disk is not equally fast all the time.
 */
export async function auditBench(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'csss-bench-audit-'));
  const server = await startEmbeddedPostgres(folder);
  const dataSource = await connect(server.url, { poolSize: 4 });
  await dataSource.runMigrations();
  for (const statement of plainTable) await dataSource.query(statement);
  const beside = await connect(`${server.url}?options=-csearch_path%3Dplain,public`, { poolSize: 4 });
  const [ours, plain] = [
    { trail: dataSource, rates: [] as number[] },
    { trail: beside, rates: [] as number[] },
  ];
  for (let round = 0; round < rounds; round++)
    for (const one of round % 2 === 0 ? [ours, plain] : [plain, ours])
      one.rates.push(await rate(sharedAudit(poolSql(one.trail), stamp)));
  report(
    `audit rows a second, ${writers} writers`,
    median(ours.rates).toFixed(0),
    `plain table ${median(plain.rates).toFixed(0)}`,
    median(ours.rates.map((one, round) => one / plain.rates[round]!)).toFixed(2),
  );
  await beside.destroy();
  await dataSource.destroy();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function rate(trail: AuditTrail): Promise<number> {
  const principal = systemPrincipal('bench');
  const append = (index: number) =>
    trail.append({
      action: 'R',
      event: 'fhir:read',
      outcome: 'success',
      principal,
      patients: [`patient-${index % 1700}`],
      entities: [`Observation/${index}/_history/1`],
      requestId: `bench-${index}`,
    });
  return (await measure(append, rows, writers)).rate;
}

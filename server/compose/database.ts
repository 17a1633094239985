import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { databaseClock, type Clock } from '../infrastructure/postgres/clock.ts';
import { connect, poolSql, type Sql } from '../infrastructure/postgres/connection.ts';
import { startEmbeddedPostgres } from '../infrastructure/postgres/embedded.ts';
import type { JobRunner } from '../infrastructure/postgres/jobs/jobs.ts';
import { indexDays, indexedZone } from '../infrastructure/postgres/records/site-days.ts';
import { postgresSite } from '../infrastructure/postgres/site.ts';
import { migrateAll, untilMigrated } from './migration.ts';
import type { Start } from './start.ts';
import { fillWorkRows } from './work-rows.ts';

export interface Database {
  url: string;
  dataSource: DataSource;
  /** The pool. */
  sql: Sql;
  jobs: JobRunner;
}

/** The database that is named, or the one that came with the packages; brought to this release if the role says so. */
export async function openDatabase(start: Omit<Start, 'settings'>): Promise<Database> {
  const { config, log, onProgress, closing } = start;
  const url = config.databaseUrl ?? (await ownDatabase(start));
  // Nobody waits at a command line for what another is to do.
  const patience = config.roles.api || config.roles.worker || config.roles.dimse ? undefined : { patienceMs: 0 };
  const jobs = config.roles.all ? await migrated(url, start) : await untilMigrated(url, start, patience);
  closing.push(jobs.stop);
  const dataSource = await connect(url, {
    poolSize: config.databasePool,
    onLost: (err) => log.warn({ err }, 'database connection lost'),
  });
  closing.push(() => dataSource.destroy());
  const sql = poolSql(dataSource);
  if (config.roles.all && !config.databaseOwnerUrl)
    await indexDays(dataSource, await wantedZone(sql, config.timeZone), onProgress);
  if (config.roles.all) await fillWorkRows(dataSource, config, onProgress);
  return { url, dataSource, sql, jobs };
}

/** The zone that days are to be indexed for: the environment's, the one that an administrator chose, or as it is. */
export async function wantedZone(sql: Sql, fixed: string | undefined): Promise<string> {
  return fixed ?? (await postgresSite(sql).read()).timeZone ?? (await indexedZone(sql));
}

/** Who migrates does it as the tables' owner, and goes on with the role that is for every day. */
async function migrated(url: string, start: Omit<Start, 'settings'>): Promise<JobRunner> {
  const { config, onProgress } = start;
  const owner = config.databaseOwnerUrl;
  const { jobs } = await migrateAll(owner ?? url, start);
  if (owner === undefined) return jobs;
  await jobs.stop();
  const dataSource = await connect(owner, { poolSize: 1 });
  try {
    await indexDays(dataSource, await wantedZone(poolSql(dataSource), config.timeZone), onProgress);
  } finally {
    await dataSource.destroy();
  }
  return untilMigrated(url, start);
}

/** Starts the PostgreSQL of the packages in the data folder, or uses the one that another process started there. */
export async function ownDatabase({
  config,
  log,
  onProgress,
  closing,
}: Pick<Start, 'config' | 'log' | 'onProgress' | 'closing'>): Promise<string> {
  const embedded = await startEmbeddedPostgres(join(config.dataDir, 'postgres'), {
    onProgress,
    onChange: (change) => log.warn(change, 'embedded database'),
  });
  closing.push(embedded.stop);
  return embedded.url;
}

/** The clock that counts, for all processes on this database. */
export async function openClock({ log, closing }: Start, { sql }: Database): Promise<Clock> {
  const onSkew = (ms: number) => log.warn({ ms }, "this machine's clock differs from the database's");
  const clock = await databaseClock(sql, { everyMs: 60_000, onSkew });
  closing.push(async () => clock.close());
  return clock;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationError } from '../config.ts';
import { Problem } from '../core/problem.ts';
import { currentRequest } from '../http/request/request-id.ts';
import { connect, poolSql, type Sql } from '../infrastructure/postgres/connection.ts';
import { startJobs, type JobRunner } from '../infrastructure/postgres/jobs/jobs.ts';
import { alone, migrate } from '../infrastructure/postgres/migrate.ts';
import { schemaState } from '../infrastructure/postgres/schema-state.ts';
import { indexedZone } from '../infrastructure/postgres/records/site-days.ts';
import type { Start } from './start.ts';

/**
 * Brings the tables, and those of the job queue, to this release, by one process at a time.
 *
 * @returns the queue, and the names of the migrations that were run.
 */
export function migrateAll(
  url: string,
  { config, log, onProgress }: Pick<Start, 'config' | 'log' | 'onProgress'>,
): Promise<{ jobs: JobRunner; done: string[] }> {
  const onWait = () => onProgress('waiting for another process that migrates the database');
  const work = async () => {
    const done = await migrate(url, onProgress);
    // The job queue makes its own tables when it starts.
    const jobs = await startJobs(url, {
      supervise: config.roles.worker,
      onError: (err) => log.warn({ err }, 'job queue'),
      context: currentRequest,
    });
    return { jobs, done };
  };
  return alone(url, 'migrate', work, onWait);
}

/** How long a process that does not migrate waits for the one that does. */
const patienceMs = 60_000;

/**
 * Waits until the database is of this release, by another's doing: `npm run migrate`, or a process with ROLE=all.
 *
 * @throws ConfigurationError at once when the database is of a later release; Problem `conflict` with what is
 * lacking when it is still so after a minute.
 */
export async function untilMigrated(
  url: string,
  { config, log, onProgress }: Pick<Start, 'config' | 'log' | 'onProgress'>,
  options: { patienceMs: number } = { patienceMs },
): Promise<JobRunner> {
  const dataSource = await connect(url, { poolSize: 1 });
  const sql = poolSql(dataSource);
  const end = performance.now() + options.patienceMs;
  try {
    for (let told = false; ; told = true) {
      const lack = (await lacking(sql, config.timeZone)) ?? (await openJobs(url, { config, log }));
      if (typeof lack !== 'string') return lack;
      if (performance.now() >= end) throw new Problem('conflict', `${lack} Run: npm run migrate`);
      if (!told)
        onProgress(`waiting up to ${Math.ceil(options.patienceMs / 1000)} s for the migration of the database`);
      await sleep(500);
    }
  } finally {
    await dataSource.destroy();
  }
}

/** What the database lacks, as a sentence. */
async function lacking(sql: Sql, timeZone: string | undefined): Promise<string | undefined> {
  const { missing, unknown } = await schemaState(sql);
  if (unknown.length > 0)
    throw new ConfigurationError(
      `The database is of a later release than this program (${unknown.join(', ')}). Start that release.`,
    );
  if (missing.length > 0)
    return `The database is of an earlier release than this program (${missing.length} migrations are missing).`;
  // What an administrator chose on a page waits for the next migration; it keeps no process from starting.
  if (timeZone === undefined) return undefined;
  const zone = await indexedZone(sql);
  if (zone === timeZone) return undefined;
  return `The database is indexed for the time zone ${zone}, and SITE_TIME_ZONE is ${timeZone} here.`;
}

async function openJobs(url: string, { config, log }: Pick<Start, 'config' | 'log'>): Promise<JobRunner | string> {
  try {
    return await startJobs(url, {
      supervise: config.roles.worker,
      install: false,
      onError: (err) => log.warn({ err }, 'job queue'),
      context: currentRequest,
    });
  } catch (error) {
    if (error instanceof Problem && error.code === 'conflict') return error.message;
    throw error;
  }
}

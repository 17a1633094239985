/**
 * `npm run migrate`: brings the database to this release and ends, for installations whose processes do not do it
 * themselves (ROLE=api, ROLE=worker). Reads the same environment as they.
 */
import './core/sealed-prototype.ts';
import { mkdir } from 'node:fs/promises';
import { ownDatabase } from './compose/database.ts';
import { migrateAll } from './compose/migration.ts';
import { ConfigurationError, readConfig } from './config.ts';
import { connect } from './infrastructure/postgres/connection.ts';
import { indexDays } from './infrastructure/postgres/records/site-days.ts';
import { createLogger } from './log.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);
const closing: (() => Promise<unknown>)[] = [];

try {
  const config = readConfig(process.env);
  const start = {
    config,
    log: createLogger(config.logLevel),
    onProgress: (step: string) => say(`  ${step} ...`),
    closing,
  };
  await mkdir(config.dataDir, { recursive: true });
  const url = config.databaseOwnerUrl ?? config.databaseUrl ?? (await ownDatabase(start));
  const { jobs, done } = await migrateAll(url, start);
  closing.push(jobs.stop);
  const dataSource = await connect(url, { poolSize: 2 });
  closing.push(() => dataSource.destroy());
  const moved = await indexDays(dataSource, config.timeZone, start.onProgress);
  say(done.length > 0 ? `Migrated: ${done.join(', ')}.` : 'The tables are of this release already.');
  if (moved > 0) say(`Dates of ${moved} records were indexed for the time zone ${config.timeZone}.`);
  say('The job queue is ready.');
} catch (error) {
  say(`The database could not be migrated: ${error instanceof Error ? error.message : String(error)}`);
  // As server/main.ts: 78 is a mistake that another try does not mend (EX_CONFIG).
  process.exitCode = error instanceof ConfigurationError ? 78 : 1;
} finally {
  for (const close of closing.reverse()) await close().catch((error: unknown) => say(String(error)));
}

import { mkdir } from 'node:fs/promises';
import { connect, poolSql } from '../infrastructure/postgres/connection.ts';
import { indexDays } from '../infrastructure/postgres/records/site-days.ts';
import { ownDatabase, wantedZone } from './database.ts';
import { migrateAll } from './migration.ts';
import { openSecrets } from './secrets.ts';
import type { Start } from './start.ts';
import { fillWorkRows } from './work-rows.ts';

/**
 * Brings tables, job queue, sealed secrets and the index of dates to this release.
 *
 * @param say told what was done.
 */
export async function migrateDatabase(
  start: Pick<Start, 'config' | 'log' | 'onProgress' | 'closing'>,
  say: (line: string) => void,
): Promise<void> {
  const { config, closing } = start;
  await mkdir(config.dataDir, { recursive: true });
  const url = config.databaseOwnerUrl ?? config.databaseUrl ?? (await ownDatabase(start));
  const { jobs, done } = await migrateAll(url, start);
  closing.push(jobs.stop);
  const dataSource = await connect(url, { poolSize: 2 });
  closing.push(() => dataSource.destroy());
  const sql = poolSql(dataSource);
  await openSecrets(start, sql);
  const zone = await wantedZone(sql, config.timeZone);
  const moved = await indexDays(dataSource, zone, start.onProgress);
  const rows = await fillWorkRows(dataSource, config, start.onProgress);
  say(done.length > 0 ? `Migrated: ${done.join(', ')}.` : 'The tables are of this release already.');
  if (moved > 0) say(`Dates of ${moved} records were indexed for the time zone ${zone}.`);
  if (rows > 0) say(`The lists of work got ${rows} reviews.`);
  say('The job queue is ready.');
}

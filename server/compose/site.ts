import { indexedZone } from '../infrastructure/postgres/records/site-days.ts';
import { postgresSite } from '../infrastructure/postgres/site.ts';
import type { Database } from './database.ts';
import type { LiveSite, Start } from './start.ts';

/** How soon a process says what an administrator has changed at another. */
const everyMs = 10_000;

/** Follows what administrators say of the site. */
export async function openSite(
  { config, log, closing }: Pick<Start, 'config' | 'log' | 'closing'>,
  { sql }: Pick<Database, 'sql'>,
): Promise<LiveSite> {
  const store = postgresSite(sql);
  let site = await store.read();
  const reload = async () => {
    site = await store.read();
  };
  const timer = setInterval(() => {
    reload().catch((err: unknown) => log.warn({ err }, 'settings of the site could not be read'));
  }, everyMs).unref();
  closing.push(async () => clearInterval(timer));
  return { kept: () => site, timeZone: config.timeZone ?? (await indexedZone(sql)), reload };
}

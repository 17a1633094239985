import type { Sql } from './connection.ts';

export interface Clock {
  /** What the database's clock says, to within the time of a short query. */
  now(): Date;
  /** How far this machine's clock is ahead, in milliseconds. */
  aheadMs(): number;
  close(): void;
}

/**
 * The database's clock, followed by the machine's own: processes on one database agree on what is late, whatever the
 * machine of one of them thinks. Otherwise one that is an hour ahead takes the others' running analyses for lost.
 *
 * @param options.onSkew called when the two differ by more than a few seconds, which sign-in and tokens do feel.
 */
export async function databaseClock(
  sql: Sql,
  options: { everyMs: number; onSkew: (aheadMs: number) => void },
): Promise<Clock> {
  let ahead = 0;
  const compare = async () => {
    const before = Date.now();
    const [row] = await sql.query<{ now: number }>('select extract(epoch from clock_timestamp()) * 1000 as now');
    const after = Date.now();
    if (after - before > 1_000) return; // too slow, or the clock was set meanwhile
    ahead = (before + after) / 2 - Number(row!.now);
    if (Math.abs(ahead) > 5_000) options.onSkew(Math.round(ahead));
  };
  await compare();
  const timer = setInterval(() => void compare().catch(() => undefined), options.everyMs);
  timer.unref();
  return {
    now: () => new Date(Date.now() - ahead),
    aheadMs: () => ahead,
    close: () => clearInterval(timer),
  };
}

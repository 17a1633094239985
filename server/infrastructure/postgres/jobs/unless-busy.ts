import pg from 'pg';

/**
 * Does `work` unless another process on this database does the same at this moment: where `alone` waits, this goes by.
 *
 * The lock is a transaction's on a connection of its own, so that it works through a pooler, ends with its process, and
 * takes no connection that the work itself waits for. That transaction has neither a number nor a snapshot: it holds up
 * no vacuum, and the feed of changes goes on.
 *
 * @param what names the lock, within this program.
 * @returns undefined if another process has it.
 */
export async function unlessBusy<T>(url: string, what: string, work: () => Promise<T>): Promise<T | undefined> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'csss-chore',
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined); // the lock is gone then, and the work goes on: it is safe to repeat
  try {
    await client.connect();
    await client.query('begin');
    await client.query(`set local idle_in_transaction_session_timeout = 0`);
    const { rows } = await client.query<{ got: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('chore ' || $1, 0)) as got`,
      [what],
    );
    return rows[0]!.got ? await work() : undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}

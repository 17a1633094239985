import pg from 'pg';
import { connect } from './connection.ts';

/** One lock for each thing that only one process at a time may do to a database. */
const locks = { migrate: 5_017_002, 'demo data': 5_017_003 } as const;

/** How long a statement of an upgrade waits for a table that others use: everybody else waits behind it meanwhile. */
const lockTimeoutMs = 5_000;
const lockTries = 12;

/**
 * Does `work` while no other process does the same on this database; the others wait, and then find it done.
 *
 * The lock belongs to a transaction, so that it works through a pooler and ends with its process.
 *
 * @param onWait called once when another process has it.
 */
export async function alone<T>(
  url: string,
  what: keyof typeof locks,
  work: () => Promise<T>,
  onWait: () => void = () => undefined,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'csss-start', keepAlive: true });
  client.on('error', () => undefined); // told by the call that fails
  await client.connect();
  try {
    await client.query('begin');
    await client.query(
      `set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0; set local lock_timeout = 0`,
    );
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_xact_lock($1) as got', [locks[what]]);
    if (!rows[0]!.got) {
      onWait();
      await client.query('select pg_advisory_xact_lock($1)', [locks[what]]);
    }
    const done = await work();
    await client.query('commit');
    return done;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/**
 * Brings the tables to this release. Without a limit for a statement, because an index of a large hospital takes
 * longer than any request may; with one for waiting on locks, after which the step is tried again. To be called
 * within `alone(url, 'migrate', ...)`.
 *
 * @param onProgress called before the first step if there is one to do.
 * @returns the steps that were done.
 */
export async function migrate(url: string, onProgress: (step: string) => void): Promise<string[]> {
  const dataSource = await connect(url, { poolSize: 2, statementTimeoutMs: 0, lockTimeoutMs });
  const done: string[] = [];
  try {
    if (await dataSource.showMigrations()) onProgress('migrating the database');
    for (let attempt = 1; ; attempt++) {
      try {
        done.push(...(await dataSource.runMigrations()).map(({ name }) => name));
        return done;
      } catch (error) {
        const { code } = error as { code?: unknown };
        if (code !== '55P03' || attempt === lockTries) throw error; // lock_not_available
        onProgress('waiting for a table that is in use');
      }
    }
  } finally {
    await dataSource.destroy();
  }
}

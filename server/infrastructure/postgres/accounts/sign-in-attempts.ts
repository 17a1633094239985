import { createHash } from 'node:crypto';
import type { AttemptStore } from '../../../core/accounts/authorizations.ts';
import type { Sql } from '../connection.ts';

/** Sign-in tries in PostgreSQL, for all processes. Keys are stored as hashes: what people type into the address field may be anything. */
export function postgresAttempts(sql: Sql): AttemptStore {
  const hashed = (key: string) => createHash('sha256').update(key).digest('base64url');
  return {
    async begin(keys) {
      const rows = keys.map((key) => ({ ...key, key: hashed(key.key) }));
      const [row] = await sql.query<{ wait: number }>(`select begin_sign_in($1::jsonb) as wait`, [
        JSON.stringify(rows),
      ]);
      return row!.wait;
    },
    async settle({ forget = [], giveBack = [] }) {
      if (forget.length > 0)
        await sql.query(`delete from sign_in_attempt where key = any ($1)`, [forget.map(({ key }) => hashed(key))]);
      if (giveBack.length > 0)
        await sql.query(
          `update sign_in_attempt set failures = greatest(failures - 1, 0), free_at = least(free_at, clock_timestamp())
            where key = any ($1)`,
          [giveBack.map(({ key }) => hashed(key))],
        );
    },
  };
}

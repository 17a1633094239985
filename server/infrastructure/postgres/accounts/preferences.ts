import type { Preferences, PreferenceStore } from '../../../core/accounts/people/preferences.ts';
import type { Sql } from '../connection.ts';

/** Preferences in PostgreSQL: one JSON object an account, merged by the database so that two tabs take nothing from each other. */
export function postgresPreferences(sql: Sql): PreferenceStore {
  return {
    async of(accountId) {
      const [row] = await sql.query<{ wanted: Preferences }>(
        `select wanted from account_preference where account_id = $1`,
        [accountId],
      );
      return row?.wanted ?? {};
    },
    async change(accountId, change) {
      await sql.query(
        `insert into account_preference as standing (account_id, wanted) values ($1, jsonb_strip_nulls($2::jsonb))
         on conflict (account_id) do update set wanted = jsonb_strip_nulls(standing.wanted || $2::jsonb)`,
        [accountId, JSON.stringify(change)],
      );
    },
  };
}

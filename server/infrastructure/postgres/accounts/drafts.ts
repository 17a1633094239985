import type { DraftStore } from '../../../core/accounts/drafts/draft-store.ts';
import type { Sql } from '../connection.ts';

/** Forms that somebody may have open at a time, and more. */
const most = 100;

/** Drafts in PostgreSQL. The row's id changes with its content: it is sealed about that. */
export function postgresDrafts(sql: Sql): DraftStore {
  return {
    async of(accountId, name) {
      const [row] = await sql.query<{ id: string; sealed: string; saved_at: Date }>(
        `select id, sealed, saved_at from draft where account_id = $1 and name = $2`,
        [accountId, name],
      );
      return row && { id: row.id, sealed: row.sealed, savedAt: row.saved_at };
    },
    async save({ id, accountId, name, sealed }) {
      await sql.query(
        `insert into draft (id, account_id, name, sealed) values ($1, $2, $3, $4)
         on conflict (account_id, name) do update set id = excluded.id, sealed = excluded.sealed, saved_at = now()`,
        [id, accountId, name, sealed],
      );
      await sql.query(
        `delete from draft where id in (
           select id from draft where account_id = $1 order by saved_at desc, id desc offset ${most})`,
        [accountId],
      );
    },
    async remove(accountId, name) {
      await sql.query(`delete from draft where account_id = $1 and name = $2`, [accountId, name]);
    },
    async forget(days) {
      const rows = await sql.query(
        `delete from draft where saved_at < now() - make_interval(days => $1) returning id`,
        [days],
      );
      return rows.length;
    },
  };
}

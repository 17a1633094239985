import type { PushStore } from '../../../core/notices/push-store.ts';
import type { Sql } from '../connection.ts';

/** Browsers that one person has. */
const most = 20;

/** Sign-ins that stand, by the authorization server's rows. */
const standing = `exists (
  select from oidc_payload session
   where session.model = 'Session' and session.uid = p.session and session.account_id = p.account_id
     and session.expires_at > now())`;

/** Browsers that want to be told, in PostgreSQL. */
export function postgresPushSubscriptions(sql: Sql): PushStore {
  return {
    async save({ id, accountId, grantId, digest, sealed }) {
      const rows = await sql.query(
        `insert into push_subscription as p (id, account_id, session, digest, sealed)
         select $1, $2, session.uid, $4, $5 from oidc_payload session
          where session.model = 'Session' and session.account_id = $2 and session.expires_at > now()
            and exists (select from jsonb_each(coalesce(session.payload -> 'authorizations', '{}')) where value ->> 'grantId' = $3)
          limit 1
         on conflict (digest) do update
           set id = excluded.id, account_id = excluded.account_id, session = excluded.session, sealed = excluded.sealed, created_at = now()
         returning id`,
        [id, accountId, grantId, digest, sealed],
      );
      await sql.query(
        `delete from push_subscription where id in (
           select id from push_subscription where account_id = $1 order by created_at desc offset ${most})`,
        [accountId],
      );
      return rows.length === 1;
    },
    async digestsOf(accountId) {
      const rows = await sql.query<{ digest: string }>(
        `select digest from push_subscription where account_id = $1 order by created_at`,
        [accountId],
      );
      return rows.map(({ digest }) => digest);
    },
    async remove({ accountId, digest }) {
      await sql.query(`delete from push_subscription where account_id = $1 and digest = $2`, [accountId, digest]);
    },
    async removeById(id) {
      await sql.query(`delete from push_subscription where id = $1`, [id]);
    },
    async byId(id) {
      const [row] = await sql.query<{ id: string; account_id: string; sealed: string; language: string | null }>(
        `select p.id, p.account_id, p.sealed, a.language
           from push_subscription p join account a on a.id = p.account_id
          where p.id = $1 and not a.disabled and ${standing}`,
        [id],
      );
      if (!row) return undefined;
      const { account_id: accountId, language, sealed } = row;
      return { id: row.id, accountId, sealed, ...(language !== null && { language }) };
    },
    async hearing(noticeId, patientId) {
      const rows = await sql.query<{ id: string }>(
        `select p.id
           from notice n
           join account a on (n.role = a.role or n.account_id = a.id) and not a.disabled and n.caused_by is distinct from a.id
           join push_subscription p on p.account_id = a.id
          where n.id = $1 and ${standing}
            and not coalesce($2 = any ((restrictions_of(a.id)).hidden), false)`,
        [noticeId, patientId ?? null],
      );
      return rows.map(({ id }) => id);
    },
    async forget(days) {
      const rows = await sql.query(
        `delete from push_subscription p where created_at < now() - make_interval(days => $1) and not ${standing} returning id`,
        [days],
      );
      return rows.length;
    },
  };
}

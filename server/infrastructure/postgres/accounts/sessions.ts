import type { SessionStore } from '../../../core/accounts/sign-in/session-store.ts';
import type { Sql } from '../connection.ts';

interface SessionRow {
  id: string;
  device: string | null;
  address: string | null;
  signed_in_at: Date;
  last_seen_at: Date;
  current: boolean;
}

/** Authorisations that live in a session; those that outlast it (`offline_access`) do not end with it. */
const grantsIn = (session: string) => `
  select value ->> 'grantId' as grant_id
    from ${session} as one, jsonb_each(coalesce(one.payload -> 'authorizations', '{}'))
   where not coalesce((value ->> 'persistsLogout')::boolean, false) and value ->> 'grantId' is not null`;

/** Sessions in PostgreSQL: the authorization server's rows, with the browser's beside them. */
export function postgresSessions(sql: Sql): SessionStore {
  return {
    async of(accountId, grantId) {
      const rows = await sql.query<SessionRow>(
        `select session.uid as id, device, address,
                to_timestamp((payload ->> 'loginTs')::double precision) as signed_in_at,
                coalesce(last_seen_at, to_timestamp((payload ->> 'loginTs')::double precision)) as last_seen_at,
                exists (select from jsonb_each(coalesce(payload -> 'authorizations', '{}')) where value ->> 'grantId' = $2) as current
           from oidc_payload session left join browser_session browser on browser.uid = session.uid
          where model = 'Session' and session.account_id = $1 and expires_at > now()
          order by last_seen_at desc, session.uid`,
        [accountId, grantId ?? null],
      );
      return rows.map((row) => ({
        id: row.id,
        device: row.device ?? 'Unknown browser',
        address: row.address ?? '',
        signedInAt: row.signed_in_at,
        lastSeenAt: row.last_seen_at,
        current: row.current,
      }));
    },
    async end(accountId, sessionId) {
      if (sessionId.includes('\0')) return false;
      const [row] = await sql.query<{ ended: boolean }>(
        `with session as (select payload from oidc_payload where model = 'Session' and uid = $2 and account_id = $1 for update),
              tokens as (select grant_id from oidc_payload where account_id = $1 and payload ->> 'sessionUid' = $2 and grant_id is not null),
              grants as (${grantsIn('session')} union select grant_id from tokens),
              gone as (
                delete from oidc_payload where account_id = $1 and (
                  (model = 'Session' and uid = $2) or payload ->> 'sessionUid' = $2
                  or grant_id in (select grant_id from grants) or (model = 'Grant' and id in (select grant_id from grants)))),
              authorizations as (delete from smart_grant where account_id = $1 and grant_id in (select grant_id from grants)),
              browser as (delete from browser_session where uid = $2 and account_id = $1)
         select exists (select from session) as ended`,
        [accountId, sessionId],
      );
      return row!.ended;
    },
    async endAll(accountId, exceptGrantId) {
      await sql.query(
        `with session as (
                select uid, payload from oidc_payload
                 where model = 'Session' and account_id = $1 and $2::text is not null
                   and exists (select from jsonb_each(coalesce(payload -> 'authorizations', '{}')) where value ->> 'grantId' = $2)),
              kept as (${grantsIn('session')}),
              gone as (
                delete from oidc_payload where account_id = $1
                   and not (model = 'Session' and uid in (select uid from session))
                   and not (model = 'Grant' and id in (select grant_id from kept))
                   and coalesce(grant_id not in (select grant_id from kept), true)),
              authorizations as (delete from smart_grant where account_id = $1 and grant_id not in (select grant_id from kept))
         delete from browser_session where account_id = $1 and uid not in (select uid from session)`,
        [accountId, exceptGrantId ?? null],
      );
    },
    async endAuthorizations(accountId) {
      await sql.query(
        `with gone as (delete from oidc_payload where account_id = $1 and model <> 'Session')
         delete from smart_grant where account_id = $1`,
        [accountId],
      );
    },
    async seen({ id, accountId, device, address, signedInAt }) {
      await sql.query(
        `with account as (
           update account set last_sign_in_at = to_timestamp($5)
            where id = $2 and (last_sign_in_at is null or last_sign_in_at < to_timestamp($5)))
         insert into browser_session (uid, account_id, device, address) values ($1, $2, $3, $4)
         on conflict (uid) do update
           set account_id = excluded.account_id, device = excluded.device, address = excluded.address, last_seen_at = now()`,
        [id, accountId, device, address, signedInAt],
      );
    },
    async renewed(sessionId, address) {
      await sql.query(`update browser_session set address = $2, last_seen_at = now() where uid = $1`, [
        sessionId,
        address,
      ]);
    },
  };
}

import type { Notice, NoticeKind, NoticeStore } from '../../../core/notices/notice-store.ts';
import type { Sql } from '../connection.ts';

interface NoticeRow {
  id: string;
  kind: NoticeKind;
  at: Date;
  seen: boolean;
  review: string | null;
}

/** Below a mark as many numbers are looked at: those of transactions that had not ended when it was set. */
const lately = 200;

/** Notices in PostgreSQL. Numbers are given before transactions end, so a mark says which below it were not there. */
export function postgresNotices(sql: Sql): NoticeStore {
  return {
    async insert({ kind, to, review, causedBy, urgent = false }) {
      const facts = [kind, review ?? null, causedBy ?? null, urgent];
      const rows =
        'role' in to
          ? await sql.query<InsertedRow>(
              `insert into notice (kind, review, caused_by, urgent, role) values ($1, $2, $3, $4, $5)
               returning id::text, account_id,
                         exists (select from push_subscription p join account a on a.id = p.account_id
                                  where a.role = $5 and a.id is distinct from $3) as wanted`,
              [...facts, to.role],
            )
          : await sql.query<InsertedRow>(
              `insert into notice (kind, review, caused_by, urgent, account_id)
               select $1, $2, $3, $4, id from account where fhir_user = $5 and not disabled
               returning id::text, account_id,
                         exists (select from push_subscription p where p.account_id = notice.account_id
                                    and p.account_id is distinct from $3) as wanted`,
              [...facts, to.person],
            );
      return rows.map(({ id, account_id: account, wanted }) => ({ id, wanted, ...(account !== null && { account }) }));
    },
    async of({ accountId, role }, { before, limit, unseen = false }) {
      const rows = await sql.query<NoticeRow>(
        `select * from (
           select n.id::text, n.kind, n.at, n.review,
                  coalesce(n.id <= s.up_to and n.id <> all (s.missing), false) as seen
             from account a
             join notice n on (n.role = $2 or n.account_id = a.id) and n.at >= a.created_at
                          and n.caused_by is distinct from a.id and ($3::bigint is null or n.id < $3)
             left join notice_seen s on s.account_id = a.id
            where a.id = $1) one
          where not ($5 and seen) order by id::bigint desc limit $4`,
        [accountId, role, before ?? null, limit, unseen],
      );
      return rows.map(toNotice);
    },
    async markSeen({ accountId }, upTo) {
      await sql.query(
        `insert into notice_seen (account_id, up_to, missing)
         select $1, last, array(
                  select number from generate_series(greatest(last - ${lately}, 1), last) number
                   where not exists (select from notice where id = number))
           from (select least($2::bigint, coalesce(max(id), 0)) as last from notice) one
         on conflict (account_id) do update set up_to = excluded.up_to, missing = excluded.missing
          where notice_seen.up_to < excluded.up_to or (notice_seen.up_to = excluded.up_to and notice_seen.missing <> excluded.missing)`,
        [accountId, upTo],
      );
    },
    async forget(days) {
      const rows = await sql.query(`delete from notice where at < now() - make_interval(days => $1) returning id`, [
        days,
      ]);
      return rows.length;
    },
  };
}

interface InsertedRow {
  id: string;
  account_id: string | null;
  wanted: boolean;
}

function toNotice({ review, ...row }: NoticeRow): Notice {
  return { ...row, ...(review !== null && { review }) };
}

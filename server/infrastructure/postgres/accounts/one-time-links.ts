import type { LinkStore, OneTimeLink } from '../../../core/accounts/link-store.ts';
import type { Sql } from '../connection.ts';

interface LinkRow {
  purpose: OneTimeLink['purpose'];
  account_id: string | null;
  data: OneTimeLink['data'];
  expires_at: Date;
}

/** One-time links in PostgreSQL; times are the database's. */
export function postgresLinks(sql: Sql): LinkStore {
  return {
    async insert(id, { purpose, accountId, data }, expiresInSeconds) {
      await sql.query(
        `insert into one_time_link (id, purpose, account_id, data, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5))`,
        [id, purpose, accountId ?? null, JSON.stringify(data), expiresInSeconds],
      );
    },
    async find(id) {
      const [row] = await sql.query<LinkRow>(
        `select purpose, account_id, data, expires_at from one_time_link where id = $1 and expires_at > now()`,
        [id],
      );
      return row && toLink(row);
    },
    async take(id) {
      const [row] = await sql.query<LinkRow>(
        `delete from one_time_link where id = $1 and expires_at > now() returning purpose, account_id, data, expires_at`,
        [id],
      );
      return row && toLink(row);
    },
    async revoke(accountId, purposes) {
      await sql.query(`delete from one_time_link where account_id = $1 and purpose = any ($2)`, [accountId, purposes]);
    },
  };
}

function toLink(row: LinkRow): OneTimeLink {
  return {
    purpose: row.purpose,
    ...(row.account_id === null ? {} : { accountId: row.account_id }),
    data: row.data,
    expiresAt: row.expires_at,
  };
}

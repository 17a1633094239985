import type { RegistrationToken, RegistrationTokenStore } from '../../../core/accounts/clients/client-store.ts';
import type { Sql } from '../connection.ts';

interface TokenRow {
  id: string;
  name: string;
  scope: string;
  uses: number;
  uses_left: number;
  issued_by: string | null;
  created_at: Date;
  expires_at: Date;
}

const columns = 'id, name, scope, uses, uses_left, issued_by, created_at, expires_at';

/** Initial access tokens in PostgreSQL; times are the database's. */
export function postgresRegistrationTokens(sql: Sql): RegistrationTokenStore {
  return {
    async all() {
      const rows = await sql.query<TokenRow>(`select ${columns} from registration_token order by created_at desc, id`);
      return rows.map(toToken);
    },
    async insert({ id, name, scope, uses, issuedBy }, wordHash, days) {
      await sql.query(
        `insert into registration_token (id, word_hash, name, scope, uses, uses_left, issued_by, expires_at)
         values ($1, $2, $3, $4, $5, $5, $6, now() + make_interval(days => $7))`,
        [id, wordHash, name, scope, uses, issuedBy ?? null, days],
      );
    },
    async find(wordHash) {
      const [row] = await sql.query<TokenRow>(
        `select ${columns} from registration_token where word_hash = $1 and uses_left > 0 and expires_at > now()`,
        [wordHash],
      );
      return row && toToken(row);
    },
    async use(wordHash) {
      const [row] = await sql.query<TokenRow>(
        `update registration_token set uses_left = uses_left - 1
          where word_hash = $1 and uses_left > 0 and expires_at > now() returning ${columns}`,
        [wordHash],
      );
      return row && toToken(row);
    },
    async remove(id) {
      const rows = await sql.query(`delete from registration_token where id = $1 returning id`, [id]);
      return rows.length === 1;
    },
  };
}

function toToken(row: TokenRow): RegistrationToken {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    uses: row.uses,
    usesLeft: row.uses_left,
    ...(row.issued_by !== null && { issuedBy: row.issued_by }),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

import type { AuthorizationStore, Payload, SmartClient } from '../../../core/accounts/authorizations.ts';
import type { Sql } from '../connection.ts';

interface ClientRow {
  id: string;
  metadata: Payload;
  first_party: boolean;
  allowed_scope: string | null;
  may_introspect: boolean;
  disabled: boolean;
}

/** Registered apps in PostgreSQL. */
export function clientStore(
  sql: Sql,
): Pick<AuthorizationStore, 'client' | 'saveClient' | 'setClientDisabled' | 'clientOrigins'> {
  return {
    async client(id) {
      if (id.includes('\0')) return undefined;
      const [row] = await sql.query<ClientRow>(`select * from smart_client where id = $1`, [id]);
      return row && toClient(row);
    },
    async saveClient(client) {
      await sql.query(
        `insert into smart_client (id, metadata, first_party, allowed_scope, may_introspect, disabled) values ($1, $2, $3, $4, $5, $6)
         on conflict (id) do update set metadata = excluded.metadata, first_party = excluded.first_party,
           allowed_scope = excluded.allowed_scope, may_introspect = excluded.may_introspect`,
        [
          client.id,
          JSON.stringify(client.metadata),
          client.firstParty,
          client.allowedScope ?? null,
          client.mayIntrospect,
          client.disabled,
        ],
      );
    },
    async setClientDisabled(id, disabled) {
      await sql.query(`update smart_client set disabled = $2 where id = $1`, [id, disabled]);
    },
    async clientOrigins() {
      const rows = await sql.query<{ uri: string }>(
        `select distinct jsonb_array_elements_text(metadata -> 'redirect_uris') as uri from smart_client
          where not disabled and metadata ->> 'token_endpoint_auth_method' = 'none'`,
      );
      return [...new Set(rows.flatMap(({ uri }) => (/^https?:/.test(uri) ? (URL.parse(uri)?.origin ?? []) : [])))];
    },
  };
}

function toClient(row: ClientRow): SmartClient {
  return {
    id: row.id,
    metadata: row.metadata,
    firstParty: row.first_party,
    ...(row.allowed_scope === null ? {} : { allowedScope: row.allowed_scope }),
    mayIntrospect: row.may_introspect,
    disabled: row.disabled,
  };
}

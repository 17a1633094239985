import type { AuthorizationStore } from '../../../core/accounts/authorizations.ts';
import { kindOf } from '../../../core/accounts/clients/client-registration.ts';
import type { ClientStore, RegisteredClient } from '../../../core/accounts/clients/client-store.ts';
import { Problem } from '../../../core/problem.ts';
import type { Sql } from '../connection.ts';

interface ClientRow {
  id: string;
  metadata: RegisteredClient['metadata'];
  kind: RegisteredClient['kind'];
  version: number;
  first_party: boolean;
  allowed_scope: string | null;
  may_introspect: boolean;
  disabled: boolean;
  created_at: Date;
  last_used_at: Date | null;
  registered_by: string | null;
  previous_secret: string | null;
  management_hash: string | null;
  scope_ceiling: string | null;
}

/** An earlier secret that is over is not there. */
const columns = `id, metadata, kind, version, first_party, allowed_scope, may_introspect, disabled, created_at, last_used_at, registered_by,
  case when previous_secret_until > now() then previous_secret end as previous_secret, management_hash, scope_ceiling`;

/** Hours that the id of a deleted client stays taken: as long as a token of it could live. */
const hoursOfRest = 1;

type OfAuthorizations = Pick<
  AuthorizationStore,
  'client' | 'saveClient' | 'setClientDisabled' | 'noteClientUse' | 'clientOrigins'
>;

/** Registered apps in PostgreSQL, as the authorization server asks for them. */
export function clientStore(sql: Sql): OfAuthorizations {
  const { byId, setDisabled } = postgresClients(sql);
  return {
    client: byId,
    async saveClient(client) {
      await sql.query(
        `insert into smart_client as stored (id, metadata, kind, first_party, allowed_scope, may_introspect, disabled)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set metadata = excluded.metadata, kind = excluded.kind, first_party = excluded.first_party,
           allowed_scope = excluded.allowed_scope, may_introspect = excluded.may_introspect, version = stored.version + 1
         where (stored.metadata, stored.kind, stored.first_party, stored.allowed_scope, stored.may_introspect)
           is distinct from (excluded.metadata, excluded.kind, excluded.first_party, excluded.allowed_scope, excluded.may_introspect)`,
        [
          client.id,
          JSON.stringify(client.metadata),
          kindOf(client.metadata),
          client.firstParty,
          client.allowedScope ?? null,
          client.mayIntrospect,
          client.disabled,
        ],
      );
    },
    async setClientDisabled(id, disabled) {
      await setDisabled(id, disabled);
    },
    async noteClientUse(id) {
      await sql.query(
        `update smart_client set last_used_at = now()
          where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
        [id],
      );
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

/** The same for those who administer them. */
export function postgresClients(sql: Sql): ClientStore {
  return {
    async byId(id) {
      if (id.includes('\0')) return undefined;
      const [row] = await sql.query<ClientRow>(`select ${columns} from smart_client where id = $1`, [id]);
      return row && toClient(row);
    },
    async all() {
      const rows = await sql.query<ClientRow>(
        `select ${columns} from smart_client order by lower(metadata ->> 'client_name'), id`,
      );
      return rows.map(toClient);
    },
    insert: (client) => insert(sql, client),
    update: (client, change) => update(sql, client, change),
    async setDisabled(id, disabled) {
      // Tokens of before it was out of service do not come to life again with it.
      const rows = await sql.query(
        `update smart_client set version = version + 1, tokens_since = case when disabled and not $2 then now() else tokens_since end, disabled = $2
          where id = $1 returning id`,
        [id, disabled],
      );
      return rows.length === 1;
    },
    async endGrants(id) {
      await sql.query(
        `with ended as (select grant_id from smart_grant where client_id = $1),
              payloads as (delete from oidc_payload
                            where grant_id in (select grant_id from ended)
                               or (model = 'Grant' and id in (select grant_id from ended))),
              launches as (delete from smart_launch where client_id = $1)
         delete from smart_grant where client_id = $1`,
        [id],
      );
    },
    async remove(id) {
      const rows = await sql.query(`delete from smart_client where id = $1 returning id`, [id]);
      if (rows.length === 0) return false;
      await sql.query(
        `insert into revoked_token (token_id, expires_at) values ($1, now() + make_interval(hours => $2)) on conflict do nothing`,
        [restOf(id), hoursOfRest],
      );
      return true;
    },
  };
}

/** Where the rest of a deleted id is kept, among what else must not come to life again. */
const restOf = (id: string) => `client ${id}`;

async function insert(sql: Sql, client: Parameters<ClientStore['insert']>[0]): Promise<void> {
  const rows = await sql.query(
    `insert into smart_client (id, metadata, kind, first_party, allowed_scope, may_introspect, disabled, registered_by, management_hash, scope_ceiling)
     select $1, $2::jsonb, $3, $4, $5, $6, $7, $8, $9, $10
      where not exists (select from revoked_token where token_id = $11 and expires_at > now())
     on conflict do nothing returning id`,
    [
      client.id,
      JSON.stringify(client.metadata),
      client.kind,
      client.firstParty,
      client.allowedScope ?? null,
      client.mayIntrospect,
      client.disabled,
      client.registeredBy ?? null,
      client.managementHash ?? null,
      client.scopeCeiling ?? null,
      restOf(client.id),
    ],
  );
  if (rows.length === 0)
    throw new Problem('duplicate', `id: ${client.id} is taken, or was until an hour ago. Choose another one.`, { expression: 'id' }); // prettier-ignore
}

async function update(
  sql: Sql,
  client: Parameters<ClientStore['update']>[0],
  { endTokens = false, keepSecretSeconds }: Parameters<ClientStore['update']>[1],
): Promise<boolean> {
  const rows = await sql.query(
    `update smart_client as stored set metadata = fresh.metadata, kind = $4, allowed_scope = $5, may_introspect = $6, version = version + 1,
       tokens_since = case when $7 then now() else tokens_since end,
       previous_secret = case when fresh.same then previous_secret when $8::integer is not null then stored.metadata ->> 'client_secret' end,
       previous_secret_until = case when fresh.same then previous_secret_until else now() + make_interval(secs => $8::integer) end
      from (select $3::jsonb as metadata,
                   ($3::jsonb ->> 'client_secret') is not distinct from (select metadata ->> 'client_secret' from smart_client where id = $1) as same) as fresh
     where id = $1 and version = $2 returning id`,
    [
      client.id,
      client.version,
      JSON.stringify(client.metadata),
      client.kind,
      client.allowedScope ?? null,
      client.mayIntrospect,
      endTokens,
      keepSecretSeconds ?? null,
    ],
  );
  return rows.length === 1;
}

function toClient(row: ClientRow): RegisteredClient {
  return {
    id: row.id,
    metadata: row.metadata,
    kind: row.kind,
    version: row.version,
    firstParty: row.first_party,
    mayIntrospect: row.may_introspect,
    disabled: row.disabled,
    createdAt: row.created_at,
    ...(row.allowed_scope !== null && { allowedScope: row.allowed_scope }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
    ...(row.registered_by !== null && { registeredBy: row.registered_by }),
    ...(row.previous_secret !== null && { previousSecret: row.previous_secret }),
    ...(row.management_hash !== null && { managementHash: row.management_hash }),
    ...(row.scope_ceiling !== null && { scopeCeiling: row.scope_ceiling }),
  };
}

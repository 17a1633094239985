import type { AuthorizationStore, Payload, Standing } from '../../../core/accounts/authorizations.ts';
import type { SecretBox } from '../../../core/secret-box.ts';
import type { Sql } from '../connection.ts';
import { serverSecrets } from './server-secrets.ts';
import { clientStore } from './smart-clients.ts';
import { grantStore } from './smart-grants.ts';

/** Everything that the SMART face remembers, in PostgreSQL; times are the database's. */
export function postgresAuthorizations(sql: Sql, box: SecretBox): AuthorizationStore {
  return {
    ...payloadStore(sql),
    ...endings(sql),
    ...grantStore(sql),
    ...clientStore(sql),
    ...serverSecrets(sql, box),
    ...housekeeping(sql),
  };
}

function payloadStore(sql: Sql): Pick<AuthorizationStore, 'put' | 'find' | 'consume' | 'usedSince' | 'remove'> {
  return {
    async put(model, id, payload, { expiresIn, onlyNew = false }) {
      const rows = await sql.query(
        `insert into oidc_payload as stored (model, id, payload, grant_id, uid, user_code, account_id, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
         on conflict (model, id) do update set
           payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid, user_code = excluded.user_code,
           account_id = excluded.account_id, expires_at = excluded.expires_at
         where not $9 or stored.expires_at < now()
         returning id`,
        [
          model,
          id,
          JSON.stringify(payload),
          // An interaction names the session's grant but does not hang on it: somebody else may be signing in.
          model === 'Interaction' ? null : text(payload.grantId),
          text(payload.uid),
          text(payload.userCode),
          text(payload.accountId),
          expiresIn ?? null,
          onlyNew,
        ],
      );
      return rows.length === 1;
    },
    async find(model, by) {
      const [column, value] = 'id' in by ? ['id', by.id] : 'uid' in by ? ['uid', by.uid] : ['user_code', by.userCode];
      if (value.includes('\0')) return undefined; // attacker's id; PostgreSQL text holds no NUL
      const [row] = await sql.query<{ payload: Payload; consumed: number | null }>(
        `select payload, extract(epoch from consumed_at)::integer as consumed from oidc_payload
          where model = $1 and ${column} = $2 and (expires_at is null or expires_at > now())`,
        [model, value],
      );
      return row && (row.consumed === null ? row.payload : { ...row.payload, consumed: row.consumed });
    },
    async consume(model, id) {
      const rows = await sql.query(
        `update oidc_payload set consumed_at = now() where model = $1 and id = $2 and consumed_at is null returning id`,
        [model, id],
      );
      return rows.length === 1;
    },
    async usedSince(model, id) {
      if (id.includes('\0')) return undefined;
      const [row] = await sql.query<{ seconds: number | null }>(
        `select extract(epoch from now() - consumed_at)::float as seconds from oidc_payload where model = $1 and id = $2`,
        [model, id],
      );
      return row?.seconds ?? undefined;
    },
    async remove(model, id) {
      await sql.query(`delete from oidc_payload where model = $1 and id = $2`, [model, id]);
    },
  };
}

function endings(sql: Sql): Pick<AuthorizationStore, 'revokeGrant' | 'revokeToken' | 'standing'> {
  return {
    async revokeGrant(grantId) {
      await sql.query(
        `with tokens as (delete from oidc_payload where grant_id = $1 or (model = 'Grant' and id = $1))
         delete from smart_grant where grant_id = $1`,
        [grantId],
      );
    },
    async revokeToken(tokenId, expiresAt) {
      await sql.query(`insert into revoked_token (token_id, expires_at) values ($1, $2) on conflict do nothing`, [
        tokenId,
        expiresAt,
      ]);
    },
    async standing({ tokenId, clientId, grantId, accountId }) {
      const [row] = await sql.prepared<StandingRow>(
        `select exists (select from revoked_token where token_id = $1)
                or ($3::text is not null and not exists (select from oidc_payload where model = 'Grant' and id = $3 and expires_at > now()))
                  as revoked,
                coalesce(client.disabled, true) as client_disabled, coalesce(client.first_party, false) as first_party,
                extract(epoch from client.tokens_since)::float as tokens_since,
                account.role, account.fhir_user, account.disabled, account.mail_factor,
                exists (select from second_factor where account_id = account.id and confirmed_at is not null) as factor,
                restrictions.hidden, restrictions.emergency
           from (select) as always left join account on account.id = $4 left join smart_client client on client.id = $2
                left join lateral restrictions_of(account.id) restrictions on account.id is not null`,
        [tokenId, clientId, grantId ?? null, accountId ?? null],
      );
      return toStanding(row!);
    },
  };
}

interface StandingRow {
  revoked: boolean;
  client_disabled: boolean;
  first_party: boolean;
  hidden: string[] | null;
  emergency: string[] | null;
  tokens_since: number | null;
  role: NonNullable<Standing['account']>['role'] | null;
  fhir_user: string;
  disabled: boolean;
  factor: boolean;
  mail_factor: boolean;
}

function toStanding(row: StandingRow): Standing {
  const kept = { hidden: row.hidden ?? [], emergency: row.emergency ?? [] };
  return {
    revoked: row.revoked,
    clientDisabled: row.client_disabled,
    firstParty: row.first_party,
    ...(row.tokens_since !== null && { tokensSince: row.tokens_since }),
    ...(kept.hidden.length + kept.emergency.length > 0 && { restrictions: kept }),
    ...(row.role !== null && {
      account: {
        role: row.role,
        fhirUser: row.fhir_user,
        disabled: row.disabled,
        factor: row.factor,
        mailFactor: row.mail_factor,
      },
    }),
  };
}

function housekeeping(sql: Sql): Pick<AuthorizationStore, 'sweep'> {
  return {
    async sweep() {
      const [row] = await sql.query<{ gone: number }>(
        `with payloads as (delete from oidc_payload where expires_at < now() returning 1),
              tokens as (delete from revoked_token where expires_at < now() returning 1),
              launches as (delete from smart_launch where expires_at < now() returning 1),
              links as (delete from one_time_link where expires_at < now() returning 1),
              codes as (delete from patient_code where expires_at < now() returning 1),
              browsers as (delete from browser_session where last_seen_at < now() - interval '1 hour'
                             and not exists (select from oidc_payload session where session.model = 'Session' and session.uid = browser_session.uid and session.expires_at > now()) returning 1),
              registrations as (delete from registration_token where expires_at < now() - interval '90 days' returning 1),
              attempts as (delete from sign_in_attempt where until < now() returning 1),
              grants as (delete from smart_grant where created_at < now() - interval '1 day'
                           and not exists (select from oidc_payload where model = 'Grant' and id = grant_id and expires_at > now()) returning 1)
         select (select count(*) from payloads) + (select count(*) from tokens) + (select count(*) from launches)
              + (select count(*) from links) + (select count(*) from codes) + (select count(*) from browsers) + (select count(*) from registrations)
              + (select count(*) from attempts) + (select count(*) from grants) as gone`,
      );
      return row!.gone;
    },
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

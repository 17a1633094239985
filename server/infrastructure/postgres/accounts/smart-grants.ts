import type { AuthorizationStore, GrantContext, Launch } from '../../../core/accounts/authorizations.ts';
import type { Sql } from '../connection.ts';

type LaunchContext = Pick<GrantContext, 'patient' | 'encounter' | 'imagingStudy'>;
type GrantMethods = Pick<
  AuthorizationStore,
  'saveGrant' | 'grant' | 'grantsOf' | 'saveLaunch' | 'launch' | 'takeLaunch'
>;

interface GrantRow {
  grant_id: string;
  account_id: string;
  client_id: string;
  patient: string | null;
  encounter: string | null;
  imaging_study: string | null;
}

interface LaunchRow extends Omit<GrantRow, 'grant_id'> {
  id: string;
}

/** Launch contexts: of authorisations that were given, and of EHR launches that wait for their app. */
export function grantStore(sql: Sql): GrantMethods {
  return {
    async saveGrant(grant) {
      await sql.query(
        `insert into smart_grant (grant_id, account_id, client_id, patient, encounter, imaging_study) values ($1, $2, $3, $4, $5, $6)
         on conflict (grant_id) do nothing`,
        [
          grant.grantId,
          grant.accountId,
          grant.clientId,
          grant.patient ?? null,
          grant.encounter ?? null,
          grant.imagingStudy ?? null,
        ],
      );
    },
    async grant(grantId) {
      const [row] = await sql.query<GrantRow>(`select * from smart_grant where grant_id = $1`, [grantId]);
      return row && toGrant(row);
    },
    async grantsOf(accountId) {
      const rows = await sql.query<GrantRow & { name: string | null; scope: string | null; created_at: Date }>(
        `select smart_grant.*, client.metadata ->> 'client_name' as name,
                (select string_agg(value, ' ') from jsonb_each_text(stored.payload -> 'resources')) as scope
           from smart_grant
           join smart_client client on client.id = client_id
           join oidc_payload stored on stored.model = 'Grant' and stored.id = smart_grant.grant_id and stored.expires_at > now()
          where smart_grant.account_id = $1 and not client.first_party
          order by smart_grant.created_at desc`,
        [accountId],
      );
      return rows.map((row) => ({
        ...toGrant(row),
        clientName: row.name ?? row.client_id,
        scope: row.scope ?? '',
        since: row.created_at,
      }));
    },
    async saveLaunch(launch, expiresIn) {
      await sql.query(
        `insert into smart_launch (id, client_id, account_id, patient, encounter, imaging_study, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))`,
        [
          launch.id,
          launch.clientId,
          launch.accountId,
          launch.patient ?? null,
          launch.encounter ?? null,
          launch.imagingStudy ?? null,
          expiresIn,
        ],
      );
    },
    async launch(id) {
      if (id.includes('\0')) return undefined;
      const [row] = await sql.query<LaunchRow>(`select * from smart_launch where id = $1 and expires_at > now()`, [id]);
      return row && toLaunch(row);
    },
    async takeLaunch(id, { clientId, accountId }) {
      const [row] = await sql.query<LaunchRow>(
        `delete from smart_launch where id = $1 and client_id = $2 and account_id = $3 and expires_at > now() returning *`,
        [id, clientId, accountId],
      );
      return row && toLaunch(row);
    },
  };
}

function toGrant(row: GrantRow): GrantContext {
  return { grantId: row.grant_id, accountId: row.account_id, clientId: row.client_id, ...contextOf(row) };
}

function toLaunch(row: LaunchRow): Launch {
  return { id: row.id, accountId: row.account_id, clientId: row.client_id, ...contextOf(row) };
}

function contextOf(row: Omit<GrantRow, 'grant_id' | 'account_id' | 'client_id'>): LaunchContext {
  return {
    ...(row.patient === null ? {} : { patient: row.patient }),
    ...(row.encounter === null ? {} : { encounter: row.encounter }),
    ...(row.imaging_study === null ? {} : { imagingStudy: row.imaging_study }),
  };
}

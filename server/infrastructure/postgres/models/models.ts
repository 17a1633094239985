import type { ModelChange, RegisteredModel } from '../../../core/analysis/registry/registered-model.ts';
import type { ModelState } from '../../../core/analysis/registry/model-states.ts';
import type { ModelStore } from '../../../core/analysis/registry/model-registry.ts';
import type { Sql } from '../connection.ts';

interface ChangeRow {
  revision: number;
  at: Date;
  digest: string;
  act: ModelChange['act'];
  from_state: ModelState | null;
  to_state: ModelState;
  by_subject: string;
  by_name: string;
  reason: string;
  override: ModelChange['override'] | null;
}

/** The registry in PostgreSQL: states with at most one active model, and a history that is only appended to. */
export function postgresModels(sql: Sql): ModelStore {
  return {
    async lock() {
      await sql.query(`select pg_advisory_xact_lock(hashtext('csss model registry'))`);
    },
    all: () =>
      sql.query<RegisteredModel>(
        `select digest, state, description, evaluation, added_at as "addedAt" from model order by added_at, digest`,
      ),
    async stateOf(digest) {
      const [row] = await sql.query<{ state: ModelState }>(`select state from model where digest = $1 for share`, [
        digest,
      ]);
      return row?.state;
    },
    async shadow() {
      const [row] = await sql.query<{ digest: string }>(`select digest from model where state = 'shadow'`);
      return row?.digest;
    },
    async change(change, added) {
      if (added) {
        await sql.query(`insert into model (digest, state, description, evaluation) values ($1, $2, $3, $4)`, [
          change.digest,
          change.to,
          JSON.stringify(added.description),
          added.evaluation && JSON.stringify(added.evaluation),
        ]);
      } else {
        await sql.query(`update model set state = $2 where digest = $1`, [change.digest, change.to]);
      }
      await sql.query(
        `insert into model_change (digest, act, from_state, to_state, by_subject, by_name, reason, override)
         values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          change.digest,
          change.act,
          change.from,
          change.to,
          change.by.subject,
          change.by.name,
          change.reason,
          change.override ? JSON.stringify(change.override) : null,
        ],
      );
    },
    async changes() {
      const rows = await sql.query<ChangeRow>(`select * from model_change order by revision desc`);
      return rows.map(toChange);
    },
    async revision() {
      const [row] = await sql.query<{ last: number }>(`select coalesce(max(revision), 0) as last from model_change`);
      return row!.last;
    },
  };
}

function toChange(row: ChangeRow): ModelChange {
  return {
    revision: row.revision,
    at: row.at,
    digest: row.digest,
    act: row.act,
    from: row.from_state,
    to: row.to_state,
    by: { subject: row.by_subject, name: row.by_name },
    reason: row.reason,
    ...(row.override && { override: row.override }),
  };
}

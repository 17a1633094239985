import type { EmergencyAccess, Restrictions, RestrictedStore } from '../../../core/access/restricted-store.ts';
import type { Sql } from '../connection.ts';

/** Restricted records in PostgreSQL; times are the database's. */
export function postgresRestrictions(sql: Sql): RestrictedStore {
  return {
    async restrict(patientId, readers) {
      if (readers === undefined) await sql.query(`delete from restricted_patient where patient_id = $1`, [patientId]);
      else
        await sql.query(
          `insert into restricted_patient (patient_id, readers) values ($1, $2)
           on conflict (patient_id) do update set readers = excluded.readers`,
          [patientId, readers],
        );
    },
    async restrictionsOf(accountId) {
      const [row] = await sql.query<Restrictions>(
        `select (restricted).* from (select restrictions_of(account.id) as restricted from account where id = $1) one`,
        [accountId],
      );
      return row ?? { hidden: [], emergency: [] };
    },
    async open({ accountId, patientId, reason, seconds }) {
      const [row] = await sql.query<{ until: Date }>(
        `insert into emergency_access (account_id, patient_id, reason, until)
         values ($1, $2, $3, now() + make_interval(secs => $4)) returning until`,
        [accountId, patientId, reason, seconds],
      );
      return row!.until;
    },
    async opened(limit) {
      return sql.query<EmergencyAccess>(
        `select account_id as "accountId", patient_id as "patientId", reason, at, until
           from emergency_access order by at desc limit $1`,
        [limit],
      );
    },
  };
}

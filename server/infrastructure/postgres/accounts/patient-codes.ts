import type { PatientCodeStore } from '../../../core/accounts/people/patient-code-store.ts';
import type { Sql } from '../connection.ts';

/** Codes of patients in PostgreSQL; times are the database's. */
export function postgresPatientCodes(sql: Sql): PatientCodeStore {
  return {
    async put({ patientId, handle, digest, madeBy, expiresInSeconds }) {
      await sql.query(`delete from patient_code where patient_id = $1 or (handle = $2 and expires_at < now())`, [
        patientId,
        handle,
      ]);
      const rows = await sql.query(
        `insert into patient_code (patient_id, handle, digest, made_by, expires_at)
         values ($1, $2, $3, $4, now() + make_interval(secs => $5)) on conflict do nothing returning handle`,
        [patientId, handle, digest, madeBy, expiresInSeconds],
      );
      return rows.length === 1;
    },
    async lock(handle) {
      const [row] = await sql.query<{ patient_id: string; digest: string }>(
        `select patient_id, digest from patient_code where handle = $1 and expires_at > now() for update`,
        [handle],
      );
      return row && { patientId: row.patient_id, digest: row.digest };
    },
    async remove(handle) {
      await sql.query(`delete from patient_code where handle = $1`, [handle]);
    },
    async tries(accountId) {
      await sql.query(`select from account where id = $1 for update`, [accountId]);
      const [row] = await sql.query<{ tries: string }>(
        `select count(*) as tries from patient_code_try where account_id = $1 and at > clock_timestamp() - interval '1 hour'`,
        [accountId],
      );
      return Number(row!.tries);
    },
    async noteTry(accountId) {
      await sql.query(`delete from patient_code_try where at < clock_timestamp() - interval '1 hour'`);
      await sql.query(`insert into patient_code_try (account_id) values ($1)`, [accountId]);
    },
    async forgetTries(accountId) {
      await sql.query(`delete from patient_code_try where account_id = $1`, [accountId]);
    },
  };
}

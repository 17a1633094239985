import type { UploadedStudies } from '../../../core/studies/uploads/uploaded-studies.ts';
import type { Sql } from '../connection.ts';

export function postgresUploadedStudies(sql: Sql): UploadedStudies {
  return {
    async brought(uid, account) {
      const rows = await sql.query(`select from uploaded_study where study_uid = $1 and account_id = $2`, [
        uid,
        account,
      ]);
      return rows.length > 0;
    },

    async note(uids, account) {
      await sql.query(
        `insert into uploaded_study (study_uid, account_id) select uid, $2 from unnest($1::text[]) as uid on conflict do nothing`,
        [uids, account],
      );
    },
  };
}

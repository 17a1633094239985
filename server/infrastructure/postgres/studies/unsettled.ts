import type { UnsettledStore } from '../../../core/studies/unsettled-store.ts';
import type { Sql } from '../connection.ts';

export function postgresUnsettled(sql: Sql): UnsettledStore {
  return {
    async owe(uid, instances) {
      await sql.query(
        `insert into unsettled_instance (study_uid, sop_uid) select $1, sop from unnest($2::text[]) as sop on conflict do nothing`,
        [uid, instances],
      );
    },

    async take(uid) {
      // What was removed meanwhile has been told by who removed it.
      const rows = await sql.query<{ sop_uid: string }>(
        `with taken as (delete from unsettled_instance where study_uid = $1 returning study_uid, sop_uid)
         select taken.sop_uid from taken join instance using (study_uid, sop_uid) order by taken.sop_uid`,
        [uid],
      );
      return rows.map(({ sop_uid }) => sop_uid);
    },

    async since(seconds, limit) {
      const rows = await sql.query<{ study_uid: string }>(
        `select study_uid from unsettled_instance group by study_uid
         having min(stored_at) < now() - make_interval(secs => $1) order by min(stored_at) limit $2`,
        [seconds, limit],
      );
      return rows.map(({ study_uid }) => study_uid);
    },
  };
}

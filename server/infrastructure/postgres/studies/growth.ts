import type { StudyGrowth, StudyStore } from '../../../core/studies/study-store.ts';
import type { Sql } from '../connection.ts';

/** When a study counts as complete. All times are the database's: its senders' and workers' clocks may differ. */
export type StudyGrowing = Pick<StudyStore, 'expect' | 'grow' | 'completeIfDue' | 'growth' | 'overdue'>;

export function postgresGrowth(sql: Sql): StudyGrowing {
  return {
    async expect(uid, { series, instances }) {
      await sql.query(`update study set expected_series = $2, expected_instances = $3 where study_uid = $1`, [
        uid,
        series ?? null,
        instances ?? null,
      ]);
    },

    async grow(uid, quietSeconds) {
      const [before] = await sql.query<{ growing: boolean }>(
        `select due_at is not null as growing from study where study_uid = $1`,
        [uid],
      );
      const [row] = await sql.query<{ seconds: number }>(growStatement, [uid, quietSeconds]);
      return { began: !before?.growing, seconds: Math.max(0, row?.seconds ?? 0) };
    },

    async completeIfDue(uid, atOnce = false) {
      const [done] = await sql.query<{ study_uid: string }>(
        `update study set due_at = null, complete_at = now()
          where study_uid = $1 and due_at is not null and ($2 or due_at <= now()) returning study_uid`,
        [uid, atOnce],
      );
      if (done) return 'complete';
      const [row] = await sql.query<{ seconds: number | null }>(
        `select extract(epoch from due_at - now())::float8 as seconds from study where study_uid = $1`,
        [uid],
      );
      return row?.seconds ?? undefined;
    },

    async growth(uid) {
      const [row] = await sql.query<StudyGrowth>(
        `select due_at is not null as growing, complete_at is not null as "wasComplete" from study where study_uid = $1`,
        [uid],
      );
      return row ?? { growing: false, wasComplete: false };
    },

    async overdue(seconds, limit) {
      const rows = await sql.query<{ id: string }>(
        `select imaging_study_id as id from study where due_at < now() - $1 * interval '1 second' order by due_at limit $2`,
        [seconds, limit],
      );
      return rows.map(({ id }) => id);
    },
  };
}

/** What was announced is there when each number that was given is reached. */
const growStatement = `
  update study set due_at = case
    when coalesce(expected_series, expected_instances) is not null
         and number_of_series >= coalesce(expected_series, 0) and number_of_instances >= coalesce(expected_instances, 0)
    then now()
    else greatest(due_at, now() + $2 * interval '1 second') end
  where study_uid = $1
  returning extract(epoch from due_at - now())::float8 as seconds`;

import type { LateCount, LateImages } from '../../../core/workflow/late-images.ts';
import type { Sql } from '../connection.ts';

const counts = `count(*) filter (where change = 'added')::int as added, count(*) filter (where change = 'removed')::int as removed`;

export function postgresLateImages(sql: Sql): LateImages {
  return {
    async add(review, images, toldBy) {
      const gone = images.filter(({ change }) => change === 'removed').map(({ SOPInstanceUID }) => SOPInstanceUID);
      const forgotten = await sql.query<{ sop_uid: string }>(
        `delete from late_image where review = $1 and sop_uid = any($2) and change = 'added' and told_by is null
         returning sop_uid`,
        [review, gone],
      );
      const never = new Set(forgotten.map(({ sop_uid }) => sop_uid));
      const kept = images.filter(({ SOPInstanceUID, change }) => change === 'added' || !never.has(SOPInstanceUID));
      await sql.query(
        `insert into late_image (review, sop_uid, change, told_by)
         select $1, sop_uid, change, $4 from unnest($2::text[], $3::text[]) as late (sop_uid, change)
         on conflict (review, sop_uid, change) do update
            set at = excluded.at, told_by = excluded.told_by, analysis = null`,
        [review, kept.map(({ SOPInstanceUID }) => SOPInstanceUID), kept.map(({ change }) => change), toldBy ?? null],
      );
    },

    async untold(review) {
      const [row] = await sql.query<LateCount>(
        `select ${counts} from late_image where review = $1 and told_by is null`,
        [review],
      );
      return row!;
    },

    async tell(review, step) {
      const [row] = await sql.query<LateCount>(
        `with told as (
           update late_image set told_by = $2 where review = $1 and told_by is null returning change
         ) select ${counts} from told`,
        [review, step],
      );
      return row!;
    },

    async toldBy(review, step) {
      const [row] = await sql.query<LateCount & { secondsAgo: number | null }>(
        `select ${counts}, extract(epoch from now() - max(at))::float8 as "secondsAgo"
           from late_image where review = $1 and told_by = $2`,
        [review, step],
      );
      const { secondsAgo, ...count } = row!;
      return { ...count, ...(secondsAgo !== null && { secondsAgo }) };
    },

    async unread(review) {
      const rows = await sql.query<{ sop_uid: string }>(
        `select sop_uid from late_image where review = $1 and change = 'added' and analysis is null order by at, sop_uid`,
        [review],
      );
      return rows.map(({ sop_uid }) => sop_uid);
    },

    async takeCare(review, analysis, images) {
      await sql.query(
        `update late_image set analysis = $2
          where review = $1 and change = 'added' and analysis is null and ($3::text[] is null or sop_uid = any($3))`,
        [review, analysis, images ?? null],
      );
    },
  };
}

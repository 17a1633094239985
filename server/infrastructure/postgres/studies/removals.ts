import { keyObjectSelection } from '../../../core/studies/rejection-note.ts';
import { removalReasons, type RemovalReason } from '../../../core/studies/removal-reasons.ts';
import type { Obstacle, RemovalStore, RemovedInstance, StoredName } from '../../../core/studies/removal-store.ts';
import type { Sql } from '../connection.ts';
import { names } from './studies.ts';

/** What of an instance moves: all that is not computed, and its place in the order of arrival. */
const moved = `${names}, seq, stored_at`;

/**
 * Removed instances and barred names. Each statement about instances names one study, so that it goes to one machine
 * where the index is spread over several.
 */
export function postgresRemovals(sql: Sql): RemovalStore {
  return {
    async notesAmong(study, instances) {
      const rows = await sql.query<{ sop_uid: string }>(
        `select sop_uid from instance
          where study_uid = $1 and sop_uid = any($2) and sop_class_uid = $3
            and dicom_text(attributes -> '0040A043' -> 'Value' -> 0, '00080102') = 'DCM'
            and dicom_text(attributes -> '0040A043' -> 'Value' -> 0, '00080100') = any($4)`,
        [study, instances, keyObjectSelection, Object.keys(removalReasons)],
      );
      return rows.map(({ sop_uid }) => sop_uid);
    },

    async putAside(study, instances, why) {
      const values = [
        study,
        instances,
        why.reason,
        why.note?.SOPInstanceUID ?? null,
        why.by,
        why.requestId ?? null,
        why.at,
        why.purgeAfter,
      ];
      await sql.query(putAsideStatement, values);
      const gone = await sql.query<{ sop_uid: string; series_uid: string }>(
        `delete from instance where study_uid = $1 and sop_uid = any($2) returning sop_uid, series_uid`,
        [study, instances],
      );
      await deriveAnew(sql, study, gone);
      return gone.map(({ sop_uid }) => sop_uid);
    },

    async bar(study, instances, { reason, note, by, at, patientId }) {
      const noted = [note?.SOPInstanceUID ?? null, note?.StudyInstanceUID ?? null];
      await sql.query(barStatement, [study, instances, reason, ...noted, patientId, by, at]);
    },

    async obstacles(wanted) {
      if (wanted.length === 0) return [];
      const pairs = [wanted.map((name) => name.StudyInstanceUID), wanted.map((name) => name.SOPInstanceUID)];
      const removed = await sql.query<ReasonRow>(
        `select study_uid, sop_uid, reason from removed_instance
           join unnest($1::text[], $2::text[]) as wanted (study_uid, sop_uid) using (study_uid, sop_uid)`,
        pairs,
      );
      const barred = await sql.query<BarRow>(
        `select study_uid, sop_uid, reason, note_uid, note_study_uid, patient_id, purged_at is not null as purged
           from rejected_name
           join unnest($1::text[], $2::text[]) as wanted (study_uid, sop_uid) using (study_uid, sop_uid)`,
        pairs,
      );
      return together(removed, barred);
    },

    async removed(study) {
      return sql.query<RemovedInstance>(
        `select study_uid as "StudyInstanceUID", series_uid as "SeriesInstanceUID", sop_uid as "SOPInstanceUID", reason,
                note_uid is not null as "byNote"
           from removed_instance where study_uid = $1 order by seq`,
        [study],
      );
    },

    async bringBack(study, instances) {
      await sql.query(
        `insert into instance (${moved}) overriding system value
         select ${moved} from removed_instance where study_uid = $1 and sop_uid = any($2)`,
        [study, instances],
      );
      const back = await sql.query<{ series_uid: string }>(
        `delete from removed_instance where study_uid = $1 and sop_uid = any($2) returning series_uid`,
        [study, instances],
      );
      await sql.query(`delete from rejected_name where study_uid = $1 and sop_uid = any($2)`, [study, instances]);
      await deriveAnew(sql, study, back);
    },

    async forget(forgotten) {
      for (const [study, some] of Map.groupBy(forgotten, (name) => name.StudyInstanceUID))
        await sql.query(`delete from removed_instance where study_uid = $1 and sop_uid = any($2)`, [
          study,
          some.map((name) => name.SOPInstanceUID),
        ]);
    },

    async due(at, limit) {
      const rows = await sql.query<{ study_uid: string }>(
        `select distinct study_uid from removed_instance where purge_after <= $1 order by study_uid limit $2`,
        [at, limit],
      );
      return rows.map(({ study_uid }) => study_uid);
    },

    async purge(study, at) {
      const gone = await sql.query<{ sop_uid: string }>(
        `delete from removed_instance where study_uid = $1 and purge_after <= $2 returning sop_uid`,
        [study, at],
      );
      const uids = gone.map(({ sop_uid }) => sop_uid);
      await sql.query(
        `update rejected_name set purged_at = $3 where study_uid = $1 and sop_uid = any($2) and purged_at is null`,
        [study, uids, at],
      );
      await sql.query(
        `delete from study where study_uid = $1
            and not exists (select from instance where instance.study_uid = $1)
            and not exists (select from removed_instance where removed_instance.study_uid = $1)`,
        [study],
      );
      return uids;
    },
  };
}

const putAsideStatement = `
  insert into removed_instance (${moved}, reason, note_uid, removed_by, request_id, removed_at, purge_after)
  select ${moved}, $3, $4, $5, $6, $7::timestamptz, $8::timestamptz
    from instance where study_uid = $1 and sop_uid = any($2)`;

/** Patient safety is the one that is never taken back by time. */
const barStatement = `
  insert into rejected_name (study_uid, sop_uid, reason, note_uid, note_study_uid, patient_id, rejected_by, rejected_at)
  select $1, sop_uid, $3, $4, $5, $6, $7, $8::timestamptz from unnest($2::text[]) as named (sop_uid) order by sop_uid
  on conflict (study_uid, sop_uid) do update
     set reason = excluded.reason, note_uid = excluded.note_uid, note_study_uid = excluded.note_study_uid,
         patient_id = excluded.patient_id, rejected_by = excluded.rejected_by, rejected_at = excluded.rejected_at
   where excluded.reason = '113037' and rejected_name.reason <> '113037'`;

/** Attributes of a series are those of its first instance: where instances came or went, they are taken anew. */
async function deriveAnew(sql: Sql, study: string, changed: readonly { series_uid: string }[]): Promise<void> {
  const series = [...new Set(changed.map(({ series_uid }) => series_uid))];
  if (series.length > 0)
    await sql.query(`delete from series where study_uid = $1 and series_uid = any($2)`, [study, series]);
}

interface ReasonRow {
  study_uid: string;
  sop_uid: string;
  reason: RemovalReason;
}

interface BarRow extends ReasonRow {
  note_uid: string | null;
  note_study_uid: string | null;
  patient_id: string;
  purged: boolean;
}

function together(removed: readonly ReasonRow[], barred: readonly BarRow[]): Obstacle[] {
  const keyOf = ({ study_uid, sop_uid }: ReasonRow) => `${study_uid} ${sop_uid}`;
  const aside = new Set(removed.map(keyOf));
  const bars = new Set(barred.map(keyOf));
  const name = ({ study_uid, sop_uid, reason }: ReasonRow) => ({
    StudyInstanceUID: study_uid,
    SOPInstanceUID: sop_uid,
    reason,
  });
  return [
    ...barred.map((row) => ({
      ...name(row),
      removed: aside.has(keyOf(row)),
      barred: { ...noteOf(row), patientId: row.patient_id, purged: row.purged },
    })),
    ...removed.filter((row) => !bars.has(keyOf(row))).map((row) => ({ ...name(row), removed: true })),
  ];
}

function noteOf({ note_uid, note_study_uid }: BarRow): { note?: StoredName } {
  return note_uid === null || note_study_uid === null
    ? {}
    : { note: { SOPInstanceUID: note_uid, StudyInstanceUID: note_study_uid } };
}

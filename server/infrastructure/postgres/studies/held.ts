import type { InstanceRow } from '../../../core/dicom/instance.ts';
import type { HeldInstance, HeldStore, HoldReason, StandingCopy } from '../../../core/studies/held-instance.ts';
import type { Sql } from '../connection.ts';
import { columns, instanceColumns, names, statements } from './studies.ts';

/** Characters of the headers, as they are stored, that one page of held instances may have. */
const pageSize = 4 << 20;
const mostOnPage = 500;

/** Instances that wait for a human. Each statement about stored ones names one study, as those of `removals.ts` do. */
export function postgresHeld(sql: Sql): HeldStore {
  return {
    async hold(instances) {
      const kept = new Set<string>();
      const byRow = new Map(instances.map((one) => [one.row, one]));
      for (const batch of statements([...byRow.keys()])) {
        const rows = batch.map((row) => withSender(columns(row), byRow.get(row)!));
        await sql.query(holdStatement, [`[${rows.join(',')}]`]);
      }
      const waiting = await sql.query<{ study_uid: string; sop_uid: string; blob: string }>(
        `select study_uid, sop_uid, blob from held_instance
           join unnest($1::text[], $2::text[]) as wanted (study_uid, sop_uid) using (study_uid, sop_uid)`,
        [instances.map(({ row }) => row.StudyInstanceUID), instances.map(({ row }) => row.SOPInstanceUID)],
      );
      for (const { study_uid, sop_uid, blob } of waiting) kept.add(`${study_uid} ${sop_uid} ${blob}`);
      return instances.map(({ row }) => kept.has(`${row.StudyInstanceUID} ${row.SOPInstanceUID} ${row.blob}`));
    },

    async page(study, from = 0) {
      const sizes = await sql.query<{ seq: number; size: number }>(
        `select seq, pg_column_size(attributes) + pg_column_size(bulk) + coalesce(pg_column_size(frames), 0) as size
           from held_instance where study_uid = $1 and seq >= $2 order by seq limit ${mostOnPage + 1}`,
        [study, from],
      );
      let length = 0;
      for (let sum = 0; length < Math.min(sizes.length, mostOnPage); length++) {
        sum += sizes[length]!.size;
        if (length > 0 && sum > pageSize) break;
      }
      const next = sizes[length]?.seq;
      if (length === 0) return { instances: [] };
      const rows = await sql.query<HeldRow>(
        `select ${instanceColumns}, why, sender_kind, sender_subject, sender_client from held_instance
          where study_uid = $1 and seq between $2 and $3 order by seq`,
        [study, sizes[0]!.seq, sizes[length - 1]!.seq],
      );
      return { instances: rows.map(heldInstance), ...(next !== undefined && { next }) };
    },

    async count(study) {
      const [row] = await sql.query<{ count: number }>(`select count(*) from held_instance where study_uid = $1`, [
        study,
      ]);
      return row!.count;
    },

    drop: (study) =>
      sql.query(
        `delete from held_instance where study_uid = $1
         returning study_uid as "StudyInstanceUID", series_uid as "SeriesInstanceUID", sop_uid as "SOPInstanceUID"`,
        [study],
      ),

    async standing(rows, apart) {
      const copies = new Map<InstanceRow, StandingCopy>();
      for (const [study, ofStudy] of Map.groupBy(rows, ({ StudyInstanceUID }) => StudyInstanceUID)) {
        for (const batch of statements(ofStudy)) {
          const wanted = `[${batch.map(columns).join(',')}]`;
          const found = await sql.query<StandingRow>(standingStatement, [study, wanted, apart]);
          const byName = new Map(found.map((one) => [one.sop_uid, one]));
          for (const row of batch) {
            const stands = byName.get(row.SOPInstanceUID);
            if (stands) copies.set(row, copyOf(stands));
          }
        }
      }
      return copies;
    },
  };
}

function withSender(row: string, { why, sender }: HeldInstance): string {
  const more = { why, sender_kind: sender.kind, sender_subject: sender.subject, sender_client: sender.clientId };
  return `${row.slice(0, -1)},${JSON.stringify(more).slice(1)}`;
}

const holdStatement = `
  insert into held_instance (${names}, why, sender_kind, sender_subject, sender_client)
  select ${names.replace('frames', `nullif(frames, 'null'::jsonb)`)}, why, sender_kind, sender_subject, sender_client
    from rows from (jsonb_to_recordset($1::jsonb) as (
           study_uid text, series_uid text, sop_uid text, sop_class_uid text, transfer_syntax_uid text,
           blob text, inflated text, size bigint, attributes jsonb, bulk jsonb, frames jsonb,
           why text, sender_kind text, sender_subject text, sender_client text)) with ordinality as row
   order by ordinality
  on conflict (study_uid, sop_uid) do nothing`;

type HeldRow = Omit<InstanceRow, 'inflated'> & {
  inflated: string | null;
  why: HoldReason;
  sender_kind: HeldInstance['sender']['kind'];
  sender_subject: string;
  sender_client: string;
};

function heldInstance({ why, sender_kind, sender_subject, sender_client, inflated, ...row }: HeldRow): HeldInstance {
  return {
    row: { ...row, ...(inflated !== null && { inflated }) },
    why,
    sender: { kind: sender_kind, subject: sender_subject, clientId: sender_client },
  };
}

interface StandingRow extends Pick<InstanceRow, 'blob' | 'bulk'> {
  sop_uid: string;
  inflated: string | null;
  same: boolean;
  alike: boolean;
}

function copyOf({ blob, bulk, inflated, same, alike }: StandingRow): StandingCopy {
  return {
    row: { blob, bulk, ...(inflated !== null && { inflated }) },
    alike: same ? 'all' : alike ? 'apart' : undefined,
  };
}

/** The database compares: attributes of an instance may be as long as those of a slide. */
const standingStatement = `
  select stands.sop_uid, stands.blob, stands.inflated, stands.bulk,
         stands.attributes = wanted.attributes as same,
         stands.attributes - $3::text[] = wanted.attributes - $3::text[] as alike
    from instance stands join jsonb_to_recordset($2::jsonb) as wanted (sop_uid text, attributes jsonb) using (sop_uid)
   where stands.study_uid = $1`;

import { storedCoercion } from '../../../core/studies/coercion.ts';
import { everyPatientAndStudyTag, seriesTags } from '../../../core/studies/levels.ts';
import { headerSize } from '../../../core/studies/receive-instance.ts';
import type { InstanceRow } from '../../../core/dicom/instance.ts';
import type { StudyContent, StudyRow, StudyStore } from '../../../core/studies/study-store.ts';
import type { DicomJson } from '../../../core/dicom/json.ts';
import type { Sql } from '../connection.ts';
import { postgresGrowth, type StudyGrowing } from './growth.ts';

/** The half of the study store that changes it; searching and locating are in search.ts. */
export type StudyWriting = Pick<
  StudyStore,
  | 'lockStudy'
  | 'claimNames'
  | 'insertInstances'
  | 'settle'
  | 'study'
  | 'studiesOf'
  | 'coerce'
  | 'tiedTo'
  | 'content'
  | 'blobsInUse'
> &
  StudyGrowing;

/** JSON of one statement's rows: beyond this the rows go out in several statements. */
const statementSize = 16 << 20;

export function postgresStudyWriting(sql: Sql): StudyWriting {
  return {
    async lockStudy(uid) {
      // The row may not exist yet, so the lock is on the name.
      await sql.query(`select pg_advisory_xact_lock(hashtextextended('study ' || $1, 0))`, [uid]);
      return studyRow(sql, uid);
    },

    study: (uid) => studyRow(sql, uid),

    async studiesOf(patientId) {
      const rows = await sql.query<{ study_uid: string }>(
        `select study_uid from study where patient_id = $1 order by study_uid`,
        [patientId],
      );
      return rows.map(({ study_uid }) => study_uid);
    },
    ...postgresGrowth(sql),

    async tiedTo(imagingStudyId) {
      const [row] = await sql.query<{ study_uid: string }>(
        `select study_uid from study where imaging_study_id = $1 limit 1`,
        [imagingStudyId],
      );
      return row?.study_uid;
    },

    async claimNames(rows) {
      const values = [rows.map((row) => row.SOPInstanceUID), rows.map((row) => row.StudyInstanceUID)];
      const added = await sql.query<NameRow>(claimStatement, values);
      const owners = new Map(added.map(({ sop_uid, study_uid }) => [sop_uid, study_uid]));
      const others = values[0]!.filter((uid) => !owners.has(uid));
      // A statement of its own: it sees what another sender committed while the first one waited.
      const standing =
        others.length === 0
          ? []
          : await sql.query<NameRow>(`select sop_uid, study_uid from instance_name where sop_uid = any($1)`, [others]);
      for (const { sop_uid, study_uid } of standing) owners.set(sop_uid, study_uid);
      const isOwner = (row: (typeof rows)[number]) => owners.get(row.SOPInstanceUID) === row.StudyInstanceUID;
      const refused = rows.filter((row) => !isOwner(row));
      for (const { sop_uid, study_uid } of await takeFreed(sql, refused, standing)) owners.set(sop_uid, study_uid);
      const doubles = await stored(sql, refused.map((row) => ({ sop_uid: row.SOPInstanceUID, study_uid: row.StudyInstanceUID }))); // prettier-ignore
      return rows.map((row) => isOwner(row) || doubles.has(`${row.StudyInstanceUID} ${row.SOPInstanceUID}`));
    },

    async insertInstances(rows) {
      const inserted = new Set<string>();
      for (const batch of statements(rows)) {
        const added = await sql.query<{ study_uid: string; sop_uid: string }>(insertStatement, [
          `[${batch.map(columns).join(',')}]`,
        ]);
        for (const { study_uid, sop_uid } of added) inserted.add(`${study_uid} ${sop_uid}`);
      }
      const nameOf = (row: InstanceRow) => `${row.StudyInstanceUID} ${row.SOPInstanceUID}`;
      const standing = await standingRows(
        sql,
        rows.filter((row) => !inserted.has(nameOf(row))),
      );
      return rows.map((row) => {
        // Only the first row of a name can be the inserted one, should a caller pass two.
        const isInserted = inserted.delete(nameOf(row));
        return { row: isInserted ? row : (standing.get(nameOf(row)) ?? row), inserted: isInserted };
      });
    },

    async settle(uid, { patientId, imagingStudyId }) {
      await sql.query(settleStudyStatement, [uid, patientId, imagingStudyId]);
      await sql.query(settleSeriesStatement, [uid, seriesTags]);
      await sql.query(summariseStatement, [uid, everyPatientAndStudyTag]);
      return (await studyRow(sql, uid))!;
    },

    async coerce(uid, coercion) {
      const value = coercion && JSON.stringify(storedCoercion(coercion));
      await sql.query(coerceStatement, [uid, value ?? null]);
      await sql.query(summariseStatement, [uid, everyPatientAndStudyTag]);
    },

    content: (uid) => studyContent(sql, uid),

    async blobsInUse(candidates) {
      const found = await sql.query<{ blob: string }>(
        `select blob from instance where blob = any($1)
         union select inflated from instance where inflated = any($1)
         union select blob from removed_instance where blob = any($1)
         union select inflated from removed_instance where inflated = any($1)
         union select blob from held_instance where blob = any($1)
         union select inflated from held_instance where inflated = any($1)
         union select blob from non_patient_instance where blob = any($1)`,
        [candidates],
      );
      return new Set(found.map(({ blob }) => blob));
    },
  };
}

interface NameRow {
  sop_uid: string;
  study_uid: string;
}

/** Those of the named instances that are there, as `study sop`. */
async function stored(
  sql: Sql,
  names: readonly NameRow[],
  table: 'instance' | 'removed_instance' | 'rejected_name' = 'instance',
): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const found = await sql.query<NameRow>(
    `select sop_uid, study_uid from ${table}
       join unnest($1::text[], $2::text[]) as wanted (sop_uid, study_uid) using (study_uid, sop_uid)`,
    [names.map(({ sop_uid }) => sop_uid), names.map(({ study_uid }) => study_uid)],
  );
  return new Set(found.map(({ sop_uid, study_uid }) => `${study_uid} ${sop_uid}`));
}

/** The same, and those that were removed and may come back, or must not. */
async function held(sql: Sql, names: readonly NameRow[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const table of ['instance', 'removed_instance', 'rejected_name'] as const)
    for (const name of await stored(sql, names, table)) found.add(name);
  return found;
}

/**
 * Gives standing names to who wants them where the instance that had them is gone for good. A name and its instance come in one
 * transaction, so a name of an earlier transaction without one is free. Asked here, because triggers are not to be had where the
 * index is spread over machines.
 */
async function takeFreed(
  sql: Sql,
  refused: readonly Pick<InstanceRow, 'StudyInstanceUID' | 'SOPInstanceUID'>[],
  standing: readonly NameRow[],
): Promise<NameRow[]> {
  const wanted = new Map(refused.toReversed().map((row) => [row.SOPInstanceUID, row.StudyInstanceUID]));
  const holders = standing.filter(({ sop_uid }) => wanted.has(sop_uid));
  const taken = await held(sql, holders);
  const free = holders.filter(({ sop_uid, study_uid }) => !taken.has(`${study_uid} ${sop_uid}`));
  if (free.length === 0) return [];
  return sql.query<NameRow>(takeStatement, [
    free.map(({ sop_uid }) => sop_uid),
    free.map(({ study_uid }) => study_uid),
    free.map(({ sop_uid }) => wanted.get(sop_uid)!),
  ]);
}

/** Of several who want one, the first: the others find another owner than they saw. */
const takeStatement = `
  update instance_name name set study_uid = wanted.study_uid
    from unnest($1::text[], $2::text[], $3::text[]) as wanted (sop_uid, holder, study_uid)
   where name.sop_uid = wanted.sop_uid and name.study_uid = wanted.holder
  returning name.sop_uid, name.study_uid`;

/** In one order, so that two senders of the same UIDs wait for each other and never in a circle. */
const claimStatement = `
  insert into instance_name (sop_uid, study_uid)
  select distinct on (sop_uid) sop_uid, study_uid
    from unnest($1::text[], $2::text[]) with ordinality as wanted (sop_uid, study_uid, place) order by sop_uid, place
  on conflict (sop_uid) do nothing
  returning sop_uid, study_uid`;

async function studyRow(sql: Sql, uid: string): Promise<StudyRow | undefined> {
  const [row] = await sql.query<StudyRow>(
    `select study_uid as "StudyInstanceUID", patient_id as "patientId", imaging_study_id as "imagingStudyId", revision,
            number_of_series as "numberOfSeries", number_of_instances as "numberOfInstances", coercion is not null as coerced
       from study where study_uid = $1`,
    [uid],
  );
  return row;
}

/** The row as JSON; what came as text stays text. */
export function columns({ long = {}, ...row }: InstanceRow): string {
  const short = JSON.stringify({
    study_uid: row.StudyInstanceUID,
    series_uid: row.SeriesInstanceUID,
    sop_uid: row.SOPInstanceUID,
    sop_class_uid: row.SOPClassUID,
    transfer_syntax_uid: row.TransferSyntaxUID,
    blob: row.blob,
    inflated: row.inflated,
    size: row.size,
    ...(long.attributes === undefined && { attributes: row.attributes }),
    ...(long.bulk === undefined && { bulk: row.bulk }),
    ...(long.frames === undefined && { frames: row.frames }),
  });
  const texts = Object.entries(long).map(([name, text]) => `,"${name}":${text}`);
  return `${short.slice(0, -1)}${texts.join('')}}`;
}

/** Splits by the size of the files' headers. */
export function* statements(rows: InstanceRow[]): Generator<InstanceRow[]> {
  let batch: InstanceRow[] = [];
  let size = 0;
  for (const row of rows) {
    const rowSize = headerSize(row);
    if (batch.length > 0 && size + rowSize > statementSize) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(row);
    size += rowSize;
  }
  if (batch.length > 0) yield batch;
}

/** The columns of an instance that are not computed. */
export const names = `study_uid, series_uid, sop_uid, sop_class_uid, transfer_syntax_uid, blob, inflated, size, attributes, bulk, frames`;

/** The same under the names of `InstanceRow`. */
export const instanceColumns = `study_uid as "StudyInstanceUID", series_uid as "SeriesInstanceUID", sop_uid as "SOPInstanceUID",
  sop_class_uid as "SOPClassUID", transfer_syntax_uid as "TransferSyntaxUID", blob, size, attributes, bulk, frames, inflated`;

/** Rows arrive in the order of their instance numbers or file names, and `seq` keeps it. */
const insertStatement = `
  insert into instance (${names})
  select ${names.replace('frames', `nullif(frames, 'null'::jsonb)`)}
    from rows from (jsonb_to_recordset($1::jsonb) as (
           study_uid text, series_uid text, sop_uid text, sop_class_uid text, transfer_syntax_uid text,
           blob text, inflated text, size bigint, attributes jsonb, bulk jsonb, frames jsonb)) with ordinality as row
   order by ordinality
  on conflict (study_uid, sop_uid) do nothing
  returning study_uid, sop_uid`;

async function standingRows(sql: Sql, rows: InstanceRow[]): Promise<Map<string, InstanceRow>> {
  if (rows.length === 0) return new Map();
  const found = await sql.query<InstanceRow>(
    `select ${instanceColumns} from instance join unnest($1::text[], $2::text[]) as wanted (study, sop) on study_uid = study and sop_uid = sop`,
    [rows.map((row) => row.StudyInstanceUID), rows.map((row) => row.SOPInstanceUID)],
  );
  return new Map(
    found.map(({ inflated, ...row }) => [
      `${row.StudyInstanceUID} ${row.SOPInstanceUID}`,
      inflated === null || inflated === undefined ? row : { ...row, inflated },
    ]),
  );
}

/** The time comes with the row: an engine that spreads the tables takes no function in DO UPDATE that is not immutable. */
const settleStudyStatement = `
  insert into study (study_uid, patient_id, imaging_study_id, revision, number_of_series, number_of_instances, modalities,
                     sop_classes, attributes, updated_at)
  values ($1, $2, $3, 1, 0, 0, '{}', '{}', '{}', now())
  on conflict (study_uid) do update
     set patient_id = excluded.patient_id, imaging_study_id = excluded.imaging_study_id,
         revision = study.revision + 1, updated_at = excluded.updated_at`;

/**
 * A series takes its attributes from its first instance and keeps them; one without a modality is "other", for it is listed by one
 * (PS3.3 C.7.3.1.1.1, type 1). Its count follows its instances. Only the
 * first instance of a new series is read, so that a study of thousands costs a count and no more.
 */
const settleSeriesStatement = `
  with counted as (
    select series_uid, count(*) as number, min(seq) as first from instance where study_uid = $1 group by series_uid
  ), gone as (
    delete from series where study_uid = $1 and series_uid not in (select series_uid from counted)
  ), standing as (
    update series set number_of_instances = counted.number
      from counted where series.study_uid = $1 and series.series_uid = counted.series_uid
     returning series.series_uid
  )
  insert into series (study_uid, series_uid, number_of_instances, attributes)
  select $1, counted.series_uid, counted.number,
         (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(instance.attributes) where key = any($2::text[]))
           || case when instance.attributes #>> '{00080060,Value,0}' ~ '\\S' then '{}' else '{"00080060": {"vr": "CS", "Value": ["OT"]}}'::jsonb end
    from counted
    join instance on instance.study_uid = $1 and instance.series_uid = counted.series_uid and instance.seq = counted.first
   where counted.series_uid not in (select series_uid from series where study_uid = $1)`;

const coerceStatement = `
  update study set coercion = $2::jsonb, revision = revision + 1, updated_at = now() where study_uid = $1`;

/**
 * The study's attributes: of its first instance that has a value, series by series in order of arrival. What a coercion
 * says stands before that; what it leaves empty takes a value away and adds none.
 */
const summariseStatement = `
  with firsts as (
    select min(seq) as seq from instance where study_uid = $1 group by series_uid
  ), candidates as (
    select distinct on (key) key, value
      from instance join firsts using (seq), jsonb_each(instance.attributes)
     where instance.study_uid = $1 and key = any($2::text[])
     order by key, (value ? 'Value') desc, seq
  ), summary as (
    select coalesce(jsonb_object_agg(key, value), '{}') as said from candidates
  )
  update study set
    attributes = summary.said || (
      select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(study.coercion -> 'attributes')
       where value ? 'Value' or summary.said ? key),
    number_of_series = (select count(*) from series where study_uid = $1),
    number_of_instances = (select coalesce(sum(number_of_instances), 0) from series where study_uid = $1),
    modalities = (select coalesce(array_agg(distinct modality order by modality), '{}') from series
                   where study_uid = $1 and modality is not null),
    sop_classes = (select coalesce(array_agg(distinct sop_class_uid order by sop_class_uid), '{}') from instance where study_uid = $1)
  from summary where study_uid = $1`;

async function studyContent(sql: Sql, uid: string): Promise<StudyContent> {
  const [study] = await sql.query<{ attributes: DicomJson }>(`select attributes from study where study_uid = $1`, [
    uid,
  ]);
  const series = await sql.query<StudyContent['series'][number]>(
    `select series_uid as "SeriesInstanceUID", attributes, number_of_instances as "numberOfInstances",
            (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                      'SOPInstanceUID', sop_uid, 'SOPClassUID', sop_class_uid, 'InstanceNumber', instance_number, 'title', title))
                    order by instance_number nulls last, sop_uid), '[]')
               from instance where instance.study_uid = series.study_uid and instance.series_uid = series.series_uid) as instances
       from series where study_uid = $1
      order by series_number nulls last, series_uid`,
    [uid],
  );
  return { attributes: study?.attributes ?? {}, series };
}

import type { Narrowing } from '../../../core/access/narrowing.ts';
import type { DicomElement, DicomJson } from '../../../core/dicom/json.ts';
import type { Site } from '../../../core/search/index-extraction.ts';
import { returned, returnedPaths } from '../../../core/studies/return-keys.ts';
import type {
  FoundStudy,
  ImageAttributes,
  LocatedInstance,
  StudyPart,
  StudyQuery,
  StudyStore,
} from '../../../core/studies/study-store.ts';
import type { InstanceRow } from '../../../core/dicom/instance.ts';
import type { Sql } from '../connection.ts';
import { inTurns } from '../../../core/in-turns.ts';
import { visible } from '../records/narrowing.ts';
import { bindings, type Bindings } from '../records/search-values.ts';
import { coercedAttributes, coercedColumn, withCoercion } from './coerced.ts';
import { keyConditions, studyColumn } from './keys.ts';

interface FoundRow {
  study_uid: string;
  patient_id: string;
  study: DicomJson;
  modalities: string[];
  sop_classes: string[];
  number_of_series: number;
  number_of_instances: number;
  series_uid?: string;
  series?: DicomJson;
  series_instances?: number;
  sop_uid?: string;
  instance?: DicomJson;
  /** Of instances: what their study says in place of them. */
  coercion?: DicomJson | null;
  /** Of instances: matches that the page could have, whatever their length. */
  available?: number;
}

interface LocatedRow {
  study_uid: string;
  series_uid: string;
  sop_uid: string;
  sop_class_uid: string;
  transfer_syntax_uid: string;
  blob: string;
  inflated: string | null;
  size: number;
  /** JSON text: most requests look at a small part of it, or pass it on. */
  attributes: string;
  /** Items of the per-frame functional groups, where `attributes` is without them. */
  groups: string | null;
  bulk: string;
  frames: string | null;
  patient_id: string;
  imaging_study_id: string;
}

/** Stored bytes of a header up to which all of it is read: a few milliseconds to parse. */
const shortHeader = 65_536;

/** Attributes that say how pixels are drawn, and what a document is; none of them is long in an image. */
const pictureAttributes = '^(0028....|60......|7FE0....|20500020|00181164|00182010|52009229|00420012)$';
const longestPictureAttribute = 524_288;

function pictureColumns(bound: Bindings, frames: readonly number[]): string {
  const long = `pg_column_size(i.attributes) > ${shortHeader}`;
  return `case when ${long} then coalesce((
                   select jsonb_object_agg(key, value)::text from jsonb_each(i.attributes)
                    where key ~ '${pictureAttributes}' and pg_column_size(value) < ${longestPictureAttribute}), '{}')
                 else i.attributes::text end as attributes,
                case when ${long} then (
                   select jsonb_agg(i.attributes #> array['52009230', 'Value', frame::text])::text
                     from unnest(${bound.add(frames)}::int[]) frame) end as groups`;
}

/**
 * Every instance has its series and study. LEFT JOIN says so to the planner, which otherwise takes the study and
 * series UIDs of an instance for independent, expects a handful of rows, and sorts all of them.
 */
const from: Record<StudyQuery['level'], string> = {
  study: 'study st',
  series: 'series se left join study st on st.study_uid = se.study_uid',
  instance: `instance i left join series se on se.study_uid = i.study_uid and se.series_uid = i.series_uid
             left join study st on st.study_uid = i.study_uid`,
};
const lowest = { study: 'st', series: 'se', instance: 'i' } as const;

/** Stable, and along an index where whole tables are paged through: newest studies first, instances of one study as a person counts them. */
const order = {
  study: 'st.study_date desc nulls last, st.study_time desc nulls last, st.study_uid',
  series: 'se.study_uid, se.series_number, se.series_uid',
  instance: 'i.study_uid, se.series_number, i.series_uid, i.instance_number, i.sop_uid',
  instanceAnywhere: 'i.study_uid, i.series_uid, i.instance_number, i.sop_uid',
};

const studyColumns = `st.study_uid, st.patient_id, st.attributes as study, st.modalities, st.sop_classes,
                      st.number_of_series, st.number_of_instances`;
const seriesColumns = `se.series_uid, se.attributes as series, se.number_of_instances as series_instances`;

const addressColumns = `i.study_uid as "StudyInstanceUID", i.series_uid as "SeriesInstanceUID",
  i.sop_uid as "SOPInstanceUID", i.sop_class_uid as "SOPClassUID", i.transfer_syntax_uid as "TransferSyntaxUID", i.blob, i.size,
  i.frames is not null as "isImage", pg_column_size(i.attributes) as weight,
  st.patient_id as "patientId", st.imaging_study_id as "imagingStudyId", ${coercedColumn}`;

/**
 * The reading half of the study store: search and retrieve.
 *
 * The narrowing is that of the ImagingStudy record which belongs to the study, so images and record cannot be
 * visible to different people.
 *
 * @param options what references and dates in granular scopes are read against
 */
export function postgresStudySearch(
  sql: Sql,
  options: Partial<Site> = {},
): Pick<
  StudyStore,
  'find' | 'countOfFind' | 'addresses' | 'middleImage' | 'instance' | 'imageAttributes' | 'attributesOf'
> {
  const { baseUrl = '', timeZone = 'UTC' } = options;

  function where(query: StudyQuery, narrowing: Narrowing, bound: Bindings): string {
    const conditions = keyConditions(query, { ...query, bound });
    if (query.StudyInstanceUID !== undefined)
      conditions.push(`${lowest[query.level]}.study_uid = ${bound.add(query.StudyInstanceUID)}`);
    if (query.SeriesInstanceUID !== undefined)
      conditions.push(`${lowest[query.level]}.series_uid = ${bound.add(query.SeriesInstanceUID)}`);
    // All that was in it has been removed: it can be brought back, and is not there until then.
    if (query.level === 'study') conditions.push('st.number_of_instances > 0');
    conditions.push(...allowed(narrowing, bound, baseUrl));
    return conditions.length === 0 ? 'true' : conditions.join(' and ');
  }

  function located(level: StudyPart, narrowing: Narrowing, bound: Bindings): string {
    const conditions = [`i.study_uid = ${bound.add(level.StudyInstanceUID)}`];
    if (level.SeriesInstanceUID !== undefined) conditions.push(`i.series_uid = ${bound.add(level.SeriesInstanceUID)}`);
    if (level.SOPInstanceUID !== undefined) conditions.push(`i.sop_uid = ${bound.add(level.SOPInstanceUID)}`);
    return [...conditions, ...allowed(narrowing, bound, baseUrl)].join(' and ');
  }

  return {
    async find(query, narrowing) {
      const bound = bindings(timeZone);
      const condition = where(query, narrowing, bound);
      const page = `from ${from[query.level]} where ${condition}
          order by ${orderOf(query)} limit ${bound.add(query.limit)} offset ${bound.add(query.offset)}`;
      const columns = columnsOf(query, bound);
      const rows = await sql.query<FoundRow>(
        query.level === 'instance' ? cutByLength(columns, page, orderOf(query)) : `select ${columns} ${page}`,
        bound.values,
      );
      const paths = returnedPaths(query);
      const matches = await inTurns(rows, (row) => foundStudy(row, query, paths));
      return { matches, cut: (rows[0]?.available ?? 0) > rows.length };
    },

    async countOfFind(query, narrowing) {
      const bound = bindings(timeZone);
      const condition = where(query, narrowing, bound);
      const [row] = await sql.query<{ count: number }>(
        `select count(*) as count from ${countedFrom(query.level, condition)} where ${condition}`,
        bound.values,
      );
      return row?.count ?? 0;
    },

    async addresses(part, narrowing) {
      const bound = bindings(timeZone);
      const statement = `select ${addressColumns} from ${from.instance} where ${located(part, narrowing, bound)} order by ${order.instance}`;
      return withCoercion(sql, narrowing, () => sql.prepared(statement, bound.values));
    },

    async middleImage(part, narrowing, syntaxes) {
      const bound = bindings(timeZone);
      const drawn = `i.frames is not null and i.transfer_syntax_uid = any(${bound.add(syntaxes)}::text[])`;
      const statement = `with image as (
           select i.study_uid, i.series_uid, i.sop_uid, row_number() over (order by ${order.instance}) as place,
                  count(*) over () as images
             from ${from.instance} where ${located(part, narrowing, bound)} and ${drawn})
         select ${addressColumns}
           from image join instance i using (study_uid, series_uid, sop_uid) left join study st using (study_uid)
          where image.place = image.images / 2 + 1`;
      const [middle] = await withCoercion(sql, narrowing, () => sql.query(statement, bound.values));
      return middle;
    },

    async instance(name, narrowing, framesOfPictures) {
      const bound = bindings(timeZone);
      const header = framesOfPictures ? pictureColumns(bound, framesOfPictures) : 'i.attributes::text, null as groups';
      const [row] = await sql.prepared<LocatedRow>(
        `select i.study_uid, i.series_uid, i.sop_uid, i.sop_class_uid, i.transfer_syntax_uid, i.blob, i.inflated, i.size,
                ${header}, i.bulk::text, i.frames::text, st.patient_id, st.imaging_study_id
           from ${from.instance} where ${located(name, narrowing, bound)}`,
        bound.values,
      );
      return row && locatedInstance(row, framesOfPictures);
    },

    async imageAttributes(study, tags, among) {
      return sql.query<ImageAttributes>(
        `select i.study_uid as "StudyInstanceUID", i.series_uid as "SeriesInstanceUID", i.sop_uid as "SOPInstanceUID",
                (select coalesce(jsonb_object_agg(tag, i.attributes -> tag), '{}')
                   from unnest($2::text[]) tag where i.attributes ? tag) as attributes
           from ${from.instance} where i.study_uid = $1 and i.frames is not null and ($3::text[] is null or i.sop_uid = any($3))
          order by ${order.instance}`,
        [study, tags, among ?? null],
      );
    },

    async attributesOf(study, instances, originals = true) {
      const rows = await sql.query<{ attributes: string }>(
        `select (${coercedAttributes('$3::boolean')})::text as attributes
           from unnest($2::text[]) with ordinality as wanted (sop, place)
           join instance i on i.study_uid = $1 and i.sop_uid = sop left join study st on st.study_uid = i.study_uid
          order by place`,
        [study, instances, originals],
      );
      return rows.map(({ attributes }) => attributes);
    },
  };
}

/** The condition that the study's ImagingStudy is visible; none for callers who may see all. */
function allowed(narrowing: Narrowing, bound: Bindings, baseUrl: string): string[] {
  if (narrowing.kind === 'all') return [];
  const row = bound.alias();
  return [
    `exists (select from record ${row} where ${row}.type = 'ImagingStudy' and ${row}.id = st.imaging_study_id
               and not ${row}.deleted and ${visible('ImagingStudy', narrowing, row, bound, baseUrl)})`,
  ];
}

function orderOf({ level, StudyInstanceUID, order: wanted }: StudyQuery): string {
  if (level === 'study' && wanted) return studyOrder(wanted);
  return level === 'instance' && StudyInstanceUID === undefined ? order.instanceAnywhere : order[level];
}

function studyOrder(wanted: NonNullable<StudyQuery['order']>): string {
  const keys = wanted.map(({ path, descending }) => `${studyColumn(path)} ${descending ? 'desc' : 'asc'} nulls last`);
  return [...keys, order.study].join(', ');
}

/** Joins that no condition needs would be most of the price of counting. */
function countedFrom(level: StudyQuery['level'], condition: string): string {
  if (level === 'study' || /\bst\./.test(condition)) return from[level];
  if (level === 'series') return 'series se';
  return /\bse\./.test(condition)
    ? 'instance i left join series se on se.study_uid = i.study_uid and se.series_uid = i.series_uid'
    : 'instance i';
}

/** Instances hold whole data sets: only what is returned leaves the database. */
function columnsOf(query: StudyQuery, bound: Bindings): string {
  if (query.level === 'study') return studyColumns;
  if (query.level === 'series') return `${studyColumns}, ${seriesColumns}`;
  const coercion = `st.coercion -> 'attributes' as coercion`;
  const attributes =
    query.include === 'all'
      ? `case when pg_column_size(i.attributes) < ${longestValue / 8} then i.attributes else (${shortAttributes}) end`
      : `(${pickedAttributes(query, bound)})`;
  return `${studyColumns}, ${seriesColumns}, i.sop_uid, ${attributes} as instance, ${coercion}`;
}

function pickedAttributes(query: StudyQuery, bound: Bindings): string {
  const tags = bound.add([...new Set(returnedPaths(query).map((path) => path.slice(0, 8)))]);
  return `${shortAttributes} and key = any(${tags}::text[])`;
}

/** Bytes of a value that a match may have: the functional groups of a slide are megabytes, and in its metadata. */
const longestValue = 32_768;
/** Bytes of all matches of a page together; one is given whatever it has. */
const longestPage = 8 << 20;

const shortAttributes = `select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(i.attributes)
   where pg_column_size(value) <= ${longestValue}`;

/** Ends the page before it is too long to be made in one go. */
function cutByLength(columns: string, page: string, order: string): string {
  return `select * from (
      select found.*, count(*) over () as available,
             sum(length(instance::text)) over (order by place rows between unbounded preceding and 1 preceding) as before
        from (select ${columns}, row_number() over (order by ${order}) as place ${page}) found) placed
    where before is null or before < ${longestPage} order by place`;
}

function foundStudy(row: FoundRow, query: StudyQuery, paths: string[]): FoundStudy {
  const said = { ...row.study, ...row.series, ...row.instance };
  const attributes = { ...said, ...(row.coercion && shownOf(row.coercion, said)), ...computed(row) };
  return { attributes: returned(attributes, query, paths), patientId: row.patient_id };
}

/** What has no value takes one away and adds nothing. */
function shownOf(coercion: DicomJson, said: DicomJson): DicomJson {
  return Object.fromEntries(
    Object.entries(coercion).filter(([tag, { Value: values }]) => values !== undefined || Object.hasOwn(said, tag)),
  );
}

/** What no sender wrote, or not reliably: counts and lists over what is really stored; text is in UTF-8 here. */
function computed(row: FoundRow): DicomJson {
  const elements: Record<string, DicomElement> = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080056': { vr: 'CS', Value: ['ONLINE'] },
    '00080061': { vr: 'CS', Value: row.modalities },
    '00080062': { vr: 'UI', Value: row.sop_classes },
    '0020000D': { vr: 'UI', Value: [row.study_uid] },
    '00201206': { vr: 'IS', Value: [row.number_of_series] },
    '00201208': { vr: 'IS', Value: [row.number_of_instances] },
  };
  if (row.series_uid !== undefined) {
    elements['0020000E'] = { vr: 'UI', Value: [row.series_uid] };
    elements['00201209'] = { vr: 'IS', Value: [row.series_instances ?? 0] };
  }
  if (row.sop_uid !== undefined) elements['00080018'] = { vr: 'UI', Value: [row.sop_uid] };
  return Object.fromEntries(Object.entries(elements).filter(([, element]) => element.Value!.length > 0));
}

/** Parsed when somebody looks at it, and once. */
function locatedInstance(row: LocatedRow, pictures: readonly number[] = []): LocatedInstance {
  let attributes: DicomJson | undefined;
  let bulk: InstanceRow['bulk'] | undefined;
  let frames: InstanceRow['frames'] | undefined;
  return {
    StudyInstanceUID: row.study_uid,
    SeriesInstanceUID: row.series_uid,
    patientId: row.patient_id,
    imagingStudyId: row.imaging_study_id,
    SOPInstanceUID: row.sop_uid,
    SOPClassUID: row.sop_class_uid,
    TransferSyntaxUID: row.transfer_syntax_uid,
    blob: row.blob,
    ...(row.inflated !== null && { inflated: row.inflated }),
    size: row.size,
    get attributes() {
      return (attributes ??= withGroups(JSON.parse(row.attributes) as DicomJson, row.groups, pictures));
    },
    get bulk() {
      return (bulk ??= JSON.parse(row.bulk) as InstanceRow['bulk']);
    },
    get frames() {
      return row.frames === null ? null : (frames ??= JSON.parse(row.frames) as InstanceRow['frames']);
    },
  };
}

/** Puts the functional groups back at the places of their frames. */
function withGroups(attributes: DicomJson, groups: string | null, frames: readonly number[]): DicomJson {
  if (groups === null) return attributes;
  const items: DicomJson[] = [];
  for (const [at, item] of (JSON.parse(groups) as (DicomJson | null)[]).entries()) if (item) items[frames[at]!] = item;
  return items.length === 0 ? attributes : { ...attributes, '52009230': { vr: 'SQ', Value: items } };
}

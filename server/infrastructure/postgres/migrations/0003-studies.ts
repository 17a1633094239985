import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The instance index: study, series, instance. Attributes are DICOM JSON (PS3.18 Annex F); every key that
 * QIDO-RS must match on (PS3.18 Table 10.6.1-5) is a column generated from them, so the two cannot differ.
 *
 * All unique keys begin with the study, so the tables can be partitioned by it; that a SOP Instance UID is unique in
 * the whole archive is the matter of 0007.
 */
export class Studies1764000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...valueFunctions, study, series, instance, ...indexes]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table instance, series, study`);
    for (const name of ['text', 'person', 'date', 'time', 'integer'])
      await runner.query(`drop function dicom_${name}(jsonb, text)`);
  }
}

/** First values of an attribute, made comparable. All are null for what is absent, empty or not well formed. */
const valueFunctions = [
  `create function dicom_text(attributes jsonb, tag text) returns text
   language sql immutable parallel safe return attributes -> tag -> 'Value' ->> 0`,
  // The three component groups, folded (lower case, no accents), always with two '='; empty components at the end dropped.
  `create function dicom_person(attributes jsonb, tag text) returns text
   language sql immutable parallel safe return (
     select case when name is not null then
       rtrim(fold(coalesce(name ->> 'Alphabetic', '')), '^ ') || '=' ||
       rtrim(fold(coalesce(name ->> 'Ideographic', '')), '^ ') || '=' ||
       rtrim(fold(coalesce(name ->> 'Phonetic', '')), '^ ') end
     from (select nullif(attributes -> tag -> 'Value' -> 0, 'null'::jsonb) as name) as first)`,
  // YYYYMMDD; the old form YYYY.MM.DD is read too (PS3.5 6.2).
  `create function dicom_date(attributes jsonb, tag text) returns text
   language sql immutable parallel safe return (
     select case when value ~ '^[0-9]{8}$' then value end
     from (select replace(attributes -> tag -> 'Value' ->> 0, '.', '') as value) as first)`,
  // Twelve digits HHMMSSFFFFFF, filled up with zeros; the old form HH:MM:SS is read too.
  `create function dicom_time(attributes jsonb, tag text) returns text
   language sql immutable parallel safe return (
     select case when value ~ '^[0-9]{2}([0-9]{2}([0-9]{2}([.][0-9]{1,6})?)?)?$' then rpad(replace(value, '.', ''), 12, '0') end
     from (select replace(attributes -> tag -> 'Value' ->> 0, ':', '') as value) as first)`,
  `create function dicom_integer(attributes jsonb, tag text) returns integer
   language sql immutable parallel safe return (
     select case when value ~ '^[+-]?[0-9]{1,9}$' then value::integer end
     from (select attributes -> tag -> 'Value' ->> 0 as value) as first)`,
];

function generated(name: string, kind: 'text' | 'person' | 'date' | 'time' | 'integer', tag: string): string {
  const type = kind === 'integer' ? 'integer' : 'text collate "C"';
  return `${name} ${type} generated always as (dicom_${kind}(attributes, '${tag}')) stored`;
}

const study = `
  create table study (
    study_uid             text collate "C" primary key,
    patient_id            text not null,        -- FHIR id of the Patient
    imaging_study_id      text not null,        -- FHIR id of the ImagingStudy
    revision              integer not null,
    number_of_series      integer not null,
    number_of_instances   integer not null,
    modalities            text[] not null,      -- distinct, sorted
    sop_classes           text[] not null,      -- distinct, sorted
    attributes            jsonb not null,       -- of patient and study level
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now(),
    ${generated('study_date', 'date', '00080020')},
    ${generated('study_time', 'time', '00080030')},
    ${generated('accession_number', 'text', '00080050')},
    ${generated('study_id', 'text', '00200010')},
    ${generated('study_description', 'text', '00081030')},
    ${generated('referring_physician', 'person', '00080090')},
    ${generated('patient_name', 'person', '00100010')},
    ${generated('dicom_patient_id', 'text', '00100020')},
    ${generated('issuer_of_patient_id', 'text', '00100021')},
    ${generated('patient_birth_date', 'date', '00100030')},
    ${generated('patient_sex', 'text', '00100040')}
  )`;

const series = `
  create table series (
    study_uid             text collate "C" not null references study on delete cascade,
    series_uid            text collate "C" not null,
    number_of_instances   integer not null,
    attributes            jsonb not null,       -- of series level
    ${generated('modality', 'text', '00080060')},
    ${generated('series_number', 'integer', '00200011')},
    ${generated('series_description', 'text', '0008103E')},
    ${generated('start_date', 'date', '00400244')},  -- Performed Procedure Step Start Date
    ${generated('start_time', 'time', '00400245')},
    primary key (study_uid, series_uid)
  )`;

// No foreign key to series: rows are inserted first and their series is settled in the same transaction.
const instance = `
  create table instance (
    study_uid             text collate "C" not null,
    series_uid            text collate "C" not null,
    sop_uid               text collate "C" not null,
    sop_class_uid         text collate "C" not null,
    transfer_syntax_uid   text collate "C" not null,
    blob                  text collate "C" not null,  -- SHA-256 of the file as it was received
    inflated              text collate "C",           -- Deflated transfer syntaxes: blob of the inflated copy
    size                  bigint not null,
    attributes            jsonb not null,             -- whole data set, bulk values replaced
    bulk                  jsonb not null,
    frames                jsonb,
    seq                   bigint generated always as identity,  -- order of arrival
    stored_at             timestamptz not null default now(),
    ${generated('instance_number', 'integer', '00200013')},
    ${generated('rows', 'integer', '00280010')},
    ${generated('columns', 'integer', '00280011')},
    ${generated('bits_allocated', 'integer', '00280100')},
    ${generated('number_of_frames', 'integer', '00280008')},
    -- What a person calls the object: content label, concept name, document title, else the image type (FHIR R4 ImagingStudy mapping).
    title                 text generated always as (coalesce(
                            dicom_text(attributes, '00700080'),
                            dicom_text(attributes -> '0040A043' -> 'Value' -> 0, '00080104'),
                            dicom_text(attributes, '00420010'),
                            replace(btrim(attributes -> '00080008' ->> 'Value', '["]'), '", "', '\\'))) stored,
    primary key (study_uid, sop_uid)
  )`;

const indexes = [
  `create unique index study_imaging_study on study (imaging_study_id)`,
  `create index study_patient on study (patient_id)`,
  `create index study_when on study (study_date desc nulls last, study_time desc nulls last, study_uid)`,
  `create index study_accession_number on study (accession_number)`,
  `create index study_study_id on study (study_id)`,
  `create index study_dicom_patient_id on study (dicom_patient_id)`,
  `create index study_patient_birth_date on study (patient_birth_date)`,
  `create index study_updated_at on study (updated_at)`,
  `create index study_modalities on study using gin (modalities) with (fastupdate = off)`,
  `create index study_patient_name on study using gin (patient_name gin_trgm_ops) with (fastupdate = off)`,
  `create index study_referring_physician on study using gin (referring_physician gin_trgm_ops) with (fastupdate = off)`,
  `create index study_study_description on study using gin (study_description gin_trgm_ops) with (fastupdate = off)`,
  `create index series_series_uid on series (series_uid)`,
  `create index series_modality on series (modality)`,
  `create index instance_in_series on instance (study_uid, series_uid, instance_number, sop_uid) include (sop_class_uid, seq)`,
  `create index instance_sop_uid on instance (sop_uid)`,
  `create index instance_blob on instance (blob)`,
  `create index instance_inflated on instance (inflated) where inflated is not null`,
];

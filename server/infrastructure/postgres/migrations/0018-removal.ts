import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Images that were removed, and names that rejection notes bar.
 *
 * A removed instance moves to a table of its own, so that no statement that reads images needs a condition to leave it
 * out. Until it is purged it can be brought back as it was, its place in the order of arrival included.
 *
 * A name outlives its instance where it must not come back (IHE RAD TF, Imaging Object Change Management), and comes
 * before it where the note did.
 */
export class Removal1764000018000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [removedInstance, rejectedName, ...indexes]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table rejected_name, removed_instance`);
  }
}

/** The columns of `instance` that are not computed, and why, by whom and until when. */
const removedInstance = `
  create table removed_instance (
    study_uid             text collate "C" not null,
    series_uid            text collate "C" not null,
    sop_uid               text collate "C" not null,
    sop_class_uid         text collate "C" not null,
    transfer_syntax_uid   text collate "C" not null,
    blob                  text collate "C" not null,
    inflated              text collate "C",
    size                  bigint not null,
    attributes            jsonb not null,
    bulk                  jsonb not null,
    frames                jsonb,
    seq                   bigint not null,
    stored_at             timestamptz not null,
    reason                text not null,        -- code of CID 7011
    note_uid              text collate "C",     -- SOP Instance UID of the rejection note; null: it was deleted
    removed_by            text not null,        -- kind and subject of the caller
    request_id            text,
    removed_at            timestamptz not null,
    purge_after           timestamptz not null,
    primary key (study_uid, sop_uid)
  )`;

const rejectedName = `
  create table rejected_name (
    study_uid             text collate "C" not null,
    sop_uid               text collate "C" not null,
    reason                text not null,
    note_uid              text collate "C",
    note_study_uid        text collate "C",
    patient_id            text not null,        -- FHIR id of the Patient of whom it was said
    rejected_by           text not null,
    rejected_at           timestamptz not null,
    purged_at             timestamptz,          -- its instance was here and is gone for good
    primary key (study_uid, sop_uid)
  )`;

const indexes = [
  `create index removed_instance_purge_after on removed_instance (purge_after)`,
  `create index removed_instance_blob on removed_instance (blob)`,
  `create index removed_instance_inflated on removed_instance (inflated) where inflated is not null`,
];

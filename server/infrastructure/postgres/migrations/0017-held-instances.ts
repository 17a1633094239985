import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Images that wait for a human to say whose they are.
 *
 * A table of its own, so that no statement that reads images needs a condition to leave them out. It keeps what the index
 * would keep of an instance, so that it can be stored later without reading its bytes again.
 */
export class HeldInstances1764000017000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [heldInstance, ...indexes]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table held_instance`);
  }
}

/** The columns of `instance` that are not computed, and why it waits and who sent it. */
const heldInstance = `
  create table held_instance (
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
    seq                   bigint generated always as identity,
    why                   text not null,        -- other-patient, unclear-patient, corrected
    sender_kind           text not null,
    sender_subject        text not null,
    sender_client         text not null,
    held_at               timestamptz not null default now(),
    primary key (study_uid, sop_uid)
  )`;

const indexes = [
  `create index held_instance_blob on held_instance (blob)`,
  `create index held_instance_inflated on held_instance (inflated) where inflated is not null`,
];

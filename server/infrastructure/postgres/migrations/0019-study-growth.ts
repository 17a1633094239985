import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * When a study counts as complete, and which images came or went after its review was opened.
 *
 * A study that was stored by an earlier release is complete: the default is given to the rows that are there, and taken
 * away before a new one comes. It is a constant of the table's description, so no row is written anew.
 */
export class StudyGrowth1764000019000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table study
        add column due_at timestamptz,                       -- it is complete then; null: it is not growing
        add column complete_at timestamptz default now(),    -- it was complete, the last time; null: never yet
        add column expected_series integer,
        add column expected_instances integer`);
    await runner.query(`alter table study alter column complete_at drop default`);
    await runner.query(`create index study_due on study (due_at) where due_at is not null`);
    await runner.query(`
      create table late_image (
        review    text not null,          -- id of the coordination Task
        sop_uid   text collate "C" not null,
        change    text not null check (change in ('added', 'removed')),
        at        timestamptz not null default now(),
        told_by   text,                   -- id of the step that tells a person of it; null: nobody was told yet
        analysis  text,                   -- id of the analysis that takes care of it; null: none yet
        primary key (review, sop_uid, change)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table late_image`);
    await runner.query(`
      alter table study drop column due_at, drop column complete_at, drop column expected_series,
        drop column expected_instances`);
  }
}

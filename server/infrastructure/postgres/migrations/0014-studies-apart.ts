import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What would keep study, series and instance from being spread over machines by the study: a unique key without the
 * study, and a trigger (Citus takes neither).
 *
 * That an ImagingStudy is tied to one study is asked when a study is tied to one that was registered before its images
 * came, under that record's lock; in all other cases its id is new. That the name of an instance that was removed is
 * free again is asked when somebody wants the name.
 */
export class StudiesApart1764000014000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index study_record on study (imaging_study_id)`);
    await runner.query(`drop index study_imaging_study`);
    await runner.query(`drop trigger instance_gone on instance`);
    await runner.query(`drop function free_instance_names()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`create unique index study_imaging_study on study (imaging_study_id)`);
    await runner.query(`drop index study_record`);
    await runner.query(`
      create function free_instance_names() returns trigger language plpgsql as $$
      begin
        delete from instance_name name using gone where name.sop_uid = gone.sop_uid and name.study_uid = gone.study_uid;
        return null;
      end $$`);
    await runner.query(`
      create trigger instance_gone after delete on instance referencing old table as gone
      for each statement execute function free_instance_names()`);
  }
}

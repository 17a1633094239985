import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A SOP Instance UID names one instance in the whole archive (PS3.5 9, PS3.3 C.12.1), not one in each study.
 *
 * The rule has a small table of its own, because a unique key of `instance` must begin with the study for as long as
 * that table may be partitioned by it. What an older release let in twice stays readable; the name belongs to the
 * first, and no third one gets in.
 *
 * And texts that are search keys end after 500 characters: the standard's are 64 at most, and one longer than an index
 * page takes would fail all instances that are stored with it.
 */
export class InstanceNames1764000007000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop trigger instance_gone on instance`);
    await runner.query(`drop function free_instance_names()`);
    await runner.query(`drop table instance_name`);
  }
}

const statements = [
  `create table instance_name (
     sop_uid   text collate "C" primary key,
     study_uid text collate "C" not null
   )`,
  `insert into instance_name (sop_uid, study_uid)
   select distinct on (sop_uid) sop_uid, study_uid from instance order by sop_uid, seq`,
  `create function free_instance_names() returns trigger language plpgsql as $$
   begin
     delete from instance_name name using gone where name.sop_uid = gone.sop_uid and name.study_uid = gone.study_uid;
     return null;
   end $$`,
  `create trigger instance_gone after delete on instance referencing old table as gone
   for each statement execute function free_instance_names()`,
  `create or replace function dicom_text(attributes jsonb, tag text) returns text
   language sql immutable parallel safe return left(attributes -> tag -> 'Value' ->> 0, 500)`,
];

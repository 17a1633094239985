import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Instances that belong to no patient and no study: colour palettes, hanging protocols, implant templates ... */
export class NonPatient1764000038000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table non_patient_instance (
        sop_uid             text primary key,
        kind                text not null,
        sop_class_uid       text not null,
        transfer_syntax_uid text not null,
        blob                text not null,
        size                bigint not null,
        attributes          jsonb not null,
        bulk                jsonb not null,
        stored_at           timestamptz not null default now()
      )`);
    await runner.query(`create index non_patient_kind on non_patient_instance (kind, stored_at desc, sop_uid)`);
    await runner.query(`create index non_patient_blob on non_patient_instance (blob)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table non_patient_instance`);
  }
}

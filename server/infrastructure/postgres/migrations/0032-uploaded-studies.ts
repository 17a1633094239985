import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which account brought which study by its browser: patients add to what they brought, and to no other study. */
export class UploadedStudies1764000032000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table uploaded_study (
        study_uid  text not null,
        account_id text not null,
        at         timestamptz not null default now(),
        primary key (study_uid, account_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table uploaded_study`);
  }
}

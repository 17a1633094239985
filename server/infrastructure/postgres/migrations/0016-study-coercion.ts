import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What answers of a study show in place of the patient that its images name: the bytes stay as they were received, and so
 * do the attributes of each instance. Null for nearly all.
 */
export class StudyCoercion1764000016000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table study add column coercion jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table study drop column coercion`);
  }
}

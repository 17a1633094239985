import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What answers show instead of what the images of a study say of their patient (PS3.3 C.12.1.1.9, Original Attributes). */
export class Coercion1764000016000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table study add column coercion jsonb`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table study drop column coercion`);
  }
}

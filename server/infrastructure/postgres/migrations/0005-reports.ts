import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The numbers that reports are given. */
export class Reports1764000005000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table report_number (
        year  integer primary key,
        last  integer not null check (last > 0)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table report_number`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The analyses of the last days, of which a shadow run may be owed. */
export class AnalysisTime1764000015000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index analysis_at on analysis (at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index analysis_at`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How people want our pages to be. Apart from `account`, which is read whole with every sign-in and token. */
export class Preferences1764000035000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table account_preference (
        account_id text primary key references account (id) on delete cascade,
        wanted     jsonb not null
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table account_preference`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Up to where the news of records have been trimmed: a reader that stopped before it must learn that it missed some. */
export class ChangeTrimmed1764000013000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table change_trimmed (
        one         boolean primary key default true check (one),
        transaction xid8 not null,
        seq         bigint not null
      )`);
    await runner.query(`insert into change_trimmed (transaction, seq) values ('0', 0)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table change_trimmed`);
  }
}

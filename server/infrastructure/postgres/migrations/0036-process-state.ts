import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How each process of the installation is, as it last said itself: only a worker knows of its browser and its models, and
 * an administrator's page may be answered by a process that has neither. Pages are told when a process comes, goes or
 * finds another state, and not of each sign of life.
 */
export class ProcessState1764000036000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table process_state (
        id         text primary key,
        role       text not null,
        version    text not null,
        started_at timestamptz not null default now(),
        seen_at    timestamptz not null default now(),
        silent     boolean not null default false,
        parts      jsonb not null,
        figures    jsonb not null
      )`);
    await runner.query(`
      create trigger tell_of_process after insert or delete on process_state for each row
      execute function tell_of_table('system', 'admin')`);
    await runner.query(`
      create trigger tell_of_change after update on process_state for each row
      when (old.parts is distinct from new.parts or old.silent is distinct from new.silent)
      execute function tell_of_table('system', 'admin')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table process_state`);
  }
}

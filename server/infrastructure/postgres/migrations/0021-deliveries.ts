import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Everything that leaves by mail, or should. */
export class Deliveries1764000021000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table delivery (
        id         text primary key,
        kind       text not null,
        recipient  text not null,
        state      text not null check (state in ('waiting', 'sent', 'refused', 'ended', 'cancelled')),
        content    text,                       -- sealed; goes when it is sent or ended
        subject_of text,                       -- FHIR reference of what it is about
        account_id text,
        tries      integer not null default 0,
        answer     text,                       -- codes of the relay's last answer, never its words
        created_at timestamptz not null default now(),
        changed_at timestamptz not null default now(),
        next_try   timestamptz
      )`);
    await runner.query(`create index delivery_changed on delivery (changed_at desc)`);
    await runner.query(`create index delivery_waiting on delivery (next_try) where state = 'waiting'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table delivery`);
  }
}

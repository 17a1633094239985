import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Deliveries are tried for days, by one worker at a time; the relay's state is everybody's; addresses are confirmed. */
export class DeliveryOutbox1764000027000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table delivery
        add column owed_since  timestamptz not null default now(),
        add column taken_until timestamptz,                         -- in the hands of a worker
        add column waits_for   text check (waits_for in ('relay', 'address')),
        add column fixed       boolean not null default false,      -- an administrator chose the address
        add column asked       integer not null default 0,          -- times that its person was asked to confirm it
        add column asked_at    timestamptz,
        add column told        boolean not null default false       -- administrators know of its trouble`);
    await runner.query(`create index delivery_subject on delivery (subject_of) where subject_of is not null`);
    await runner.query(`
      create table relay_state (
        id            boolean primary key default true check (id),
        failing_since timestamptz,
        answer        text,
        failures      integer not null default 0,
        paused_until  timestamptz,
        told          boolean not null default false,
        told_at       timestamptz,
        took_at       timestamptz
      )`);
    await runner.query(`insert into relay_state default values`);
    await runner.query(`
      create table confirmed_address (
        address      text not null,  -- in lower case
        person       text not null,  -- Patient/id
        confirmed_at timestamptz not null default now(),
        primary key (address, person)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table confirmed_address`);
    await runner.query(`drop table relay_state`);
    await runner.query(`drop index delivery_subject`);
    await runner.query(`
      alter table delivery drop column owed_since, drop column taken_until, drop column waits_for, drop column fixed,
        drop column asked, drop column asked_at, drop column told`);
  }
}

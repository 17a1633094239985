import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people are told, what they have typed and not yet sent, and the browsers that want to be told. */
export class Notices1764000034000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // For a role or one account: one row, however many read it. It names the review and nothing of it.
    await runner.query(`
      create table notice (
        id         bigint generated always as identity primary key,
        kind       text not null,
        at         timestamptz not null default now(),
        role       text,
        account_id text references account (id) on delete cascade,
        caused_by  text,             -- account whose act it was: they know
        review     text,             -- id of the coordination Task
        urgent     boolean not null default false,
        check ((role is null) <> (account_id is null))
      )`);
    await runner.query(`create index notice_of_role on notice (role, id) where role is not null`);
    await runner.query(`create index notice_of_account on notice (account_id, id) where account_id is not null`);
    await runner.query(`create index notice_age on notice (at)`);
    // \`missing\`: numbers below the mark that were not there when it was set: their transactions ended later.
    await runner.query(`
      create table notice_seen (
        account_id text primary key references account (id) on delete cascade,
        up_to      bigint not null,
        missing    bigint[] not null default '{}'
      )`);
    await runner.query(`
      create table draft (
        id         text primary key,
        account_id text not null references account (id) on delete cascade,
        name       text not null,
        sealed     text not null,
        saved_at   timestamptz not null default now(),
        unique (account_id, name)
      )`);
    await runner.query(`create index draft_age on draft (saved_at)`);
    await runner.query(`
      create table push_subscription (
        id         text primary key,
        account_id text not null references account (id) on delete cascade,
        session    text not null,      -- sign-in that it belongs to: it is told nothing after that has ended
        digest     text not null unique, -- of the address: one browser belongs to one person
        sealed     text not null,
        created_at timestamptz not null default now()
      )`);
    await runner.query(`create index push_subscription_of on push_subscription (account_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['push_subscription', 'draft', 'notice_seen', 'notice'])
      await runner.query(`drop table ${table}`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an administrator says of the site, secrets that lie sealed, and how far a re-index has come. */
export class Site1764000024000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table site (
        one             boolean primary key default true check (one),
        name            text,            -- null: nobody has set it up
        address         jsonb not null default '{}',
        phone           text,
        languages       text[] not null default '{}',
        time_zone       text,
        logo            bytea,
        logo_type       text check (logo_type in ('image/png', 'image/jpeg')),
        organization_id text,            -- FHIR id of the Organization that is kept in step
        skipped         text[] not null default '{}',
        changed_at      timestamptz not null default now(),
        check ((logo is null) = (logo_type is null))
      )`);
    await runner.query(`insert into site default values`);

    // A value of an earlier release lies in the clear until a process with SECRET_KEYS has sealed it.
    await runner.query(`
      alter table server_secret
        alter column value drop not null,
        add column sealed     text,
        add column changed_at timestamptz not null default now(),
        add constraint server_secret_kept check ((value is null) <> (sealed is null))`);

    await runner.query(`
      create table reindex_progress (
        one        boolean primary key default true check (one),
        after_rid  bigint not null,
        changed    bigint not null default 0,
        started_at timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table reindex_progress`);
    // Nobody here can open them: the processes make new ones.
    await runner.query(`delete from server_secret where value is null`);
    await runner.query(`
      alter table server_secret drop constraint server_secret_kept, drop column sealed, drop column changed_at,
        alter column value set not null`);
    await runner.query(`drop table site`);
  }
}

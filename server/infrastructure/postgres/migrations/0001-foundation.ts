import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Extensions that searches need, the audit trail, and the numbers that reports are given. */
export class Foundation1764000001000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create extension if not exists pg_trgm`);
    await runner.query(`create extension if not exists unaccent`);
    // unaccent() is only "stable" because its dictionary could change; indexes need "immutable".
    await runner.query(`
      create or replace function fold(value text) returns text
      language sql immutable parallel safe strict
      return lower(public.unaccent('public.unaccent'::regdictionary, value))`);
    await runner.query(`
      create table audit (
        seq         bigint generated always as identity primary key,
        at          timestamptz not null default clock_timestamp(),
        action      char(1) not null check (action in ('C', 'R', 'U', 'D', 'E')),
        event       text not null,
        outcome     text not null check (outcome in ('success', 'refused', 'failed')),
        kind        text,
        subject     text,
        client_id   text,
        role        text,
        fhir_user   text,
        token_id    text,
        patients    text[] not null default '{}',
        entities    text[] not null default '{}',
        query       text,
        request_id  text,
        source_address text
      )`);
    await runner.query(`create index audit_at on audit (at)`);
    await runner.query(`create index audit_patients on audit using gin (patients) with (fastupdate = off)`);
    // Nobody edits the trail, not even the server's own account by mistake.
    await runner.query(`
      create function refuse_change() returns trigger language plpgsql as $$
      begin raise exception 'the audit trail can only be appended to'; end $$`);
    await runner.query(`
      create trigger audit_append_only before update or delete or truncate on audit
      for each statement execute function refuse_change()`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table audit`);
    await runner.query(`drop function refuse_change`);
    await runner.query(`drop function fold`);
  }
}

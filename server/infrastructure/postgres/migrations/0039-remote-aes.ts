import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may speak DIMSE with us, and images whose study has still to be settled: senders that store one at a time do not settle it for each. */
export class RemoteAes1764000039000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table remote_ae (
        id              text primary key,
        title           text not null unique,
        name            text not null,
        addresses       text[] not null,     -- that it calls from
        host            text,                -- where it listens
        port            integer,
        tls             boolean not null,
        fingerprint     text,                -- SHA-256 of its certificate
        may             text[] not null,
        disabled        boolean not null,
        version         integer not null default 1,
        created_at      timestamptz not null default now(),
        registered_by   text,
        last_contact_at timestamptz,
        check ((host is null) = (port is null))
      )`);
    await runner.query(`
      create trigger tell after insert or update or delete on remote_ae for each row
      execute function tell_of_table('remote-aes', 'admin')`);
    await runner.query(`
      create table unsettled_instance (
        study_uid text not null,
        sop_uid   text not null,
        stored_at timestamptz not null default now(),
        primary key (study_uid, sop_uid)
      )`);
    await runner.query(`create index unsettled_since on unsettled_instance (stored_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table unsettled_instance`);
    await runner.query(`drop table remote_ae`);
  }
}

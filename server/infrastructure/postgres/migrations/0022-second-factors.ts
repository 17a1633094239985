import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What people prove themselves with beside their password. */
export class SecondFactors1764000022000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table second_factor (
        id           text primary key,
        account_id   text not null references account (id) on delete cascade,
        kind         text not null check (kind in ('totp', 'passkey')),
        name         text not null,
        secret       text,                        -- of an authenticator app: sealed
        credential   text unique,                 -- of a passkey: its id, base64url
        public_key   text,                        -- of a passkey: COSE, base64url
        transports   text[] not null default '{}',
        counter      bigint not null default 0,   -- the last time step that was used; of a passkey its signature counter
        confirmed_at timestamptz,                 -- null: not shown to work yet
        created_at   timestamptz not null default now(),
        last_used_at timestamptz,
        check ((kind = 'totp') = (secret is not null)),
        check ((kind = 'passkey') = (credential is not null and public_key is not null))
      )`);
    await runner.query(`create index second_factor_account on second_factor (account_id)`);
    await runner.query(`
      create table recovery_code (
        account_id text not null references account (id) on delete cascade,
        digest     text not null,                 -- SHA-256 of 120 random bits: more than can be tried
        primary key (account_id, digest)
      )`);
    await runner.query(`
      create table mail_code (
        account_id text primary key references account (id) on delete cascade,
        asked_in   text,                          -- the sign-in that it is good for
        digest     text,                          -- keyed, of the code; null: used, or none was sent
        tries      integer not null default 0,
        expires_at timestamptz,
        sent_at    timestamptz[] not null default '{}'  -- of the last hour
      )`);
    await runner.query(`alter table account add column mail_factor boolean not null default false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table account drop column mail_factor`);
    await runner.query(`drop table mail_code`);
    await runner.query(`drop table recovery_code`);
    await runner.query(`drop table second_factor`);
  }
}

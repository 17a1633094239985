import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who registered which system, secrets and scopes that change while it works, and words that let systems register themselves. */
export class Systems1764000025000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table smart_client
        add column kind                  text,
        add column version               integer not null default 1,  -- of two changes at once one is refused
        add column registered_by         text,          -- as it is shown
        add column last_used_at          timestamptz,
        add column previous_secret       text,          -- SHA-256; good for a while after it was replaced
        add column previous_secret_until timestamptz,
        add column tokens_since          timestamptz,   -- tokens of before are void
        add column management_hash       text,          -- SHA-256 of its registration access token (RFC 7592)
        add column scope_ceiling         text           -- the most that it can register for by itself
    `);
    await runner.query(`
      update smart_client set kind = case
        when metadata -> 'grant_types' ? 'client_credentials' then 'backend'
        when metadata ->> 'token_endpoint_auth_method' = 'none' then 'public-app'
        else 'confidential-app' end`);
    await runner.query(`
      alter table smart_client alter column kind set not null,
        add check (kind in ('public-app', 'confidential-app', 'backend', 'sender'))`);
    await runner.query(`create index smart_grant_client on smart_grant (client_id)`);

    // Initial access tokens (RFC 7591 3).
    await runner.query(`
      create table registration_token (
        id         text primary key,
        word_hash  text not null unique,   -- SHA-256
        name       text not null,
        scope      text not null,
        uses       integer not null,
        uses_left  integer not null check (uses_left >= 0),
        issued_by  text,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table registration_token`);
    await runner.query(`drop index smart_grant_client`);
    await runner.query(`
      alter table smart_client drop column kind, drop column version, drop column registered_by, drop column last_used_at,
        drop column previous_secret, drop column previous_secret_until, drop column tokens_since, drop column management_hash,
        drop column scope_ceiling`);
  }
}

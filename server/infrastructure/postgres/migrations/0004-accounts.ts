import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may sign in, what they allowed which app to do, and what oidc-provider must remember between requests. */
export class Accounts1764000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table account (
        id            text primary key,
        email         text not null,
        password_hash text not null,
        role          text not null check (role in ('patient', 'doctor', 'pharmacist', 'admin')),
        display_name  text not null,
        fhir_user     text not null,
        disabled      boolean not null default false,
        created_at    timestamptz not null default now()
      )`);
    // Two people cannot share an address that differs in case only.
    await runner.query(`create unique index account_email on account (lower(email))`);

    await runner.query(`
      create table smart_client (
        id            text primary key,
        metadata      jsonb not null,
        first_party   boolean not null default false,
        allowed_scope text,
        may_introspect boolean not null default false,
        disabled      boolean not null default false,
        created_at    timestamptz not null default now()
      )`);

    // One row for each of oidc-provider's models: sessions, interactions, codes, refresh tokens, grants, used assertions.
    await runner.query(`
      create table oidc_payload (
        model       text not null,
        id          text not null,
        payload     jsonb not null,
        grant_id    text,
        uid         text,
        user_code   text,
        account_id  text,
        consumed_at timestamptz,
        expires_at  timestamptz,
        primary key (model, id)
      )`);
    await runner.query(`create index oidc_payload_grant on oidc_payload (grant_id) where grant_id is not null`);
    await runner.query(`create index oidc_payload_uid on oidc_payload (uid) where uid is not null`);
    await runner.query(`create index oidc_payload_user_code on oidc_payload (user_code) where user_code is not null`);
    await runner.query(`create index oidc_payload_account on oidc_payload (account_id) where account_id is not null`);
    await runner.query(`create index oidc_payload_expiry on oidc_payload (expires_at) where expires_at is not null`);

    // The launch context lives with the grant, so every token of one authorisation has the same patient.
    await runner.query(`
      create table smart_grant (
        grant_id   text primary key,
        account_id text not null references account (id) on delete cascade,
        client_id  text not null references smart_client (id) on delete cascade,
        patient    text,
        encounter  text,
        imaging_study text,
        created_at timestamptz not null default now()
      )`);
    await runner.query(`create index smart_grant_account on smart_grant (account_id)`);

    await runner.query(`
      create table smart_launch (
        id         text primary key,
        client_id  text not null references smart_client (id) on delete cascade,
        account_id text not null references account (id) on delete cascade,
        patient    text,
        encounter  text,
        imaging_study text,
        expires_at timestamptz not null
      )`);

    // Access tokens that were revoked one by one: those of backend services, which have no grant.
    await runner.query(`create table revoked_token (token_id text primary key, expires_at timestamptz not null)`);
    await runner.query(`create index revoked_token_expiry on revoked_token (expires_at)`);

    // Keys are hashes of address and account name; the count starts again when its window is over.
    await runner.query(`
      create table sign_in_attempt (
        key      text primary key,
        failures integer not null,
        until    timestamptz not null
      )`);
    await runner.query(`create index sign_in_attempt_until on sign_in_attempt (until)`);

    // Signing keys and cookie keys, made by whichever process starts first.
    await runner.query(
      `create table server_secret (name text primary key, value jsonb not null, created_at timestamptz not null default now())`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'server_secret',
      'sign_in_attempt',
      'revoked_token',
      'smart_launch',
      'smart_grant',
      'oidc_payload',
      'smart_client',
      'account',
    ]) {
      await runner.query(`drop table ${table}`);
    }
  }
}

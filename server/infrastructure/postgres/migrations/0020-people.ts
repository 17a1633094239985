import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts that begin with an invitation, and links that work once. */
export class People1764000020000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Who was invited and has not answered has no password: none fits.
    await runner.query(`alter table account alter column password_hash drop not null`);
    await runner.query(`
      alter table account
        add column verified_at     timestamptz,  -- somebody has answered from this address
        add column last_sign_in_at timestamptz,
        add column language        text          -- BCP 47; null: the browser's
    `);
    await runner.query(`
      create table one_time_link (
        id         text primary key,   -- SHA-256 of the word in the link
        purpose    text not null,
        account_id text references account (id) on delete cascade,
        data       jsonb not null,
        created_at timestamptz not null default now(),
        expires_at timestamptz not null
      )`);
    await runner.query(`create index one_time_link_account on one_time_link (account_id)`);
    await runner.query(`create index one_time_link_expiry on one_time_link (expires_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table one_time_link`);
    await runner.query(`delete from account where password_hash is null`);
    await runner.query(`
      alter table account drop column verified_at, drop column last_sign_in_at, drop column language,
        alter column password_hash set not null`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What administrators and people themselves do with accounts: tie, change, see and end sessions. */
export class PeopleAtWork1764000023000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table account
        add column tied                boolean not null default true, -- false: a patient's empty record, which nobody has confirmed
        add column notify_report       boolean not null default true,
        add column password_changed_at timestamptz
    `);
    await runner.query(`create index account_untied on account (created_at) where not tied`);

    // Acts of administrators, so that the second of two can be told what the first did.
    await runner.query(`
      create table account_change (
        seq        bigint generated always as identity primary key,
        account_id text not null references account (id) on delete cascade,
        act        text not null,
        by_account text,
        reason     text,
        at         timestamptz not null default now()
      )`);
    await runner.query(`create index account_change_account on account_change (account_id, seq desc)`);

    // Beside the authorization server's own row of the session, which knows nothing of browsers.
    await runner.query(`
      create table browser_session (
        uid          text primary key,
        account_id   text not null references account (id) on delete cascade,
        device       text not null,       -- in plain words; the User-Agent itself is not kept
        address      text not null,
        last_seen_at timestamptz not null default now()
      )`);
    await runner.query(`create index browser_session_account on browser_session (account_id)`);
    await runner.query(`create index browser_session_seen on browser_session (last_seen_at)`);

    // A code that the clinic hands out: its first group finds the row, a keyed digest of all of it proves it.
    await runner.query(`
      create table patient_code (
        patient_id text primary key,      -- a new code voids the old one
        handle     text not null unique,
        digest     text not null,
        made_by    text not null,
        expires_at timestamptz not null
      )`);
    await runner.query(`create index patient_code_expiry on patient_code (expires_at)`);
    await runner.query(`
      create table patient_code_try (
        account_id text not null references account (id) on delete cascade,
        at         timestamptz not null default clock_timestamp()
      )`);
    await runner.query(`create index patient_code_try_account on patient_code_try (account_id, at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['patient_code_try', 'patient_code', 'browser_session', 'account_change'])
      await runner.query(`drop table ${table}`);
    await runner.query(
      `alter table account drop column tied, drop column notify_report, drop column password_changed_at`,
    );
  }
}

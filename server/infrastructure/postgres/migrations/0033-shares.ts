import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links with which patients show one report and its images to somebody of their own choice. */
export class Shares1764000033000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table share (
        id          text primary key,
        word_digest text not null unique,   -- SHA-256 of the word in the address: who reads the table can open none
        code_digest text not null,          -- keyed digest of the code
        account_id  text not null,          -- of the patient who gave it
        review_id   text not null,          -- coordination Task
        recipient   text,                   -- in the patient's words
        restricted  boolean not null,       -- the record was restricted already when the link was made
        created_at  timestamptz not null default now(),
        ends_at     timestamptz not null,
        wrong_codes integer not null default 0,
        ended_at    timestamptz,
        ended_why   text check (ended_why in ('taken-back', 'wrong-codes', 'account', 'consent'))
      )`);
    await runner.query(`create index share_of on share (account_id, created_at desc)`);
    await runner.query(`
      create table share_opening (
        id       bigint generated always as identity primary key,
        share_id text not null references share on delete cascade,
        at       timestamptz not null default clock_timestamp()
      )`);
    await runner.query(`create index share_opening_of on share_opening (share_id, at desc)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table share_opening`);
    await runner.query(`drop table share`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The model registry with its history, and what each model said, for comparison and drift. */
export class Models1764000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table model (
        digest      text primary key check (digest ~ '^[0-9a-f]{64}$'),
        state       text not null check (state in ('candidate', 'shadow', 'active', 'retired')),
        description jsonb not null,
        evaluation  jsonb,
        added_at    timestamptz not null default clock_timestamp()
      )`);
    // One model answers doctors and one runs in its shadow, whatever the server's code thinks.
    await runner.query(`create unique index model_one_active on model (state) where state = 'active'`);
    await runner.query(`create unique index model_one_shadow on model (state) where state = 'shadow'`);
    await runner.query(`
      create table model_change (
        revision   bigint generated always as identity primary key,
        at         timestamptz not null default clock_timestamp(),
        digest     text not null references model (digest),
        act        text not null,
        from_state text check (from_state in ('candidate', 'shadow', 'active', 'retired')),
        to_state   text not null check (to_state in ('candidate', 'shadow', 'active', 'retired')),
        by_subject text not null,
        by_name    text not null,
        reason     text not null check (reason <> ''),
        override   jsonb
      )`);
    await runner.query(`
      create function refuse_model_change() returns trigger language plpgsql as $$
      begin raise exception 'the history of models can only be appended to'; end $$`);
    await runner.query(`
      create trigger model_change_append_only before update or delete or truncate on model_change
      for each statement execute function refuse_model_change()`);

    await runner.query(`
      create table analysis (
        task          text not null,
        digest        text not null references model (digest),
        at            timestamptz not null,
        week          text not null,
        scanner       text not null,
        modality      text not null,
        answer        text not null,
        best          text not null,
        probability   double precision not null,
        probabilities double precision[] not null,
        distance      double precision[] not null,
        finding       text,
        verdict       text check (verdict in ('agree', 'partly', 'disagree')),
        reading       text,
        primary key (task, digest)
      )`);
    await runner.query(`create index analysis_model on analysis (digest, week)`);
    await runner.query(`create unique index analysis_finding on analysis (finding)`);
    // Apart from the results that people see: no FHIR resource, no verdict, no way to a patient but the Task's id.
    await runner.query(`
      create table shadow_analysis (
        task          text not null,
        digest        text not null references model (digest),
        at            timestamptz not null,
        answer        text not null,
        best          text not null,
        probability   double precision not null,
        probabilities double precision[] not null,
        distance      double precision[] not null,
        primary key (task, digest)
      )`);
    await runner.query(`create index shadow_analysis_model on shadow_analysis (digest)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['shadow_analysis', 'analysis', 'model_change', 'model'])
      await runner.query(`drop table ${table}`);
    await runner.query(`drop function refuse_model_change`);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Delays that grow with the failures, instead of a count that locks until its window ends. */
export class SignInDelays1764000008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // What was counted in the old way is forgotten once.
    await runner.query(`drop table sign_in_attempt`);
    await runner.query(`
      create table sign_in_attempt (
        key        text primary key,            -- a hash: what people type into the address field may be anything
        failures   double precision not null,   -- at counted_at; one goes in each \`leak\` seconds
        counted_at timestamptz not null,
        free_at    timestamptz not null,        -- no try before
        until      timestamptz not null         -- nothing is left of it then
      )`);
    await runner.query(`create index sign_in_attempt_until on sign_in_attempt (until)`);
    await runner.query(beginSignIn);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop function begin_sign_in`);
    await runner.query(`drop table sign_in_attempt`);
    await runner.query(
      `create table sign_in_attempt (key text primary key, failures integer not null, until timestamptz not null)`,
    );
    await runner.query(`create index sign_in_attempt_until on sign_in_attempt (until)`);
  }
}

/**
 * All keys or none are counted, under their locks, so that of parallel tries no more get through than one after the
 * other. A try that has to wait is not counted: nobody's wait grows by asking again.
 *
 * `clock_timestamp`, because `now()` is that of before the wait for the locks.
 */
const beginSignIn = `
  create function begin_sign_in(keys jsonb) returns integer language plpgsql as $$
  declare
    at timestamptz;
    wait double precision;
  begin
    insert into sign_in_attempt (key, failures, counted_at, free_at, until)
    select key, 0, clock_timestamp(), clock_timestamp(), clock_timestamp()
      from jsonb_to_recordset(keys) as wanted(key text) order by key
    on conflict (key) do update set key = excluded.key;
    at := clock_timestamp();
    select max(extract(epoch from free_at - at)) into wait
      from sign_in_attempt join jsonb_to_recordset(keys) as wanted(key text) using (key);
    if wait > 0 then
      return ceil(wait);
    end if;
    update sign_in_attempt attempt
       set failures = counted.failures, counted_at = at, free_at = at + counted.delay,
           until = at + greatest(counted.delay, make_interval(secs => counted.failures * counted.leak))
      from (
        select key, leak, failures,
               case when failures > free - 1
                    then make_interval(secs => least(longest, 30 * power(2, least(greatest(failures - free, 0), 20))))
                    else interval '0' end as delay
          from (
            select wanted.*, 1 + greatest(0, known.failures - extract(epoch from at - known.counted_at) / wanted.leak) as failures
              from sign_in_attempt known
              join jsonb_to_recordset(keys) as wanted(key text, free integer, leak integer, longest integer) using (key)
          ) leaked
      ) counted
     where attempt.key = counted.key;
    return 0;
  end $$`;

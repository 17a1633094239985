import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What makes a change of the audit trail known, whoever makes it: a mark on each row, and blocks that seal the rows in
 * the order in which they came. Also why something was refused, and indexes for who did what.
 *
 * Nothing is rewritten and no row is read: the columns may be empty in rows that stand.
 */
export class AuditChain1764000026000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [columns, ...indexes, ...blocks, checks, makePartition, notForEverybody, onlyAdded])
      await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of back) await runner.query(statement);
  }
}

const columns = `
  alter table audit
    add column mac     text,     -- nonce.key.digest over all columns but seq; null in rows of earlier releases
    add column reason  text,     -- code of the problem
    add column times   integer   -- how many accesses the row stands for, if not one`;

const indexes = [
  `create index audit_subject on audit (subject, at)`,
  `create index audit_person on audit (fhir_user, at) where fhir_user is not null`,
];

const blocks = [
  `create table audit_block (
    number    bigint primary key,
    kind      text not null check (kind in ('start', 'rows', 'note')),
    at        timestamptz not null,
    low       bigint,            -- first and last of its rows
    high      bigint,
    total     bigint not null,   -- rows sealed so far
    entries   bytea not null,    -- of each row 8 bytes of its number and 8 of the hash of its mark
    seen      bigint,            -- last block of a round: it has looked at all rows up to this number
    horizon   text,              -- none of them can appear later once no transaction below this one runs
    settled   bigint,            -- up to this number none could any more when the round began
    note      text,              -- JSON
    previous  text not null,     -- digest of the block before
    digest    text not null,     -- key.digest over all of the above
    signature text               -- of a checkpoint: JWS
  )`,
  `create index audit_block_range on audit_block using gist (int8range(low, high, '[]')) where kind = 'rows'`,
  `create index audit_block_seen on audit_block (number) where seen is not null`,
  `create index audit_block_signed on audit_block (number) where signature is not null`,
  `create trigger audit_append_only before update or delete or truncate on audit_block
   for each statement execute function refuse_change()`,
];

const checks = `
  create table audit_check (
    id         text primary key,
    started_at timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    state      text not null check (state in ('running', 'done', 'failed')),
    checked    bigint not null default 0,
    total      bigint not null,
    found      bigint not null default 0,
    faults     jsonb not null default '[]',
    notes      jsonb not null default '[]'
  )`;

/**
 * As in 0012, but runs with the rights of the tables' owner, whoever may call it, and finds names only where they are
 * meant (PostgreSQL, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely"). Nobody else has rights on the new
 * table, whatever default privileges say: rows are reached through `audit` alone.
 */
const makePartition = `
  create or replace function make_audit_partition(month date) returns boolean language plpgsql
    security definer set search_path = public, pg_temp as $$
  declare
    partition text := 'audit_' || to_char(month, 'YYYY_MM');
    first timestamptz := month::timestamp at time zone 'UTC';
    following timestamptz := (month + interval '1 month') at time zone 'UTC';
    covered timestamptz := (select max(substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz)
                              from pg_inherits i join pg_class c on c.oid = i.inhrelid
                             where i.inhparent = 'audit'::regclass and c.relname = 'audit_until');
    grantee text;
  begin
    if extract(day from month) <> 1 or abs(extract(year from month) - extract(year from now())) > 200 then
      raise exception 'not the first day of a month';
    end if;
    if to_regclass(partition) is not null or first < covered then
      return false;
    end if;
    execute format('create table %I (like audit including defaults including constraints, primary key (seq))', partition);
    execute format('create trigger audit_append_only before update or delete or truncate on %I
                    for each statement execute function refuse_change()', partition);
    for grantee in
      select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
        from pg_class c, aclexplode(c.relacl) a where c.oid = partition::regclass and a.grantee <> c.relowner
    loop
      execute format('revoke all on %I from %s', partition, grantee);
    end loop;
    lock table audit_default in access exclusive mode;
    if exists (select from audit_default where at >= first and at < following) then
      alter table audit_default disable trigger audit_append_only;
      execute format('with moved as (delete from audit_default where at >= %L and at < %L returning *)
                      insert into %I select * from moved', first, following, partition);
      alter table audit_default enable trigger audit_append_only;
    end if;
    execute format('alter table audit attach partition %I for values from (%L) to (%L)', partition, first, following);
    return true;
  end $$`;

/** Who runs with the owner's rights should be chosen: see roles.sql. */
const notForEverybody = `revoke execute on function make_audit_partition from public`;

/** Nobody but the owner needs more than to add and read, and the months' own tables are nobody else's business. */
const onlyAdded = `
  do $$
  declare
    part record;
    grantee text;
  begin
    for part in
      select c.oid::regclass as name, c.relname in ('audit', 'audit_block') as whole, c.relacl, c.relowner from pg_class c
       where c.oid in (select 'audit'::regclass union select 'audit_block'::regclass
                       union select inhrelid from pg_inherits where inhparent = 'audit'::regclass)
    loop
      for grantee in
        select distinct case when a.grantee = 0 then 'public' else a.grantee::regrole::text end
          from aclexplode(part.relacl) a where a.grantee <> part.relowner
      loop
        execute format('revoke %s on %s from %s', case when part.whole then '' else 'insert, ' end || 'update, delete, truncate, references, trigger', part.name, grantee);
      end loop;
    end loop;
  end $$`;

/** As 0012 has it. `create or replace` takes the rights and the search path away again. */
const makePartitionOfBefore = `
  create or replace function make_audit_partition(month date) returns boolean language plpgsql as $$
  declare
    partition text := 'audit_' || to_char(month, 'YYYY_MM');
    first timestamptz := month::timestamp at time zone 'UTC';
    following timestamptz := (month + interval '1 month') at time zone 'UTC';
    covered timestamptz := (select max(substring(pg_get_expr(c.relpartbound, c.oid) from $re$TO \\('([^']+)'\\)$re$)::timestamptz)
                              from pg_inherits i join pg_class c on c.oid = i.inhrelid
                             where i.inhparent = 'audit'::regclass and c.relname = 'audit_until');
  begin
    if to_regclass(partition) is not null or first < covered then
      return false;
    end if;
    execute format('create table %I (like audit including defaults including constraints, primary key (seq))', partition);
    execute format('create trigger audit_append_only before update or delete or truncate on %I
                    for each statement execute function refuse_change()', partition);
    lock table audit_default in access exclusive mode;
    if exists (select from audit_default where at >= first and at < following) then
      alter table audit_default disable trigger audit_append_only;
      execute format('with moved as (delete from audit_default where at >= %L and at < %L returning *)
                      insert into %I select * from moved', first, following, partition);
      alter table audit_default enable trigger audit_append_only;
    end if;
    execute format('alter table audit attach partition %I for values from (%L) to (%L)', partition, first, following);
    return true;
  end $$`;

const back = [
  makePartitionOfBefore,
  `alter function make_audit_partition reset all`,
  `grant execute on function make_audit_partition to public`,
  `drop table audit_check`,
  `drop table audit_block`,
  `drop index audit_subject`,
  `drop index audit_person`,
  `alter table audit drop column mac, drop column reason, drop column times`,
];
